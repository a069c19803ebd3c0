import { describe, expect, it } from "vitest";
import { createFleet } from "../../provisioning/fleet.ts";
import { createKeysJob, type KeysJobOptions } from "../../provisioning/fleet-keys.ts";
import { createKeyReserve, SEALED_RESERVE } from "../../provisioning/key-reserve.ts";
import { SEALED_LOCATIONS, toLocationColumns } from "../../provisioning/placements.ts";
import { fileProvider } from "../../provisioning/providers/file.ts";
import type { DatabaseProvider } from "../../provisioning/providers/provider.ts";
import type { KeyFindingKind } from "../../provisioning/reconcile/findings.ts";
import { createRecordedFindings } from "../../provisioning/reconcile/recorded-findings.ts";
import { createRegistry } from "../../provisioning/registry.ts";
import type { Database } from "../../src/db/database.ts";
import type { SealedColumn } from "../../src/db/resealing.ts";
import { createKeyRing, type KeyRing, seal, unseal } from "../../src/db/seal.ts";
import { PlatformError } from "../../src/domain/errors.ts";
import { ask, type Street, streets, until } from "./street.ts";

const key = (id: string, byte: number) => ({ id, key: Buffer.alloc(32, byte) });
const old = createKeyRing({ current: key("old", 1) });
const lost = createKeyRing({ current: key("lost", 9) });
const both = createKeyRing({ current: key("new", 2), previous: [key("old", 1)] });
const fresh = createKeyRing({ current: key("new", 2) });

/** A street's tenants have notes, and these are sealed. */
const NOTES: SealedColumn = { table: "notes", field: "body", home: "column", key: ["body"], boundTo: () => "note" };

const { street, restart } = streets();

const jobOf = ({ database, clock, processes, providers, template }: Street, more: Partial<KeysJobOptions> = {}) => {
  const findings = createRecordedFindings<KeyFindingKind>(database, clock);
  return createKeysJob({
    ...{ keyRing: both, providers, processes, findings, schemaVersion: template.schemaVersion, sealed: [NOTES] },
    controlPlane: { tenantId: "control_plane", database, sealed: [SEALED_LOCATIONS, SEALED_RESERVE] },
    retriesMs: [],
    ...more,
  });
};

async function note(made: Street, tenantId: string, ring: KeyRing, ...bodies: readonly string[]) {
  await made.pool.use(tenantId, async (database) => {
    for (const body of bodies) await ask(database, "insert into notes values (?)", seal(ring, body, "note"));
  });
}

/** A tenant's notes, with the new key alone. */
const notesOf = async (made: Street, tenantId: string) =>
  await made.pool.use(tenantId, async (database) =>
    (await ask(database, "select body from notes where body like 'rh1.%'"))
      .map(({ body }) => unseal(fresh, String(body), "note"))
      .sort(),
  );

const foundIn = async ({ database }: Street) =>
  (await ask(database, "select * from rh_fleet_findings order by job_id, tenant_id, kind, subject")).map(
    ({ kind, tenant_id, subject, detail, outcome }) => `${tenant_id}: ${kind} ${subject}, ${detail}: ${outcome}`,
  );

/** A provider whose databases cannot be opened while `is` says so. */
function broken(directory: string, is: (tries: number) => boolean): DatabaseProvider {
  const provider = fileProvider({ directory });
  let tries = 0;
  return {
    ...provider,
    open(database, location) {
      if (is(++tries)) throw new PlatformError("unavailable", "database_unreachable", "The line is down");
      return provider.open(database, location);
    },
  };
}

describe("rotating the encryption key", () => {
  it("reaches every tenant and the control plane, and says how many values were under which key", async () => {
    const made = await street();
    for (const id of ["acme", "beta", "gamma"]) await made.create(id);
    await note(made, "acme", old, "one", "two");
    await note(made, "beta", old, "three");
    await note(made, "gamma", fresh, "four");
    const { database, clock } = made;
    const reserve = (keyRing: KeyRing) =>
      createKeyReserve({ database, keyRing, clock, generate: () => Promise.resolve({ kid: "k1", private: "half" }) });
    await reserve(old).refill();
    await createRegistry({ database, keyRing: old, clock }).claim({ tenantId: "control_plane", provider: "own" });
    const secretOf = (secret: string, { tenantId, tag }: { tenantId: string; tag: string }) =>
      toLocationColumns(old, { tenantId, tag }, { locator: "there", secret }).secret;
    const beta = await made.registry.read("beta");
    if (!beta) throw new Error("there is no beta");
    await ask(database, "update rh_placements set secret = ? where tenant_id = 'beta'", secretOf("token", beta));

    // Whose location is under another key than the street's own cannot be read by it: as after a restart.
    const registry = createRegistry({ database, keyRing: both, clock });
    const report = await createFleet({ ...made, registry }).run(jobOf(made));

    expect(report).toMatchObject({ state: "done", done: 4, failed: 0, left: 0 });
    expect(await foundIn(made)).toEqual([
      "acme: key_older key old, 2 values: repaired",
      "beta: key_older key old, 1 value: repaired",
      "control_plane: key_older key old, 2 values: repaired",
    ]);
    const later = createRegistry({ database, keyRing: fresh, clock });
    expect((await later.read("beta"))?.location?.secret).toBe("token");
    expect(await reserve(fresh).take()).toEqual({ kid: "k1", private: "half" });
    expect(await notesOf(made, "acme")).toEqual(["one", "two"]);
    const told = JSON.stringify([await ask(database, "select * from rh_fleet_findings, rh_fleet_jobs")]);
    for (const byte of [1, 2]) {
      for (const encoding of ["hex", "base64", "base64url"] as const) {
        expect(told).not.toContain(Buffer.alloc(32, byte).toString(encoding));
      }
    }
  });

  it("does nothing the second time", async () => {
    const made = await street();
    await made.create("acme");
    await note(made, "acme", old, "one");
    const fleet = createFleet(made);
    await fleet.run(jobOf(made));
    const rows = () => made.pool.use("acme", (database) => ask(database, "select body from notes"));
    const first = await rows();

    const report = await fleet.run(jobOf(made));

    expect(report).toMatchObject({ done: 1, failed: 0 });
    expect(await rows()).toEqual(first);
    expect(await foundIn(made)).toHaveLength(1);
  });

  it("comes back to who could not be reached, after all others", async () => {
    const made = await street();
    for (const id of ["acme", "beta"]) await made.create(id);
    await note(made, "acme", old, "one");
    await note(made, "beta", old, "two");
    const provider = broken(`${made.directory}/tenants`, (tries) => tries <= 3);
    const job = jobOf(made, { providers: { file: provider }, retriesMs: [1, 1] });

    const report = await createFleet(made).run({ ...job, concurrency: 1 });

    expect(report).toMatchObject({ state: "done", done: 2, failed: 0 });
    expect([await notesOf(made, "acme"), await notesOf(made, "beta")]).toEqual([["one"], ["two"]]);
  });

  it("fails on who stays unreachable, and is done for them by the next", async () => {
    const made = await street();
    for (const id of ["acme", "beta"]) await made.create(id);
    await note(made, "acme", old, "one");
    await note(made, "beta", old, "two");
    let isDown = true;
    const first = (await made.registry.read("acme"))?.database;
    const whole = fileProvider({ directory: `${made.directory}/tenants` });
    const provider: DatabaseProvider = {
      ...whole,
      open(database, location) {
        if (isDown && database === first) throw new PlatformError("unavailable", "database_unreachable", "Down");
        return whole.open(database, location);
      },
    };
    const run = () => createFleet(made).run(jobOf(made, { providers: { file: provider }, retriesMs: [1] }));

    expect(await run()).toMatchObject({ state: "done", done: 1, failed: 1 });
    isDown = false;
    expect(await run()).toMatchObject({ state: "done", done: 2, failed: 0 });

    expect([await notesOf(made, "acme"), await notesOf(made, "beta")]).toEqual([["one"], ["two"]]);
  });

  it("goes on after a crash in the middle, in another process, and the numbers are those of the beginning", async () => {
    const made = await street();
    await made.create("acme");
    const bodies = Array.from({ length: 130 }, (_, n) => `note ${String(n).padStart(3, "0")}`);
    await note(made, "acme", old, ...bodies);
    const whole = fileProvider({ directory: `${made.directory}/tenants` });
    const hanging: DatabaseProvider = {
      ...whole,
      async open(database, location) {
        const opened = await whole.open(database, location);
        let updates = 0;
        const batch: Database["batch"] = async (statements) => {
          if (statements[0]?.sql.startsWith("update") && ++updates === 2) return await new Promise(() => {});
          return await opened.batch(statements);
        };
        return { ...opened, batch };
      },
    };
    const gone = { id: "gone", isGone: () => false };
    const dying = createFleet({ ...made, process: gone });
    void dying.start(jobOf(made, { providers: { file: hanging } }));
    const isHalf = () =>
      made.pool.use("acme", async (database) => {
        const [row] = await ask(database, "select count(*) as n from notes where body like 'rh1.new.%'");
        return row?.n === 100;
      });
    await until(isHalf);

    const again = await restart(made);
    const process = { id: "next", isGone: (id: string) => id === gone.id };
    const report = await createFleet({ ...again, process }).run(jobOf(again));

    expect(report).toMatchObject({ state: "done", done: 1, failed: 0 });
    expect(await notesOf(again, "acme")).toEqual(bodies);
    expect(await foundIn(again)).toEqual(["acme: key_older key old, 130 values: repaired"]);
  });

  it("is done by one process at a time", async () => {
    const made = await street();
    await made.create("acme");
    const other = createFleet({ ...made, process: { id: "other", isGone: () => false } });
    let isAsked = false;
    const job = jobOf(made);
    const asking = {
      ...job,
      work: async (...turn: Parameters<typeof job.work>) => {
        isAsked = (await other.run(jobOf(made))) === null;
        await job.work(...turn);
      },
    };

    const report = await createFleet(made).run(asking);

    expect([report?.done, isAsked]).toEqual([1, true]);
  });

  it("fails on a tenant with a value under a key that nobody has, and names the key", async () => {
    const made = await street();
    await made.create("acme");
    await note(made, "acme", lost, "gone");
    await note(made, "acme", old, "one");

    const report = await createFleet(made).run(jobOf(made));

    expect(report).toMatchObject({ done: 0, failed: 1 });
    expect(await foundIn(made)).toEqual([
      "acme: key_missing key lost, 1 value: left",
      "acme: key_older key old, 1 value: repaired",
    ]);
    const [result] = await ask(made.database, "select reason from rh_fleet_results");
    expect(result?.reason).toContain("1 under the key lost");
  });

  it("says of a deleted tenant that may come back that it needs the older key", async () => {
    const made = await street();
    await made.create("acme");
    await note(made, "acme", old, "one");
    await made.remove("acme");

    await createFleet(made).run(jobOf(made));
    const { purge_at } = (await ask(made.database, "select purge_at from rh_placements"))[0] ?? {};
    expect(await foundIn(made)).toEqual([`acme: key_deleted_tenant acme, may come back until ${purge_at}: left`]);
    await made.undelete("acme");
    const report = await createFleet(made).run(jobOf(made));

    expect(report).toMatchObject({ done: 1, failed: 0 });
    expect(await notesOf(made, "acme")).toEqual(["one"]);
  });
});
