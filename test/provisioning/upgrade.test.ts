import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seed } from "authhero";
import { expect, it } from "vitest";
import { createJournal } from "../../provisioning/journal.ts";
import { migrate, migrationsDirectory } from "../../src/db/migrate.ts";
import { openFile } from "../../src/db/native.ts";
import { systemClock } from "../../src/domain/clock.ts";
import { createDataAdapters } from "../../src/entities/adapters.ts";
import { createStore } from "../../src/entities/store.ts";
import { CONTROL_PLANE_SETS } from "../../src/wiring/control-plane.ts";

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

  await migrate(database, CONTROL_PLANE_SETS);

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

it("a control plane that AuthHero's seed made sends nobody to its makers' hosts any more; what an operator has set stays", async () => {
  const directory = mkdtempSync(join(tmpdir(), "upgrade-"));
  cpSync(migrationsDirectory(), directory, { recursive: true });
  rmSync(join(directory, "control-plane/0022_default_client.sql"));
  const database = await openFile(join(directory, "control.db"), { create: true });
  await migrate(database, CONTROL_PLANE_SETS, directory);
  const { clients, ...adapters } = createDataAdapters(createStore(database, { clock: systemClock }));
  const seeded = { adminUsername: "admin", adminPassword: "Corr3ct-h0rse!", debug: false };
  await seed({ clients, ...adapters }, { ...seeded, tenantId: "left" });
  await seed({ clients, ...adapters }, { ...seeded, tenantId: "changed" });
  const own = { callbacks: ["https://console.example/"], allowed_logout_urls: ["https://console.example/"] };
  await clients.update("changed", "default", own);
  const addresses = async (tenantId: string) => {
    const { callbacks, allowed_logout_urls } = (await clients.get(tenantId, "default")) ?? {};
    return { callbacks, allowed_logout_urls };
  };
  expect((await addresses("left")).callbacks).toContain("https://manage.authhero.net/auth-callback");

  await migrate(database, CONTROL_PLANE_SETS);

  expect(await addresses("left")).toEqual({ callbacks: [], allowed_logout_urls: [] });
  expect(await addresses("changed")).toEqual(own);
  await database.close();
});
