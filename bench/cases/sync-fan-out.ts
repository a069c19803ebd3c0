import { mkdirSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { MANAGEMENT_API_AUDIENCE } from "../../src/auth/management-api.ts";
import type { Database } from "../../src/db/database.ts";
import { openFile } from "../../src/db/native.ts";
import type { Case } from "../case.ts";
import { inTurn } from "../rounds.ts";
import { openEstate } from "../support/estate.ts";
import { startOurs } from "../support/servers.ts";

const CHILDREN = 500;
const ROUNDS = 3;
const LOOK_AGAIN_MS = 10;

/** What has not arrived by then never will. */
const PATIENCE_MS = 120_000;

export const syncFanOut: Case = {
  about:
    "a new role of the control plane in 500 tenants, until the last has it, against a bare insert into as many files",

  async run({ directory: shared }) {
    const directory = join(shared, "children");
    // The first start makes the control plane's own key, which it would not do beside tenants' keys.
    await (await startOurs(directory)).stop();
    const estate = await openEstate(directory);
    await estate.fill(CHILDREN);
    const template = join(directory, "tenants", `${await estate.template.at(estate.provider)}.db`);
    await estate.close();
    const copies = join(shared, "inserted");
    mkdirSync(copies);
    const pathOf = (index: number) => join(copies, `${index}.db`);
    for (let index = 0; index < CHILDREN; index += 1) await copyFile(template, pathOf(index));

    const server = await startOurs(directory);
    const registry = await openFile(join(directory, "control-plane.db"));
    await everybodyHasIt(registry);
    const form = new URLSearchParams({
      grant_type: "client_credentials",
      client_id: server.clientId,
      client_secret: server.clientSecret,
      audience: MANAGEMENT_API_AUDIENCE,
    });
    const { access_token } = (await (
      await fetch(`${server.issuer}oauth/token`, { method: "POST", body: form })
    ).json()) as {
      access_token: string;
    };
    let made = 0;
    const { ours, baseline, ratio } = await inTurn({
      rounds: ROUNDS,
      async ours() {
        const began = performance.now();
        const answer = await fetch(`${server.issuer}api/v2/roles`, {
          method: "POST",
          headers: { authorization: `Bearer ${access_token}`, "content-type": "application/json" },
          body: JSON.stringify({ name: `role ${made++}` }),
        });
        if (answer.status !== 201) throw new Error(`POST /roles answered ${answer.status}: ${await answer.text()}`);
        await everybodyHasIt(registry);
        return performance.now() - began;
      },
      async baseline() {
        const began = performance.now();
        const name = `role ${made++}`;
        for (let index = 0; index < CHILDREN; index += 1) await insertRole(pathOf(index), name);
        return performance.now() - began;
      },
    });
    await registry.close();
    await server.stop();
    return [
      {
        what: `a role in ${CHILDREN} tenants`,
        unit: "ms",
        ours,
        against: { what: "open, insert, close", value: baseline },
        ratio,
      },
    ];
  },
};

async function everybodyHasIt(registry: Database): Promise<void> {
  const sql = `select count(*) as behind from rh_placements where state = 'ready' and provider is not null
    and tenant_id != 'control_plane' and synced_version != (select coalesce(max(version), 0) from rh_sync_log)`;
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; ) {
    const [result] = await registry.batch([{ sql, parameters: [] }]);
    if (result?.rows[0]?.behind === 0) return;
    await sleep(LOOK_AGAIN_MS);
  }
  throw new Error("some tenants did not get what is shared");
}

async function insertRole(path: string, name: string): Promise<void> {
  const database = await openFile(path);
  const sql = "insert into roles (tenant_id, id, name, created_at, updated_at) values ('t', ?, ?, 0, 0)";
  await database.batch([{ sql, parameters: [name, name] }]);
  await database.close();
}
