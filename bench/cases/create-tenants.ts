import { copyFileSync, mkdirSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { openFile } from "../../src/db/native.ts";
import type { Bench, Case } from "../case.ts";
import { inTurn, msEach } from "../rounds.ts";
import { type Estate, openEstate, tenantName } from "../support/estate.ts";

const ROUNDS = 9;
const TENANTS_PER_ROUND = 100;

/** With the one that warms up: 1,000 tenants. */
export const TENANTS = (ROUNDS + 1) * TENANTS_PER_ROUND;

/** Where the tenants of this case are, for the cases after it. */
export const estateOf = ({ directory }: Bench): string => join(directory, "estate");

export const createTenants: Case = {
  about: "1,000 tenants, one after the other, against a bare copy of the template and a first read",

  async run(bench) {
    const estate = await openEstate(estateOf(bench));
    const copies = join(bench.directory, "copies");
    mkdirSync(copies);
    const template = await plainTemplate(estate, copies);
    let made = 0;
    let copied = 0;

    const { ours, baseline, ratio } = await inTurn({
      rounds: ROUNDS,
      ours: () => msEach(TENANTS_PER_ROUND, () => estate.create(tenantName(made++))),
      baseline: () => msEach(TENANTS_PER_ROUND, () => copyAndOpen(template, join(copies, `${copied++}.db`))),
    });

    await estate.close();
    return [
      {
        what: "make a tenant (keys at hand)",
        unit: "ms",
        ours,
        against: { what: "copy and open a file", value: baseline },
        ratio,
        goal: { atMost: 15 },
      },
      { what: "tenants made", unit: "per second", ours: 1_000 / ours, goal: { atLeast: 50 } },
    ];
  },
};

/** The template as one file, its log merged into it. */
async function plainTemplate({ provider, template, directory }: Estate, copies: string): Promise<string> {
  const name = await template.at(provider);
  const path = join(copies, "template.db");
  copyFileSync(join(directory, "tenants", `${name}.db`), path);
  return path;
}

async function copyAndOpen(template: string, path: string): Promise<void> {
  await copyFile(template, path);
  const database = await openFile(path);
  await database.batch([{ sql: "select count(*) from sqlite_schema", parameters: [] }]);
  await database.close();
}
