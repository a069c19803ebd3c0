import { join } from "node:path";
import { createClient } from "@libsql/client";
import Database from "libsql";
import type { Case } from "../case.ts";
import { allInTurn } from "../rounds.ts";
import { ACME, USERS, userIdOf } from "../support/acme.ts";
import { openEstate } from "../support/estate.ts";
import { ensureTown } from "../support/town.ts";

const READS = 2_000;

export const pointReads: Case = {
  about: "a user by id from 10,000 through our adapter, against bare statements of @libsql/client and native libsql",

  async run(bench) {
    const directory = await ensureTown(bench);
    const estate = await openEstate(directory);
    const placement = await estate.registry.read(ACME);
    const path = join(directory, "tenants", `${placement?.database}.db`);
    const client = createClient({ url: `file:${path}` });
    const native = new Database(path);
    const sql = "select * from users where tenant_id = ? and user_id = ?";
    const kept = native.prepare(sql);

    const { medians, ratios } = await allInTurn({
      ours: () =>
        readsPerSecond(
          async (userId) => (await estate.pool.use(ACME, ({ users }) => users.get(ACME, userId)))?.user_id,
        ),
      client: () =>
        readsPerSecond(async (userId) => (await client.execute({ sql, args: [ACME, userId] })).rows[0]?.user_id),
      native: () => readsPerSecond((userId) => Promise.resolve((kept.get([ACME, userId]) as UserRow).user_id)),
    });

    client.close();
    native.close();
    await estate.close();
    const finding = { what: "users by id, one after the other", unit: "per second", ours: medians.ours } as const;
    return [
      { ...finding, against: { what: "@libsql/client", value: medians.client }, ratio: ratios.client },
      { ...finding, against: { what: "libsql, statement kept", value: medians.native }, ratio: ratios.native },
    ];
  },
};

interface UserRow {
  readonly user_id: string;
}

/** A user anew each time; each must be the one that was asked for. */
async function readsPerSecond(read: (userId: string) => Promise<unknown>): Promise<number> {
  const began = performance.now();
  for (let count = 0; count < READS; count += 1) {
    const userId = userIdOf((count * 7_919) % USERS);
    if ((await read(userId)) !== userId) throw new Error(`${userId} was not found`);
  }
  return READS / ((performance.now() - began) / 1_000);
}
