import fc from "fast-check";
import { expect, it } from "vitest";
import { PlatformError } from "../../src/domain/errors.ts";
import { readChild } from "../../src/sync/child.ts";
import { hashOf } from "../../src/sync/kinds.ts";
import { type Plan, planFor } from "../../src/sync/plan.ts";
import { readProposed, SyncChange } from "../../src/sync/proposal.ts";
import type { SyncOptions } from "../../src/sync/rules.ts";
import { CONTROL_PLANE, type Estate, type House, openEstate, rulesOf } from "./estate.ts";
import { changeOf, contentsOf, make, makeOwn, ownEntity, wish } from "./world.ts";

const scene = fc.record({
  /** What the child has come to know, and what it has missed since. */
  known: fc.array(wish, { maxLength: 8 }),
  missed: fc.array(wish, { maxLength: 3 }),
  own: fc.array(ownEntity, { maxLength: 4 }),
  onCollision: fc.constantFrom("keep" as const, "adopt" as const),
  proposed: wish,
});

/** Every row of a database. */
async function dump({ database }: House): Promise<unknown> {
  const [tables] = await database.batch([
    statement("select name from sqlite_master where type = 'table' order by name"),
  ]);
  const names = (tables?.rows ?? []).map(({ name }) => String(name));
  const results = await database.batch(names.map((name) => statement(`select * from "${name}"`)));
  return results.map(({ rows }, index) => [names[index], rows]);
}

const statement = (sql: string) => ({ sql, parameters: [] });

/** A plan in words: whose ids are not known yet are known by their names. */
function said({ changes, collisions }: Plan): string[] {
  return [
    ...changes.flatMap((change) => {
      const { action, kind, localId, label } = change;
      if (action === "create") return [`create ${kind} ${label}`];
      if (action !== "update") return [`${action} ${kind} ${localId}`];
      return change.fields.length > 0 ? [`update ${kind} ${localId}: ${[...change.fields].sort().join(", ")}`] : [];
    }),
    ...collisions.map(({ kind, label }) => `collision ${kind} ${label}`),
  ].sort();
}

type Contents = Awaited<ReturnType<typeof contentsOf>>;

/** What has become of a child, read from its rows. */
function seen(before: Contents, after: Contents): string[] {
  const all = [...new Set([...before.keys(), ...after.keys()])];
  return all.flatMap((key) => {
    const [was, is] = [before.get(key), after.get(key)];
    if (!is) return [`remove ${key}`];
    if (!was) return [`create ${key.split(" ")[0]} ${is.identifier ?? is.name}`];
    const fields = Object.keys({ ...was, ...is }).filter((field) => hashOf(was[field]) !== hashOf(is[field]));
    if (fields.length === 0) return [];
    return fields.includes("is_system") ? [`adopt ${key}`] : [`update ${key}: ${fields.sort().join(", ")}`];
  });
}

async function planned(
  estate: Estate,
  house: House,
  options: SyncOptions,
  change: SyncChange,
): Promise<Plan | "refused"> {
  // As it comes from the job in which it is stored.
  const stored = SyncChange.parse(JSON.parse(JSON.stringify(change)));
  try {
    const shared = await readProposed(estate.controlPlane.store, CONTROL_PLANE, rulesOf(options), stored);
    const { child } = await readChild(house.store, house.tenantId, shared);
    return planFor(shared, child, options.onCollision);
  } catch (error) {
    if (error instanceof PlatformError && error.reason === "unique_violation") return "refused";
    throw error;
  }
}

it("what a plan says is what the change then does, and the plan itself does nothing", async () => {
  let told = 0;
  await fc.assert(
    fc.asyncProperty(scene, async ({ known, missed, own, onCollision, proposed }) => {
      const estate = await openEstate();
      try {
        const { controlPlane } = estate;
        const house = await estate.child("acme");
        for (const each of own.slice(0, 2)) await makeOwn(house, each);
        for (const each of known) await make(controlPlane, await changeOf(controlPlane, each));
        await estate.sync(house, { onCollision });
        for (const each of own.slice(2)) await makeOwn(house, each);
        for (const each of missed) await make(controlPlane, await changeOf(controlPlane, each));
        const change = await changeOf(controlPlane, proposed);
        const [here, there] = [await dump(controlPlane), await dump(house)];

        const plan = await planned(estate, house, { onCollision }, change);

        expect([await dump(controlPlane), await dump(house)]).toEqual([here, there]);
        const before = await contentsOf(house);
        expect(await make(controlPlane, change)).toBe(plan !== "refused");
        if (plan === "refused") return;
        const { changes, collisions } = await estate.sync(house, { onCollision });
        expect(said(plan)).toEqual(said({ changes, collisions }));
        const collided = collisions.map(({ kind, label }) => `collision ${kind} ${label}`);
        expect(said(plan)).toEqual([...seen(before, await contentsOf(house)), ...collided].sort());
        told += said(plan).length;
      } finally {
        await estate.close();
      }
    }),
    { numRuns: 60 },
  );
  expect(told).toBeGreaterThan(50);
}, 900_000);
