import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ask, filesOf, notesOf, stepsOf, streets, until } from "./street.ts";

const { street, restart } = streets();

describe("deleting a tenant", () => {
  it("leaves no file, no row and no directory entry, and retires the tag", async () => {
    const made = await street();
    const { tag } = await made.create("acme");
    await made.create("beta");
    await made.registry.directories.addClient("acme", "default");
    await made.registry.directories.addClient("beta", "default");

    await made.remove("acme");

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

    await made.remove("acme");
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

    const removal = made.remove("acme");
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

    await expect(made.remove("acme")).rejects.toMatchObject({ code: "unavailable", reason: "database_in_use" });
    expect(filesOf(made)).toHaveLength(1);
    lease.release();
    await made.remove("acme");

    expect(await made.registry.read("acme")).toBeNull();
    expect(filesOf(made)).toEqual([]);
  });

  it.each(["mark-deleting", "fence", "destroy-database", "remove-records"])(
    "is finished at the next start when the crash came right after %s",
    async (last) => {
      const made = await street({ crash: { step: last, written: true } });
      await made.create("acme");
      await expect(made.remove("acme")).rejects.toThrow("crash");

      const again = await restart(made);
      await again.lifecycle.resumeAll();

      expect(await again.registry.read("acme")).toBeNull();
      expect(filesOf(again)).toEqual([]);
      expect(await ask(again.database, "select id from tenants")).toEqual([]);
      expect(await again.lifecycle.resumeAll()).toEqual([]);
    },
  );

  it("does not touch the next incarnation when an old deletion is resumed late", async () => {
    const made = await street({ crash: { step: "remove-records", written: false } });
    await made.create("acme");
    await expect(made.remove("acme")).rejects.toThrow("crash");

    const again = await restart(made);
    const second = await again.create("acme");
    await again.lifecycle.resumeAll();

    expect(await again.registry.read("acme")).toMatchObject({ state: "ready", tag: second.tag });
    expect(await ask(again.database, "select id from tenants")).toEqual([{ id: "acme" }]);
    expect(await again.pool.use("acme", notesOf)).toEqual(["seeded"]);
  });

  it("clears away a tenant whose creation has failed, or is still running", async () => {
    let proceed = () => {};
    const waiting = new Promise<void>((resolve) => {
      proceed = resolve;
    });
    const made = await street({ steps: { signingKey: () => waiting } });
    const creation = made.create("acme").catch((error: unknown) => error);
    await until(async () => (await stepsOf(made, "acme")).includes("write-identity done"));

    const removal = made.remove("acme");
    await until(async () => (await made.registry.read("acme"))?.state === "deleting");
    proceed();
    await removal;

    expect(await creation).toMatchObject({ code: "conflict", reason: "operation_overtaken" });
    expect(await made.registry.read("acme")).toBeNull();
    expect(filesOf(made)).toEqual([]);
    await made.lifecycle.resumeAll();
    expect((await made.journal.list("acme")).map(({ kind, state }) => `${kind} ${state}`).toSorted()).toEqual([
      "delete done",
      "provision abandoned",
    ]);
  });

  it("can delete a tenant whose file is damaged", async () => {
    const made = await street();
    const { database } = await made.create("acme");
    await made.pool.evict("acme");
    writeFileSync(join(made.directory, "tenants", `${database}.db`), "x".repeat(8192));

    await made.remove("acme");

    expect(existsSync(join(made.directory, "tenants", `${database}.db`))).toBe(false);
  });

  it("knows no tenant that is not there", async () => {
    const made = await street();

    await expect(made.remove("acme")).rejects.toMatchObject({ code: "not_found", reason: "tenant_not_found" });
    expect(await made.lifecycle.resume("acme")).toBeNull();
  });
});
