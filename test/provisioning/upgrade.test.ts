import { cpSync, mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { createJournal } from "../../provisioning/journal.ts";
import { migrate, migrationsDirectory } from "../../src/db/migrate.ts";
import { openFile } from "../../src/db/native.ts";

it("a registry of before the leases keeps its operations, and what it called a deletion is a purge", async () => {
  const directory = mkdtempSync(join(tmpdir(), "upgrade-"));
  mkdirSync(join(directory, "control-plane"));
  const first = "control-plane/0001_registry.sql";
  cpSync(join(migrationsDirectory(), first), join(directory, first));
  const database = await openFile(join(directory, "control.db"), { create: true });
  await migrate(database, ["control-plane"], directory);
  const old = (number: number, tenant: string, kind: string, state: string) => ({
    sql: `insert into rh_operations (number, id, tenant_id, tag, kind, state, initiator, created_at, updated_at)
      values (?, 'op' || ?, ?, 'tag', ?, ?, 'test', '2026-01-01', '2026-01-01')`,
    parameters: [number, number, tenant, kind, state],
  });
  await database.batch([
    old(1, "acme", "provision", "failed"),
    old(2, "acme", "delete", "running"),
    old(3, "beta", "provision", "done"),
    old(4, "gamma", "provision", "failed"),
    old(5, "delta", "delete", "done"),
  ]);

  await migrate(database, ["shared", "control-plane"]);

  const journal = createJournal({ database, clock: () => new Date("2026-02-01") });
  const kept = await Promise.all(["acme", "beta", "gamma", "delta"].map((tenant) => journal.list(tenant)));
  expect(kept.flat().map(({ id, kind, state }) => `${id} ${kind} ${state}`)).toEqual([
    "op2 purge running",
    "op1 provision abandoned",
    "op3 provision done",
    "op4 provision running",
    "op5 delete done",
  ]);
  const [acme] = kept[0] ?? [];
  expect(acme && (await journal.acquire(acme))).toEqual({ operationId: "op2", fence: 1, attempts: 1 });
  await database.close();
});
