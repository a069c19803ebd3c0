import { copyFileSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { migrationsDirectory } from "../../src/db/migrate.ts";
import { openFile } from "../../src/db/native.ts";
import type { Case } from "../case.ts";
import { inTurn, msEach } from "../rounds.ts";
import { openEstate } from "../support/estate.ts";
import { estateOf, TENANTS } from "./create-tenants.ts";

const ROUNDS = 3;

export const migrateFleet: Case = {
  about: "a new column in 1,000 tenants by the fleet, against a bare ALTER TABLE on as many files",

  async run(bench) {
    const directory = estateOf(bench);
    const estate = await openEstate(directory);
    await estate.fill(TENANTS);
    const template = await estate.template.at(estate.provider);
    await estate.close();
    const copies = join(bench.directory, "migrated");
    const migrations = join(bench.directory, "migrations");
    mkdirSync(copies);
    cpSync(migrationsDirectory(), migrations, { recursive: true });
    const pathOf = (index: number) => join(copies, `${index}.db`);
    for (let index = 0; index < TENANTS; index += 1) {
      copyFileSync(join(directory, "tenants", `${template}.db`), pathOf(index));
    }
    let release = 0;
    let altered = 0;

    const { ours, baseline, ratio } = await inTurn({
      rounds: ROUNDS,
      async ours() {
        const number = String(9_000 + release++);
        const sql = `-- Measured.\nalter table users add column bench_${number} text;\n`;
        writeFileSync(join(migrations, "tenant", `${number}_bench.sql`), sql);
        return await migrateAll(directory, migrations);
      },
      baseline() {
        const sql = `alter table users add column bare_${altered++} text`;
        return msEach(TENANTS, (index) => alter(pathOf(index), sql));
      },
    });

    return [
      {
        what: "migrate a tenant, one of 1,000",
        unit: "ms",
        ours,
        against: { what: "open, ALTER TABLE, close", value: baseline },
        ratio,
        goal: { atMost: 2 },
      },
    ];
  },
};

/** Milliseconds per tenant. */
async function migrateAll(directory: string, migrations: string): Promise<number> {
  const estate = await openEstate(directory, { migrations });
  const began = performance.now();
  const report = await estate.fleet.run(estate.migration);
  const ms = performance.now() - began;
  await estate.close();
  if (report?.done !== TENANTS) throw new Error(`not every tenant was migrated: ${JSON.stringify(report)}`);
  return ms / TENANTS;
}

async function alter(path: string, sql: string): Promise<void> {
  const database = await openFile(path);
  await database.batch([{ sql, parameters: [] }]);
  await database.close();
}
