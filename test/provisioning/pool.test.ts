import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createPool, type PoolOptions } from "../../provisioning/pool.ts";
import type { Database } from "../../src/db/database.ts";
import { ask, notesOf, type Street, streets, until } from "./street.ts";

const { street, restart } = streets();

/** A second pool over the same street, with a way to count and to fail. */
function poolOver({ registry, providers, clock }: Street, options: Partial<PoolOptions<Database>> = {}) {
  const defaults = { openTenant: (database: Database) => database, maxOpen: 2, idleMs: 60_000, waitMs: 5_000 };
  return createPool<Database>({ registry, providers, clock, ...defaults, ...options });
}

async function streetWith(...ids: string[]): Promise<Street> {
  const made = await street({ maxOpen: 2 });
  for (const id of ids) await made.create(id);
  return made;
}

describe("the pool", () => {
  it("opens a database once, however many ask for it", async () => {
    const made = await streetWith("acme");

    const entries = await Promise.all(
      Array.from({ length: 50 }, () => made.pool.use("acme", (entry) => Promise.resolve(entry))),
    );

    expect(new Set(entries).size).toBe(1);
    expect(made.pool.stats()).toMatchObject({ open: 1, opened: 1, leased: 0, failed: 0 });
  });

  it("never has more open than it may, and serves all the same", async () => {
    const ids = Array.from({ length: 8 }, (_, index) => `tenant-${index}`);
    const made = await streetWith(...ids);
    let most = 0;

    const results = await Promise.all(
      Array.from({ length: 80 }, (_, index) =>
        made.pool.use(ids[index % ids.length] ?? "", async (entry, placement) => {
          most = Math.max(most, made.pool.stats().open);
          const [owner] = await ask(entry, "select tenant_id from database_identity");
          return owner?.tenant_id === placement.tenantId;
        }),
      ),
    );

    expect(results).not.toContain(false);
    expect(most).toBeLessThanOrEqual(2);
    expect(made.pool.stats()).toMatchObject({ leased: 0, waiting: 0, failed: 0 });
  });

  it("closes the one used longest ago when it needs room", async () => {
    const made = await streetWith("acme", "beta", "gamma");
    const touch = (id: string) => made.pool.use(id, (entry) => Promise.resolve(entry));
    const acme = await touch("acme");
    const beta = await touch("beta");
    await touch("acme");

    await touch("gamma");

    expect(await touch("acme")).toBe(acme);
    await expect(ask(beta, "select 1")).rejects.toMatchObject({ reason: "database_closed" });
  });

  it("never closes an entry in somebody's hands, and says so when there is no room for others", async () => {
    const made = await streetWith("acme", "beta", "gamma");
    const pool = poolOver(made, { waitMs: 20 });
    const leases = [await pool.lease("acme"), await pool.lease("beta")];

    await expect(pool.lease("gamma")).rejects.toMatchObject({ code: "unavailable", reason: "pool_exhausted" });
    for (const { entry } of leases) expect(await notesOf(entry)).toEqual(["seeded"]);

    leases[0]?.release();
    expect(await pool.use("gamma", notesOf)).toEqual(["seeded"]);
    leases[1]?.release();
    await pool.close();
  });

  it("lets who waits in as soon as somebody leaves", async () => {
    const made = await streetWith("acme", "beta", "gamma");
    const leases = [await made.pool.lease("acme"), await made.pool.lease("beta")];
    const waiting = made.pool.use("gamma", notesOf);
    await until(() => Promise.resolve(made.pool.stats().waiting === 1));

    for (const lease of leases) lease.release();

    expect(await waiting).toEqual(["seeded"]);
  });

  it("closes an evicted entry when its last lease ends, and opens a new one for the next caller", async () => {
    const made = await streetWith("acme");
    const held = await made.pool.lease("acme");
    let evicted = false;

    const eviction = made.pool.evict("acme").then(() => {
      evicted = true;
    });
    const next = await made.pool.use("acme", (entry) => Promise.resolve(entry));
    expect(next).not.toBe(held.entry);
    expect(await notesOf(held.entry)).toEqual(["seeded"]);
    expect(evicted).toBe(false);
    held.release();
    held.release();
    await eviction;

    await expect(ask(held.entry, "select 1")).rejects.toMatchObject({ reason: "database_closed" });
    expect(await made.pool.use("acme", notesOf)).toEqual(["seeded"]);
  });

  it("closes what nobody has used for a while", async () => {
    const made = await streetWith("acme", "beta");
    const lease = await made.pool.lease("acme");
    await made.pool.use("beta", notesOf);

    made.time.ms += 59_999;
    await made.pool.sweep();
    expect(made.pool.stats().open).toBe(2);
    made.time.ms += 1;
    await made.pool.sweep();

    expect(made.pool.stats()).toMatchObject({ open: 1, leased: 1 });
    lease.release();
  });

  it("refuses a database that does not say it is the tenant's", async () => {
    const made = await streetWith("acme", "beta");
    const acme = await made.registry.read("acme");
    await ask(made.database, "update rh_placements set database = 'spare' where tenant_id = 'acme'");
    await ask(made.database, "update rh_placements set database = ? where tenant_id = 'beta'", acme?.database);
    made.time.ms += 2_000;

    const served = made.pool.lease("beta");

    await expect(served).rejects.toMatchObject({ code: "unavailable", reason: "database_mismatch" });
    expect(made.pool.stats().open).toBe(0);
  });

  it("asks a database on the way in, and hands out nothing of one that is another tenant's", async () => {
    const made = await streetWith("acme", "beta");
    const told: unknown[] = [];
    const pool = createPool<Database, unknown>({
      ...{ registry: made.registry, providers: made.providers, clock: made.clock, maxOpen: 2, idleMs: 60_000 },
      ask: (database) => notesOf(database),
      openTenant(database, { tenantId }, answer) {
        told.push([tenantId, answer]);
        return database;
      },
    });
    const acme = await made.registry.read("acme");
    await ask(made.database, "update rh_placements set database = 'spare' where tenant_id = 'acme'");
    await ask(made.database, "update rh_placements set database = ? where tenant_id = 'beta'", acme?.database);
    made.time.ms += 2_000;
    await expect(pool.lease("beta")).rejects.toMatchObject({ reason: "database_mismatch" });
    await made.create("gamma");

    await pool.use("gamma", notesOf);

    expect(told).toEqual([["gamma", ["seeded"]]]);
    await pool.close();
  });

  it("opens a database also when what it is asked on the way in fails", async () => {
    const made = await streetWith("acme");
    const told: unknown[] = [];
    const pool = createPool<Database, unknown>({
      ...{ registry: made.registry, providers: made.providers, clock: made.clock, maxOpen: 2, idleMs: 60_000 },
      ask: (database) => ask(database, "select * from nowhere"),
      openTenant(database, _placement, answer) {
        told.push(answer);
        return database;
      },
    });

    expect(await pool.use("acme", notesOf)).toEqual(["seeded"]);

    expect(told).toEqual([undefined]);
    await pool.close();
  });

  it("is unavailable, not unknown, when the database of a tenant is missing", async () => {
    const made = await streetWith("acme");
    await made.provider.destroy((await made.create("beta")).database);

    await expect(made.pool.lease("beta")).rejects.toMatchObject({ code: "unavailable", reason: "database_missing" });
    await expect(made.pool.lease("nobody")).rejects.toMatchObject({ code: "not_found", reason: "tenant_not_found" });
  });

  it("leaves the others untouched when one database is damaged, and does not try again at every call", async () => {
    const made = await streetWith("acme", "beta");
    const { database } = (await made.registry.read("acme")) ?? { database: "" };
    const path = join(made.directory, "tenants", `${database}.db`);
    writeFileSync(path, "x".repeat(8192));

    for (let call = 0; call < 3; call += 1) {
      await expect(made.pool.lease("acme")).rejects.toMatchObject({
        code: "unavailable",
        reason: "database_unreadable",
      });
    }

    expect(made.pool.stats().failed).toBe(1);
    expect(await made.pool.use("beta", notesOf)).toEqual(["seeded"]);
    made.time.ms += 1_000;
    await expect(made.pool.lease("acme")).rejects.toMatchObject({ reason: "database_unreadable" });
    expect(made.pool.stats()).toMatchObject({ failed: 2, open: 1 });
  });

  it("gives nobody an entry whose preparation failed, and tries again after an eviction", async () => {
    const made = await streetWith("acme");
    let failures = 1;
    const prepare = () => (failures-- > 0 ? Promise.reject(new Error("behind")) : Promise.resolve());
    const pool = poolOver(made, { onOpen: prepare });

    await expect(pool.lease("acme")).rejects.toThrow("behind");
    await pool.evict("acme");

    expect(await pool.use("acme", notesOf)).toEqual(["seeded"]);
    expect(pool.stats()).toMatchObject({ open: 1, opened: 1, failed: 1 });
    await pool.close();
  });

  it.each(["suspended", "read_only"] as const)("serves a tenant that is %s", async (state) => {
    const made = await streetWith("acme");
    const placement = await made.registry.read("acme");
    if (placement) await made.registry.transition(placement, state);

    expect(await made.pool.use("acme", notesOf)).toEqual(["seeded"]);
  });

  it("gives an entry back when the work throws", async () => {
    const made = await streetWith("acme");

    await expect(made.pool.use("acme", () => Promise.reject(new Error("work")))).rejects.toThrow("work");

    expect(made.pool.stats().leased).toBe(0);
  });

  it("refuses after it was closed, and closes when the last one lets go", async () => {
    const made = await streetWith("acme", "beta", "gamma");
    const pool = poolOver(made);
    const leases = [await pool.lease("acme"), await pool.lease("beta")];
    const waiting = pool.lease("gamma").catch((error: unknown) => error);
    await until(() => Promise.resolve(pool.stats().waiting === 1));

    const closing = pool.close();
    expect(await waiting).toMatchObject({ code: "unavailable", reason: "pool_closed" });
    await expect(pool.lease("acme")).rejects.toMatchObject({ reason: "pool_closed" });
    for (const lease of leases) lease.release();
    await closing;

    expect(pool.stats()).toMatchObject({ open: 0, leased: 0, closed: 2 });
  });

  it("finds everything again after a restart", async () => {
    const made = await streetWith("acme");
    await made.pool.use("acme", (entry) => ask(entry, "insert into notes values ('before')"));

    const again = await restart(made);

    expect(await again.pool.use("acme", notesOf)).toEqual(["before", "seeded"]);
  });
});
