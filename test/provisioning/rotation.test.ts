import { afterAll, describe, expect, it } from "vitest";
import { createFleet } from "../../provisioning/fleet.ts";
import { createRotationJob } from "../../provisioning/fleet-rotation.ts";
import { libsqlServerProvider } from "../../provisioning/providers/libsql-server.ts";
import { createNamespaceTokens } from "../../provisioning/providers/libsql-server-keys.ts";
import type { DatabaseProvider } from "../../provisioning/providers/provider.ts";
import { tursoProvider } from "../../provisioning/providers/turso.ts";
import { DatabaseName } from "../../src/domain/names.ts";
import { sqldMissing, startSqld } from "../support/sqld.ts";
import { startTurso } from "../support/turso.ts";
import { createTestTime } from "../support/turso-time.ts";
import { ask, notesOf, type Street, stepsOf, streets } from "./street.ts";

const adminKey = "k".repeat(32);
const sqld = sqldMissing ? null : await startSqld([], { adminKey });
const turso = sqldMissing ? null : await startTurso();
afterAll(async () => {
  await sqld?.stop();
  await turso?.stop();
});

const onServer = () => libsqlServerProvider({ url: sqld?.url ?? "", adminUrl: sqld?.adminUrl ?? "", adminKey });

function onTurso() {
  if (!turso) throw new Error("there is no double");
  const { time } = createTestTime();
  turso.behaviour.clock = time.clock;
  return tursoProvider({ ...turso.options, ...time });
}

const PLACES: readonly [string, () => DatabaseProvider][] = [
  ["a libSQL server", onServer],
  ["the double of Turso", onTurso],
];

/** What the real server says of a token. */
async function statusOf(namespace: string, token: string): Promise<number> {
  const answer = await sqld?.fetchFor(namespace)(`${sqld.url}/v2/pipeline`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ requests: [{ type: "execute", stmt: { sql: "select 1" } }, { type: "close" }] }),
  });
  return answer?.status ?? 0;
}

const kinds = async ({ journal }: Street, tenantId: string) =>
  (await journal.list(tenantId)).map(({ kind, state }) => `${kind} ${state}`);

describe.skipIf(sqldMissing).each(PLACES)("rotating the credentials of a tenant on %s", (_place, provide) => {
  const { street, restart } = streets();

  it("keeps everything, and the next call uses the new ones although the database was open", async () => {
    const made = await street({ provider: provide(), undeleteDays: 0 });
    const before = await made.create("acme");
    expect(await made.pool.use("acme", notesOf)).toEqual(["seeded"]);

    const after = await made.rotate("acme");

    expect(after).toMatchObject({ state: "ready", database: before.database, schemaVersion: before.schemaVersion });
    expect(after.location?.secret).not.toBe(before.location?.secret);
    expect(after.epoch).toBeGreaterThan(before.epoch);
    expect(await made.pool.use("acme", notesOf)).toEqual(["seeded"]);
    expect(await stepsOf(made, "acme")).toEqual(["mark-rotating done", "rotate done", "verify done", "finish done"]);
    await made.remove("acme");
  });

  it("is noticed by nobody in another process that has the database open, or opens it by what it knew before", async () => {
    const made = await street({ provider: provide(), undeleteDays: 0 });
    await made.create("acme");
    // Their clocks stand still: what they have read of the registry they keep.
    const [open, late] = [await restart(made, { provider: provide() }), await restart(made, { provider: provide() })];
    expect(await open.pool.use("acme", notesOf)).toEqual(["seeded"]);
    const before = await late.registry.get("acme");

    const after = await made.rotate("acme");

    const names = Array.from({ length: 20 }, (_, number) => `note ${String(number).padStart(2, "0")}`);
    const add = (name: string) =>
      open.pool.use("acme", (database) => ask(database, "insert into notes values (?)", name));
    await Promise.all(names.map(add));
    expect(await open.pool.use("acme", notesOf)).toEqual([...names, "seeded"]);
    expect(await late.registry.get("acme")).toEqual(before);
    expect(before?.location?.secret).not.toBe(after.location?.secret);
    expect(await late.pool.use("acme", notesOf)).toEqual([...names, "seeded"]);
    await made.remove("acme");
  });

  it("is never made good with the secret of another life of the tenant's id", async () => {
    const made = await street({ provider: provide(), undeleteDays: 0 });
    await made.create("acme");
    const other = await restart(made, { provider: provide() });
    expect(await other.pool.use("acme", notesOf)).toEqual(["seeded"]);

    await made.remove("acme");
    await made.create("acme");

    const asked = other.pool.use("acme", notesOf);
    await expect(asked).rejects.toMatchObject({ code: "unavailable" });
    await made.remove("acme");
  });

  it("answers only `unavailable` to whoever asks meanwhile, and never with another tenant's database", async () => {
    const made = await street({ provider: provide(), undeleteDays: 0 });
    await made.create("acme");
    await made.create("beta");
    for (const id of ["acme", "beta"]) {
      await made.pool.use(id, (database) => ask(database, "insert into notes values (?)", id));
    }
    const answers: string[] = [];
    let over = false;
    const visitor = async (id: string) => {
      while (!over) {
        const answer = await made.pool.use(id, notesOf).catch((error: { code: string }) => error.code);
        answers.push(`${id}: ${answer}`);
      }
    };
    const visitors = ["acme", "acme", "beta"].map(visitor);

    for (let turn = 0; turn < 3; turn += 1) await made.rotate("acme");

    over = true;
    await Promise.all(visitors);
    const allowed = ["acme: acme,seeded", "acme: unavailable", "beta: beta,seeded"];
    expect([...new Set(answers)].filter((answer) => !allowed.includes(answer))).toEqual([]);
    for (const id of ["acme", "beta"]) await made.remove(id);
  });

  it("goes on after a crash between the rotation and the registry", async () => {
    const provider = provide();
    const hung: DatabaseProvider = {
      ...provider,
      async rotateCredentials(database) {
        await provider.rotateCredentials?.(database);
        return await new Promise(() => {});
      },
    };
    const made = await street({ provider: hung, undeleteDays: 0 });
    await made.create("acme");
    await made.lifecycle.rotate("acme", { initiator: "test" });
    const isLost = async () => (await made.pool.use("acme", notesOf).catch(() => null)) === null;
    while (!(await isLost())) await new Promise((resolve) => setTimeout(resolve, 5));

    const again = await restart(made, { provider, undeleteDays: 0 });
    await again.lifecycle.resumeAll();

    expect(await again.pool.use("acme", notesOf)).toEqual(["seeded"]);
    expect(await kinds(again, "acme")).toEqual(["rotate-credentials done", "provision done"]);
    await again.remove("acme");
  });

  it("is made good by the undeletion when a deletion came in between", async () => {
    const provider = provide();
    const broken: DatabaseProvider = {
      ...provider,
      async rotateCredentials(database) {
        await provider.rotateCredentials?.(database);
        throw new Error("the answer got lost");
      },
    };
    const made = await street({ provider: broken });
    await made.create("acme");
    await expect(made.rotate("acme")).rejects.toThrow("got lost");
    await made.remove("acme");

    const again = await restart(made, { provider });
    expect(await again.undelete("acme")).toMatchObject({ state: "ready" });

    expect(await again.pool.use("acme", notesOf)).toEqual(["seeded"]);
    await again.remove("acme");
    await again.purge("acme");
  });

  it("survives that the tenant is suspended while it goes on", async () => {
    const provider = provide();
    const made = await street({
      provider: {
        ...provider,
        async rotateCredentials(database) {
          const location = await provider.rotateCredentials?.(database);
          await made.lifecycle.suspend("acme", { initiator: "test" });
          return location ?? { locator: "" };
        },
      },
      undeleteDays: 0,
    });
    await made.create("acme");

    expect(await made.rotate("acme")).toMatchObject({ state: "suspended" });

    await made.lifecycle.reactivate("acme", { initiator: "test" });
    expect(await made.pool.use("acme", notesOf)).toEqual(["seeded"]);
    await made.remove("acme");
  });

  it("is not undone by a migration that has read the registry before", async () => {
    const made = await street({ provider: provide(), undeleteDays: 0 });
    const before = await made.create("acme");
    const { location } = await made.rotate("acme");

    const after = await made.registry.recordSchema(before, "newer");

    expect(after).toMatchObject({ location, schemaVersion: "newer" });
    expect(await made.pool.use("acme", notesOf)).toEqual(["seeded"]);
    await made.remove("acme");
  });

  it("reaches every tenant as a fleet job, each as an operation of its own", async () => {
    const provider = provide();
    const made = await street({ provider, undeleteDays: 0 });
    const before = await Promise.all(["acme", "beta", "gamma"].map(made.create));
    await made.lifecycle.suspend("gamma", { initiator: "test" });
    const fleet = createFleet(made);

    const report = await fleet.run(createRotationJob(made.lifecycle, made.providers));

    expect(report).toMatchObject({ state: "done", done: 3, failed: 0 });
    for (const { tenantId, location } of before) {
      const now = await made.registry.read(tenantId);
      expect(now?.location?.secret).not.toBe(location?.secret);
      expect((await made.journal.list(tenantId))[0]).toMatchObject({
        kind: "rotate-credentials",
        initiator: "fleet",
      });
      await made.remove(tenantId);
    }
  });
});

describe.skipIf(sqldMissing)("a token from before a rotation", () => {
  const { street } = streets();

  it("is refused by the libSQL server from then on, also one that has not expired", async () => {
    const made = await street({ provider: onServer(), undeleteDays: 0 });
    const { database, location } = await made.create("acme");
    const old = await createNamespaceTokens(DatabaseName.parse(database), location?.secret ?? "", () => new Date())();
    expect(await statusOf(database, old)).toBe(200);

    await made.rotate("acme");

    expect(await statusOf(database, old)).toBe(401);
    await made.remove("acme");
  });
});

describe("rotating where there is nothing to rotate", () => {
  const { street } = streets();

  it("is a conflict on files, and the fleet job leaves them alone", async () => {
    const made = await street();
    await made.create("acme");

    await expect(made.rotate("acme")).rejects.toMatchObject({ code: "conflict", reason: "not_supported" });
    await expect(made.rotate("nobody")).rejects.toMatchObject({ code: "not_found" });
    const job = createRotationJob(made.lifecycle, made.providers);
    expect(await createFleet(made).plan(job)).toEqual([]);
    expect(await kinds(made, "acme")).toEqual(["provision done"]);
  });
});
