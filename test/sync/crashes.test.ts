import fc from "fast-check";
import { expect, it } from "vitest";
import type { SyncOptions } from "../../src/sync/rules.ts";
import { type Estate, fingerprintOf, type House, openEstate, wantedFingerprint } from "./estate.ts";
import { changeOf, Died, death, make, makeOwn, mortal, ownContents, ownEntity, type Wish, wish } from "./world.ts";

const FILTER: SyncOptions = { filters: { roles: ({ name }) => name !== "Editor", connections: () => false } };

const acts = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ act: fc.constant("change" as const), wish }) },
    {
      weight: 4,
      arbitrary: fc.record({ act: fc.constant("sync" as const), which: fc.nat(), death: fc.option(death) }),
    },
    { weight: 2, arbitrary: fc.record({ act: fc.constant("own" as const), which: fc.nat(), own: ownEntity }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant("filter" as const) }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant("birth" as const) }) },
  ),
  { minLength: 5, maxLength: 30 },
);

type Act = typeof acts extends fc.Arbitrary<(infer T)[]> ? T : never;

const CHILDREN_MAX = 3;

/** A control plane, its children, and what happens to them. */
async function openWorld(estate: Estate) {
  const houses: House[] = [await estate.child("acme")];
  const own = new Map<House, unknown>();
  let options: SyncOptions = {};
  const pick = (which: number) => houses[which % houses.length] as House;

  return {
    houses,
    own,
    options: () => options,

    async happens(step: Act): Promise<void> {
      if (step.act === "change")
        await make(estate.controlPlane, await changeOf(estate.controlPlane, step.wish as Wish));
      if (step.act === "filter") options = options === FILTER ? {} : FILTER;
      if (step.act === "birth" && houses.length < CHILDREN_MAX)
        houses.push(await estate.child(`child-${houses.length}`));
      if (step.act === "own") {
        await makeOwn(pick(step.which), step.own);
        own.set(pick(step.which), await ownContents(pick(step.which)));
      }
      if (step.act !== "sync") return;
      const life = step.death ? mortal(step.death) : undefined;
      await estate.sync(pick(step.which), options, life).catch((error: unknown) => {
        if (!(error instanceof Died)) throw error;
      });
    },
  };
}

/** What stands in the way of something shared makes room for it. */
async function giveWay({ adapters, tenantId }: House): Promise<void> {
  const remove = async (
    ids: readonly (string | undefined)[],
    from: { remove(t: string, id: string): Promise<boolean> },
  ) => {
    for (const id of ids) await from.remove(tenantId, id ?? "");
  };
  const isOwn = ({ is_system: isSystem }: { is_system?: boolean }) => isSystem !== true;
  const { roles, resourceServers, connections } = adapters;
  await remove(
    (await roles.list(tenantId)).roles.filter(isOwn).map(({ id }) => id),
    roles,
  );
  const apis = (await resourceServers.list(tenantId)).resource_servers;
  await remove(
    apis.filter(isOwn).map(({ id }) => id),
    resourceServers,
  );
  await remove(
    (await connections.list(tenantId)).connections.filter(isOwn).map(({ id }) => id),
    connections,
  );
}

it("children end as the control plane is, whatever happens in whatever order, and whoever dies on the way", async () => {
  let collided = 0;
  let died = 0;
  await fc.assert(
    fc.asyncProperty(acts, async (steps) => {
      const estate = await openEstate();
      try {
        const { houses, own, options, happens } = await openWorld(estate);
        for (const step of steps) await happens(step);
        died += steps.filter((step) => step.act === "sync" && step.death).length;

        for (const house of houses) {
          const { collisions } = await estate.sync(house, options());
          expect(await ownContents(house)).toEqual(own.get(house) ?? []);
          expect((await estate.sync(house, options())).changes).toEqual([]);
          if (collisions.length > 0) {
            collided += 1;
            await giveWay(house);
            expect((await estate.sync(house, options())).collisions).toEqual([]);
          }
          expect(await fingerprintOf(estate, house, options())).toBe(await wantedFingerprint(estate, options()));
        }
      } finally {
        await estate.close();
      }
    }),
    { numRuns: 40 },
  );
  // Otherwise nothing was tried.
  expect(collided).toBeGreaterThan(0);
  expect(died).toBeGreaterThan(0);
}, 900_000);
