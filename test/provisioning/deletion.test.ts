import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ask, filesOf, gate, notesOf, retainedOf, stepsOf, streets, until } from "./street.ts";

const { street, restart } = streets();

describe("purging a tenant", () => {
  it("leaves no file, no row and no directory entry, and retires the tag", async () => {
    const made = await street();
    const { tag } = await made.create("acme");
    await made.create("beta");
    await made.registry.directories.addClient("acme", "default");
    await made.registry.directories.addClient("beta", "default");

    await made.purge("acme");

    expect(filesOf(made)).toHaveLength(1);
    expect(await made.registry.get("acme")).toBeNull();
    expect(await ask(made.database, "select id from tenants")).toEqual([{ id: "beta" }]);
    expect(await made.registry.directories.tenantsOfClient("default")).toEqual(["beta"]);
    const [retired] = await ask(made.database, "select * from rh_retired_tags where tag = ?", tag);
    expect(retired?.retired_at).toBeTypeOf("string");
    expect(await stepsOf(made, "acme")).toEqual([
      "mark-deleting done",
      "fence done",
      "destroy-database done",
      "remove-records done",
    ]);
  });

  it("lets the id be made again: a new tag, an empty database, and never the old entry", async () => {
    const made = await street();
    const first = await made.create("acme");
    await made.pool.use("acme", (database) => ask(database, "insert into notes values ('private')"));

    await made.purge("acme");
    const second = await made.create("acme");

    expect(second.tag).not.toBe(first.tag);
    expect(second.database).not.toBe(first.database);
    expect(await made.pool.use("acme", notesOf)).toEqual(["seeded"]);
    expect(await made.registry.findByTag(first.tag)).toBeNull();
  });

  it("waits for calls under way, and refuses new ones meanwhile", async () => {
    const made = await street();
    await made.create("acme");
    const lease = await made.pool.lease("acme");

    const removal = made.purge("acme");
    await until(async () => (await made.registry.read("acme"))?.state === "deleting");
    await expect(made.pool.lease("acme")).rejects.toMatchObject({ code: "unavailable", reason: "tenant_not_ready" });
    await ask(lease.entry, "insert into notes values ('last words')");
    expect(filesOf(made)).toHaveLength(1);
    lease.release();
    await removal;

    expect(filesOf(made)).toEqual([]);
  });

  it("gives up when a call does not end, keeps the database, and goes on when asked again", async () => {
    const made = await street({ fenceMs: 20 });
    await made.create("acme");
    const lease = await made.pool.lease("acme");

    await expect(made.purge("acme")).rejects.toMatchObject({ code: "unavailable", reason: "database_in_use" });
    expect(filesOf(made)).toHaveLength(1);
    lease.release();
    await made.purge("acme");

    expect(await made.registry.read("acme")).toBeNull();
    expect(filesOf(made)).toEqual([]);
  });

  it.each(["mark-deleting", "fence", "destroy-database", "remove-records"])(
    "is finished at the next start when the crash came right after %s",
    async (last) => {
      const made = await street({ crash: { step: last, written: true } });
      await made.create("acme");
      await expect(made.purge("acme")).rejects.toThrow("crash");

      const again = await restart(made);
      await again.lifecycle.work();

      expect(await again.registry.read("acme")).toBeNull();
      expect(filesOf(again)).toEqual([]);
      expect(await ask(again.database, "select id from tenants")).toEqual([]);
      expect(await again.lifecycle.resumeAll()).toEqual([]);
    },
  );

  it("clears away a tenant whose creation has failed, or is still running", async () => {
    const held = gate();
    const made = await street({ steps: { signingKey: held.step } });
    const creation = made.create("acme").catch((error: unknown) => error);
    await held.reached;

    const removal = made.remove("acme");
    await until(async () => (await made.registry.read("acme"))?.state === "deleting");
    held.open();
    await removal;

    expect(await creation).toMatchObject({ code: "conflict", reason: "operation_overtaken" });
    expect(await made.registry.read("acme")).toBeNull();
    expect(filesOf(made)).toEqual([]);
    await made.lifecycle.resumeAll();
    expect((await made.journal.list("acme")).map(({ kind, state }) => `${kind} ${state}`).toSorted()).toEqual([
      "provision abandoned",
      "purge done",
    ]);
  });

  it("can delete a tenant whose file is damaged", async () => {
    const made = await street();
    const { database } = await made.create("acme");
    await made.pool.evict("acme");
    writeFileSync(join(made.directory, "tenants", `${database}.db`), "x".repeat(8192));

    await made.purge("acme");

    expect(existsSync(join(made.directory, "tenants", `${database}.db`))).toBe(false);
  });

  it("knows no tenant that is not there", async () => {
    const made = await street();

    await expect(made.purge("acme")).rejects.toMatchObject({ code: "not_found", reason: "tenant_not_found" });
    await expect(made.remove("acme")).rejects.toMatchObject({ reason: "tenant_not_found" });
    expect(await made.lifecycle.resume("acme")).toBeNull();
  });

  it("overtakes a deletion that cannot end, and takes a deleted tenant too", async () => {
    const made = await street({ fenceMs: 20 });
    await made.create("acme");
    const lease = await made.pool.lease("acme");
    await expect(made.remove("acme")).rejects.toMatchObject({ reason: "database_in_use" });
    lease.release();
    await made.create("beta");
    await made.remove("beta");

    await made.purge("acme");
    await made.purge("beta");

    expect(await made.registry.list({ take: 10 })).toEqual([]);
    expect([...filesOf(made), ...retainedOf(made)]).toEqual([]);
    expect((await made.journal.list("acme")).map(({ kind, state }) => `${kind} ${state}`)).toEqual([
      "purge done",
      "delete abandoned",
      "provision done",
    ]);
  });
});

describe("deleting a tenant", () => {
  const DAY_MS = 86_400_000;

  it("keeps everything for the window, out of everybody's reach", async () => {
    const made = await street();
    const { tag } = await made.create("acme");
    await made.registry.directories.addClient("acme", "default");

    await made.remove("acme");

    expect(await made.registry.read("acme")).toMatchObject({
      state: "deleted",
      tag,
      restoreState: "ready",
      purgeAt: new Date(made.time.ms + 7 * DAY_MS).toISOString(),
    });
    expect(filesOf(made)).toEqual([]);
    expect(retainedOf(made)).toHaveLength(1);
    expect(await ask(made.database, "select id from tenants")).toEqual([{ id: "acme" }]);
    expect(await made.registry.directories.tenantsOfClient("default")).toEqual([]);
    await expect(made.pool.lease("acme")).rejects.toMatchObject({ reason: "tenant_not_ready" });
    expect(await stepsOf(made, "acme")).toEqual(
      ["mark-deleting", "fence", "retain", "tombstone"].map((s) => `${s} done`),
    );
  });

  it("keeps the id taken, and is done when it is done", async () => {
    const made = await street();
    await made.create("acme");
    await made.remove("acme");

    await expect(made.create("acme")).rejects.toMatchObject({ code: "conflict", reason: "tenant_exists" });
    await made.remove("acme");

    expect((await made.journal.list("acme")).map(({ kind }) => kind)).toEqual(["delete", "provision"]);
    expect(retainedOf(made)).toHaveLength(1);
  });

  it.each(["ready", "suspended", "read_only"] as const)(
    "is undone within the window, with everything the tenant had, and where it was: %s",
    async (state) => {
      const made = await street();
      const { tag } = await made.create("acme");
      await made.pool.use("acme", (database) => ask(database, "insert into notes values ('mine')"));
      await made.registry.directories.addClient("acme", "default");
      if (state === "suspended") await made.lifecycle.suspend("acme", { initiator: "test" });
      if (state === "read_only") await made.lifecycle.makeReadOnly("acme", { initiator: "test" });
      await made.remove("acme");
      made.time.ms += 7 * DAY_MS - 1;
      expect(await made.lifecycle.work()).toEqual([]);

      const back = await made.undelete("acme");

      expect(back).toMatchObject({ state, tag, restoreState: null, purgeAt: null });
      expect(await made.pool.use("acme", notesOf)).toEqual(["mine", "seeded"]);
      expect(await made.registry.directories.tenantsOfClient("default")).toEqual(["acme"]);
      made.time.ms += 2;
      expect(await made.lifecycle.work()).toEqual([]);
      expect(filesOf(made)).toHaveLength(1);
    },
  );

  it("is final when the window is over, and the id is then free", async () => {
    const made = await street();
    const { tag } = await made.create("acme");
    await made.remove("acme");
    made.time.ms += 7 * DAY_MS;

    expect(await made.lifecycle.work()).toEqual([{ tenantId: "acme", kind: "purge" }]);

    expect(await made.registry.read("acme")).toBeNull();
    expect([...filesOf(made), ...retainedOf(made)]).toEqual([]);
    await expect(made.undelete("acme")).rejects.toMatchObject({ code: "not_found" });
    expect((await made.create("acme")).tag).not.toBe(tag);
  });

  it("is final at once without a window, and for a tenant that was never ready", async () => {
    const made = await street({ undeleteDays: 0 });
    await made.create("acme");
    await made.remove("acme");
    const other = await street({ attemptsMax: 1, steps: { verify: () => Promise.reject(new Error("broken")) } });
    await expect(other.create("acme")).rejects.toThrow("broken");
    await other.remove("acme");

    for (const each of [made, other]) {
      expect(await each.registry.read("acme")).toBeNull();
      expect(filesOf(each)).toEqual([]);
    }
  });

  it("keeps a tenant that was being brought back when it is deleted again", async () => {
    const made = await street({ attemptsMax: 1 });
    await made.create("acme");
    await made.remove("acme");
    const [file = ""] = retainedOf(made);
    const path = join(made.directory, "tenants", "deleted", file);
    const content = readFileSync(path);
    writeFileSync(path, "x".repeat(8192));
    await expect(made.undelete("acme")).rejects.toMatchObject({ code: "unavailable" });
    expect(await made.registry.read("acme")).toMatchObject({ state: "failed", restoreState: "ready" });

    await made.remove("acme");
    expect(await made.registry.read("acme")).toMatchObject({ state: "deleted", restoreState: "ready" });
    writeFileSync(path, content);
    await made.undelete("acme");

    expect(await made.pool.use("acme", notesOf)).toEqual(["seeded"]);
  });

  it("cannot be undone for a tenant that is not deleted", async () => {
    const made = await street();
    await made.create("acme");

    await expect(made.undelete("acme")).rejects.toMatchObject({ code: "conflict", reason: "not_deleted" });
    await expect(made.undelete("nobody")).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("suspending a tenant", () => {
  const request = { initiator: "operator" };

  it("is undone by reactivating, and both are remembered", async () => {
    const made = await street();
    await made.create("acme");

    expect(await made.lifecycle.suspend("acme", request)).toMatchObject({ state: "suspended" });
    expect(await made.lifecycle.suspend("acme", request)).toMatchObject({ state: "suspended" });
    expect(await made.lifecycle.reactivate("acme", request)).toMatchObject({ state: "ready" });

    expect((await made.journal.list("acme")).map(({ kind, state, initiator }) => [kind, state, initiator])).toEqual([
      ["reactivate", "done", "operator"],
      ["suspend", "done", "operator"],
      ["provision", "done", "test"],
    ]);
  });

  it("is refused where there is nothing to suspend", async () => {
    const made = await street();
    await made.create("acme");
    await made.remove("acme");
    await made.create("beta");
    await made.lifecycle.makeReadOnly("beta", request);

    await expect(made.lifecycle.suspend("nobody", request)).rejects.toMatchObject({ code: "not_found" });
    await expect(made.lifecycle.suspend("acme", request)).rejects.toMatchObject({ code: "not_found" });
    await expect(made.lifecycle.reactivate("acme", request)).rejects.toMatchObject({ code: "not_found" });
    await expect(made.lifecycle.suspend("beta", request)).rejects.toMatchObject({ reason: "illegal_transition" });
  });
});
