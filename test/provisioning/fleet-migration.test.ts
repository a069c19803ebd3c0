import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createFleet } from "../../provisioning/fleet.ts";
import { createMigrationJob } from "../../provisioning/fleet-migration.ts";
import { startFleetJob } from "../../provisioning/fleet-start.ts";
import { openOwned } from "../../provisioning/ownership.ts";
import type { Placement } from "../../provisioning/placements.ts";
import type { Database } from "../../src/db/database.ts";
import { createLogger } from "../../src/log/logger.ts";
import { ask, type Street, streets } from "./street.ts";

const { street, restart } = streets();

const fleetOf = ({ registry, database, clock }: Street) => createFleet({ registry, database, clock });

const migrationOf = (on: Street) => createMigrationJob(on);

/** Tenants of an older release, and the street as the next release opens it: with one migration more. */
async function released(tenantIds: readonly string[], script: string) {
  const older = await street();
  for (const id of tenantIds) await older.create(id);
  writeFileSync(migrationFile(older), script);
  return { older, newer: await restart(older) };
}

const migrationFile = ({ directory }: Street) => join(directory, "migrations/tenant/0003_rooms.sql");

const ROOMS = "create table rooms (name text primary key) strict;";

async function placementOf({ registry }: Street, tenantId: string): Promise<Placement> {
  const placement = await registry.read(tenantId);
  if (!placement) throw new Error(`there is no tenant ${tenantId}`);
  return placement;
}

async function inTenant<T>(on: Street, tenantId: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openOwned(on.providers, await placementOf(on, tenantId));
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

const hasRooms = (on: Street, tenantId: string) =>
  inTenant(on, tenantId, async (database) => {
    return (await ask(database, "select 1 from sqlite_master where name = 'rooms'")).length > 0;
  });

const NAMES = ["acme", "beta", "gamma", "delta"];

describe("the migration of all tenants", () => {
  it("brings every database behind to the schema that new ones get, and writes it down", async () => {
    const { newer } = await released(NAMES, ROOMS);
    const fresh = await newer.create("fresh");

    const report = await fleetOf(newer).run(migrationOf(newer));

    expect(report).toMatchObject({ state: "done", done: 4, failed: 0 });
    for (const id of NAMES) {
      expect(await hasRooms(newer, id)).toBe(true);
      expect(await placementOf(newer, id)).toMatchObject({ schemaVersion: fresh.schemaVersion, state: "ready" });
    }
    expect(await fleetOf(newer).run(migrationOf(newer))).toMatchObject({ jobId: null });
  });

  it("changes nothing when it is only planned", async () => {
    const { older, newer } = await released(NAMES, ROOMS);
    const before = await placementOf(newer, "acme");

    const plan = await fleetOf(newer).plan(migrationOf(newer));

    expect(plan.flatMap(({ tenantIds }) => tenantIds).sort()).toEqual([...NAMES].sort());
    expect(await placementOf(newer, "acme")).toEqual(before);
    expect(await hasRooms(newer, "acme")).toBe(false);
    expect(await ask(newer.database, "select * from rh_fleet_jobs")).toEqual([]);
    expect(await fleetOf(older).plan(migrationOf(older))).toEqual([]);
  });

  it("takes suspended and read-only tenants along, and leaves deleted ones for when they come back", async () => {
    const { newer } = await released(NAMES, ROOMS);
    await newer.lifecycle.suspend("acme", { initiator: "test" });
    await newer.lifecycle.makeReadOnly("beta", { initiator: "test" });
    await newer.remove("gamma");

    const report = await fleetOf(newer).run(migrationOf(newer));
    await newer.undelete("gamma");

    expect(report).toMatchObject({ state: "done", done: 3 });
    expect(await placementOf(newer, "acme")).toMatchObject({ state: "suspended" });
    expect(await hasRooms(newer, "gamma")).toBe(false);
    expect(await fleetOf(newer).run(migrationOf(newer))).toMatchObject({ done: 1 });
  });

  it("stops at the first database that a wrong migration meets, and leaves that one as it was", async () => {
    const { newer } = await released(NAMES, `${ROOMS}\ninsert into nowhere values (1);`);

    const report = await fleetOf(newer).run(migrationOf(newer));

    expect(report).toMatchObject({ state: "halted", reason: "canary_failed", done: 0, failed: 1, left: 3 });
    for (const id of NAMES) expect(await hasRooms(newer, id)).toBe(false);
    const [result] = await ask(newer.database, "select reason from rh_fleet_results where outcome = 'failed'");
    expect(result?.reason).toContain("no such table: nowhere");
  });

  it("refuses a database that newer code has changed in a breaking way", async () => {
    const { older, newer } = await released(["acme"], `-- breaking: rooms are what everybody needs.\n${ROOMS}`);
    await fleetOf(newer).run(migrationOf(newer));
    rmSync(migrationFile(older));
    const rolledBack = await restart(older);

    const report = await fleetOf(rolledBack).run(migrationOf(rolledBack));

    expect(report).toMatchObject({ state: "failed", failed: 1 });
    const [result] = await ask(newer.database, "select reason from rh_fleet_results where outcome = 'failed'");
    expect(result?.reason).toContain("schema_too_new");
    expect(await placementOf(newer, "acme")).toMatchObject({ schemaVersion: newer.template.schemaVersion });
  });

  it("counts a lost database as one failure, and the others are migrated before it is met again", async () => {
    const { newer } = await released(NAMES, ROOMS);
    const { database } = await placementOf(newer, "acme");
    rmSync(join(newer.directory, "tenants", `${database}.db`));

    const first = await fleetOf(newer).run(migrationOf(newer));
    const second = await fleetOf(newer).run(migrationOf(newer));

    expect(first).toMatchObject({ state: "halted", failed: 1, left: 3 });
    expect(second).toMatchObject({ state: "failed", reason: "error_budget_spent", done: 3, failed: 1 });
  });

  it("is waited for by the deletion of the tenant whose turn it is", async () => {
    const { newer } = await released(["acme"], ROOMS);
    const fleet = fleetOf(newer);
    const job = migrationOf(newer);
    const order: string[] = [];
    let removed: Promise<unknown> = Promise.resolve();

    await fleet.run({
      ...job,
      async work(placement, lease) {
        await newer.registry.transition(placement, "deleting");
        removed = fleet.settled("acme").then(() => order.push("removed"));
        await job.work(placement, lease).finally(() => order.push("worked"));
      },
    });
    await removed;

    expect(order).toEqual(["worked", "removed"]);
    expect(await ask(newer.database, "select outcome, reason from rh_fleet_results")).toEqual([
      { outcome: "skipped", reason: "not_served" },
    ]);
  });

  it("runs behind the requests, stops when the process ends, and goes on in the next one", async () => {
    const { newer } = await released(NAMES, ROOMS);
    const events: string[] = [];
    const output = { write: (line: string) => void events.push(String(JSON.parse(line).event)) };
    const log = createLogger({ level: "info", output });
    const { registry, database, clock } = newer;
    const fleet = createFleet({ registry, database, clock, log });

    await startFleetJob(fleet, migrationOf(newer), log).stop();
    await startFleetJob(fleet, migrationOf(newer), log).ended;

    for (const id of NAMES) expect(await hasRooms(newer, id)).toBe(true);
    expect(events.every((event) => event === "fleet.wave")).toBe(true);
    expect(await ask(database, "select state from rh_fleet_jobs")).toEqual([{ state: "done" }]);
  });
});
