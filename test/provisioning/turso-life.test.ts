import { afterAll, describe, expect, it } from "vitest";
import { tursoProvider } from "../../provisioning/providers/turso.ts";
import { sqldMissing } from "../support/sqld.ts";
import { startTurso } from "../support/turso.ts";
import { FAULTS } from "../support/turso-faults.ts";
import { createTestTime } from "../support/turso-time.ts";
import { ask, notesOf, streets } from "./street.ts";

const turso = sqldMissing ? null : await startTurso();
afterAll(() => turso?.stop());

function provide() {
  if (!turso) throw new Error("there is no double");
  const { time } = createTestTime();
  turso.behaviour.clock = time.clock;
  return { turso, provider: tursoProvider({ ...turso.options, ...time }) };
}

const notTemplates = (names: readonly string[] = []) => names.filter((name) => !name.startsWith("template-"));

describe.skipIf(sqldMissing)("the life of a tenant on the double of Turso", () => {
  const { street, restart } = streets();

  it("begins in a copy of the template, ends with its database, and begins anew without a trace", async () => {
    const { provider, turso } = provide();
    turso.behaviour.readyAfterMs = 9_000;
    const made = await street({ provider, undeleteDays: 0 });
    const first = await made.create("acme");
    await made.pool.use("acme", (database) => ask(database, "insert into notes values ('private')"));
    expect(await made.pool.use("acme", notesOf)).toEqual(["private", "seeded"]);

    await made.remove("acme");

    expect(turso.names()).not.toContain(first.database);
    const second = await made.create("acme");
    expect(second.database).not.toBe(first.database);
    expect(second.location?.locator).not.toBe(first.location?.locator);
    expect(await made.pool.use("acme", notesOf)).toEqual(["seeded"]);
    await made.remove("acme");
    expect(notTemplates(turso.names())).toEqual([]);
    turso.behaviour.readyAfterMs = 0;
  });

  it("keeps the token of its database sealed in the registry", async () => {
    const { provider } = provide();
    const made = await street({ provider, undeleteDays: 0 });
    const { location } = await made.create("acme");

    const rows = await ask(made.database, "select locator, secret from rh_placements");

    expect(location?.secret).toMatch(/^eyJ/);
    expect(JSON.stringify(rows)).not.toContain(location?.secret);
    expect(rows[0]?.secret).toMatch(/^rh1/);
    await made.remove("acme");
  });

  it("comes back within the window, with everything, by the token it had", async () => {
    const { provider } = provide();
    const made = await street({ provider });
    await made.create("acme");
    await made.pool.use("acme", (opened) => ask(opened, "insert into notes values ('private')"));

    await made.remove("acme");
    await made.undelete("acme");

    expect(await made.pool.use("acme", notesOf)).toEqual(["private", "seeded"]);
    await made.remove("acme");
    await made.purge("acme");
  });

  it.each(["create-database", "verify-schema", "write-identity", "verify"])(
    "goes on after a crash right before and right after %s, with one database",
    async (step) => {
      for (const written of [false, true]) {
        const { provider, turso } = provide();
        const made = await street({ provider, undeleteDays: 0, crash: { step, written } });
        await expect(made.create("acme")).rejects.toThrow("crash");

        const again = await restart(made, { provider, undeleteDays: 0 });
        again.time.ms += 3_600_000;
        await again.lifecycle.resumeAll();
        await again.lifecycle.idle();

        const placement = await again.registry.read("acme");
        expect(placement).toMatchObject({ state: "ready" });
        expect(await again.pool.use("acme", notesOf)).toEqual(["seeded"]);
        expect(notTemplates(turso.names())).toEqual([placement?.database]);
        await again.remove("acme");
      }
    },
  );

  it("never serves a database that says it is somebody else's", async () => {
    const { provider, turso } = provide();
    const made = await street({ provider, undeleteDays: 0 });
    const acme = await made.create("acme");
    const beta = await made.create("beta");

    await made.registry.recordDatabase(beta, acme.location ?? { locator: "" }, made.template.schemaVersion);

    await expect(made.pool.use("beta", notesOf)).rejects.toMatchObject({ reason: "database_mismatch" });
    await made.remove("acme");
    await made.remove("beta");
    expect(notTemplates(turso.names())).toEqual([]);
  });

  it("is not harmed by answers that got lost while it was made and removed", async () => {
    const { provider, turso } = provide();
    const made = await street({ provider, undeleteDays: 0 });
    for (const call of ["create", "token", "delete"] as const) {
      turso.faults.add(call, FAULTS["a cut connection after it was carried out"]);
    }

    const { database } = await made.create("acme");
    expect(notTemplates(turso.names())).toEqual([database]);
    expect(await made.pool.use("acme", notesOf)).toEqual(["seeded"]);
    await made.remove("acme");

    expect(turso.faults.met()).toBe(3);
    expect(notTemplates(turso.names())).toEqual([]);
  });
});
