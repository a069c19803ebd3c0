import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../src/domain/clock.ts";
import { PlatformError } from "../../src/domain/errors.ts";
import { createKeeper, type KeeperOptions } from "../../src/sync/keeper.ts";
import { readHead } from "../../src/sync/log.ts";
import { CONTROL_PLANE, type Estate, fingerprintOf, type House, openEstate, wantedFingerprint } from "./estate.ts";

const CHILDREN = 500;
const OFFLINE = "child-003";
const ids = Array.from({ length: CHILDREN }, (_, index) => `child-${String(index).padStart(3, "0")}`);

let estate: Estate;
beforeEach(async () => {
  estate = await openEstate();
});
afterEach(() => estate.close());

/** Children that are opened when they are used first, as the pool does. */
function keeping(more: Partial<KeeperOptions> = {}) {
  const houses = new Map<string, Promise<House>>();
  const touched = new Set<string>();
  const recorded = new Map<string, number>();
  const house = (tenantId: string): Promise<House> => {
    const opened = houses.get(tenantId) ?? estate.child(tenantId);
    houses.set(tenantId, opened);
    return opened;
  };
  let wishes = 0;
  const keeper = createKeeper({
    onCollision: "keep",
    readHead: () => readHead(estate.controlPlane.store, CONTROL_PLANE),
    readShared: () => estate.shared(),
    children: (take) => Promise.resolve(ids.slice(0, take)),
    async use(tenantId, work) {
      touched.add(tenantId);
      if (tenantId === OFFLINE) throw new PlatformError("unavailable", "database_unreachable", "It does not answer");
      return await work(await house(tenantId));
    },
    record: (version, tenantIds) => {
      for (const tenantId of tenantIds) recorded.set(tenantId, version);
      return Promise.resolve();
    },
    rest: () => {
      wishes += 1;
    },
    log: { warn: () => undefined, error: () => undefined },
    clock: systemClock,
    ...more,
  });
  return { keeper, house, touched, recorded, wishes: () => wishes };
}

describe("a change among 500 children", () => {
  it("touches 25 before it is answered, and not one more; one that is unreachable does not fail it", async () => {
    const { keeper, touched, recorded, wishes } = keeping();
    await estate.own.roles.create(CONTROL_PLANE, { name: "Editor" });

    await keeper.changed();

    expect(touched.size).toBe(25);
    expect(recorded.size).toBe(24);
    expect(wishes()).toBe(1);
  });

  it("is in a child that is used before its turn, and in all when the job has been at them", async () => {
    const { keeper, house } = keeping();
    await estate.own.roles.create(CONTROL_PLANE, { name: "Editor" });
    await keeper.changed();

    const used = "child-400";
    await keeper.current(used);
    const asked = await (await house(used)).adapters.roles.list(used);
    for (const id of ids) if (id !== OFFLINE) await keeper.bring(id);

    expect(asked.roles.map(({ name }) => name)).toEqual(["Editor"]);
    const wanted = await wantedFingerprint(estate);
    for (const id of ids.filter((each) => each !== OFFLINE)) {
      expect(await fingerprintOf(estate, await house(id))).toBe(wanted);
    }
  });
});

describe("a child that is used", () => {
  it("is not looked at again until something has changed", async () => {
    let reads = 0;
    const readShared = () => {
      reads += 1;
      return estate.shared();
    };
    const { keeper, recorded } = keeping({ readShared });
    await estate.own.roles.create(CONTROL_PLANE, { name: "Editor" });

    for (let time = 1; time <= 3; time += 1) await keeper.current("child-100");
    const first = { reads, recorded: recorded.size };
    await estate.own.roles.create(CONTROL_PLANE, { name: "Viewer" });
    await keeper.heard();
    await keeper.current("child-100");

    expect(first).toEqual({ reads: 1, recorded: 1 });
    expect(reads).toBe(2);
  });

  it("is used as it is when it cannot be brought forward, and tried again later", async () => {
    const { keeper, touched, wishes } = keeping();

    await keeper.current(OFFLINE);
    await keeper.current(OFFLINE);

    expect([...touched]).toEqual([OFFLINE]);
    expect(wishes()).toBe(1);
  });

  it("is brought forward once, however many use it", async () => {
    const { keeper, house } = keeping();
    await estate.own.roles.create(CONTROL_PLANE, { name: "Editor" });

    await Promise.all(Array.from({ length: 10 }, () => keeper.current("child-007")));

    const { adapters } = await house("child-007");
    expect((await adapters.roles.list("child-007")).roles).toHaveLength(1);
  });
});

describe("several processes", () => {
  it("bring one child forward at the same time, and it ends as it should", async () => {
    const house = await estate.child("acme");
    await estate.own.roles.create(CONTROL_PLANE, { name: "Editor" });

    await Promise.all(Array.from({ length: 5 }, () => estate.sync(house)));

    expect(await fingerprintOf(estate, house)).toBe(await wantedFingerprint(estate));
  });
});
