import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../src/domain/clock.ts";
import { PlatformError } from "../../src/domain/errors.ts";
import { createKeeper, type KeeperOptions } from "../../src/sync/keeper.ts";
import { readHead } from "../../src/sync/log.ts";
import { CONTROL_PLANE, type Estate, fingerprintOf, type House, openEstate, wantedFingerprint } from "./estate.ts";

const OFFLINE = "child-003";

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
    children: () => Promise.resolve([]),
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

  it("is asked once a second whether it answers again, and whoever uses it meanwhile finds out", async () => {
    const { keeper, touched, wishes } = keeping();

    const answers = [await keeper.current(OFFLINE), await keeper.current(OFFLINE)];

    expect(answers).toEqual([true, true]);
    expect([...touched]).toEqual([OFFLINE]);
    expect(wishes()).toBe(1);
  });

  it("is known to be behind when it answers but cannot be written, until it can; nobody else is", async () => {
    const time = { ms: 0 };
    const { keeper, house } = keeping({ clock: () => new Date(time.ms) });
    const { database } = await house("child-001");
    const sql = (text: string) => database.batch([{ sql: text, parameters: [] }]);
    await estate.own.roles.create(CONTROL_PLANE, { name: "Editor" });
    await sql("create trigger broken before insert on roles begin select raise(abort, 'no'); end");

    const broken = [await keeper.current("child-001"), await keeper.current("child-001")];
    const neighbour = await keeper.current("child-002");
    await sql("drop trigger broken");
    const tooEarly = await keeper.current("child-001");
    time.ms += 1_000;
    const mended = await keeper.current("child-001");

    expect(broken).toEqual([false, false]);
    expect([neighbour, tooEarly, mended]).toEqual([true, false, true]);
    expect(await fingerprintOf(estate, await house("child-001"))).toBe(await wantedFingerprint(estate));
  });

  it("is used as it is while the control plane does not answer: nobody knows whether it is behind", async () => {
    const away = () => Promise.reject(new PlatformError("unavailable", "database_unreachable", "It does not answer"));
    const { keeper } = keeping({ readHead: away, readShared: away });

    expect(await keeper.current("child-001")).toBe(true);
  });

  it("is looked at when a start has other rules, although nothing has changed", async () => {
    await estate.own.roles.create(CONTROL_PLANE, { name: "Editor" });
    const first = keeping();
    await first.keeper.current("child-001");
    const rules = { filters: { roles: () => false } };
    const { house } = first;
    const second = keeping({
      readShared: () => estate.shared(rules),
      use: async (tenantId, work) => await work(await house(tenantId)),
    });

    await second.keeper.current("child-001");

    expect((await (await house("child-001")).adapters.roles.list("child-001")).roles).toEqual([]);
  });

  it("is brought forward once, however many use it", async () => {
    const { keeper, house } = keeping();
    await estate.own.roles.create(CONTROL_PLANE, { name: "Editor" });

    await Promise.all(Array.from({ length: 10 }, () => keeper.current("child-007")));

    const { adapters } = await house("child-007");
    expect((await adapters.roles.list("child-007")).roles).toHaveLength(1);
  });
});

describe("a change", () => {
  const ids = ["child-004", "child-005", "child-006"];
  const children = (take: number) => Promise.resolve(ids.slice(0, take));

  it.each([
    [0, [], 1],
    [2, ids.slice(0, 2), 1],
    [3, ids, 0],
    [undefined, ids, 0],
  ])("waits for %s children, and leaves the others to a job", async (inlineTenants, served, wishes) => {
    const kept = keeping({ children, inlineTenants });
    await estate.own.roles.create(CONTROL_PLANE, { name: "Editor" });

    await kept.keeper.changed();

    expect([[...kept.touched].sort(), kept.wishes()]).toEqual([served, wishes]);
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
