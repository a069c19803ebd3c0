import { afterEach, describe, expect, it } from "vitest";
import { type Following, startFollowing } from "../../provisioning/following.ts";
import { createOutage, OUTAGE_MS } from "../../provisioning/outage.ts";
import { SERVED } from "../../src/domain/tenants.ts";
import { createLogger } from "../../src/log/logger.ts";
import { ask, filesOf, notesOf, retainedOf, type Street, streets, until } from "./street.ts";

const { street, restart } = streets();

/** A process of which nobody can tell whether it is gone. */
const seen = (id: string) => ({ id, isGone: () => false });

const followings: Following[] = [];
afterEach(async () => {
  for (const following of followings.splice(0)) await following.stop();
});

/** Follows the changes as the service does; only turns that the test makes are sure to have happened. */
async function follow(made: Street): Promise<Following & { died: number }> {
  const state = { died: 0 };
  const log = createLogger({ level: "error" });
  const following = startFollowing({
    processes: made.processes,
    registry: made.registry,
    outage: createOutage(made.clock, log),
    from: await made.processes.register(),
    letGo: ({ tenantId, placement }) =>
      made.pool.evict(tenantId, placement && SERVED.includes(placement.state) ? placement : undefined),
    left: () => {
      state.died += 1;
    },
    log,
    clock: made.clock,
  });
  followings.push(following);
  return Object.assign(state, following);
}

/** Two processes on one street, the second of which serves tenants. */
async function neighbours({ fenceMs = 5_000, isGone = (_id: string): boolean => false } = {}) {
  const here = await street({ process: { id: "here", isGone }, fenceMs });
  const there = await restart(here, { process: seen("there") });
  return { here, there };
}

const read = (made: Street) => made.pool.use("acme", (database) => notesOf(database));

describe("what another process changes", () => {
  it("is heard of in the order of writing, each tenant once", async () => {
    const { here, there } = await neighbours();
    const from = await there.processes.register();
    await here.create("acme");
    await here.create("beta");
    await here.registry.raiseEpoch("acme");

    const changes = await there.processes.changesAfter(from);

    expect(changes.map(({ tenantId, placement }) => [tenantId, placement?.state])).toEqual([
      ["beta", "ready"],
      ["acme", "ready"],
    ]);
    await there.processes.deregister();
    await here.purge("acme");
    const [last] = await there.processes.changesAfter(changes.at(-1)?.number ?? 0);
    expect(last).toMatchObject({ tenantId: "acme", placement: null });
    expect(await there.processes.changesAfter(last?.number ?? 0)).toEqual([]);
  });

  it("is found by the key, and nothing else is read", async () => {
    const { database } = await street();
    const plan = await ask(database, "explain query plan select * from rh_changes where number > 5 order by number");

    expect(plan.map(({ detail }) => String(detail)).join()).toMatch(/^SEARCH rh_changes USING INTEGER PRIMARY KEY/);
  });

  it("is forgotten before it is acknowledged, and nobody is answered from before it", async () => {
    const { here, there } = await neighbours();
    await here.create("acme");
    const following = await follow(there);
    expect((await there.registry.get("acme"))?.state).toBe("ready");

    await here.lifecycle.suspend("acme", { initiator: "test" });
    // The clock stands still, so what was read is not yet old.
    await following.turn();

    expect((await there.registry.get("acme"))?.state).toBe("suspended");
    expect(await here.processes.behind("acme")).toEqual([]);
  });

  it("leaves open what is still right", async () => {
    const { here, there } = await neighbours();
    await here.create("acme");
    const following = await follow(there);
    await read(there);

    await here.registry.raiseEpoch("acme");
    await following.turn();

    expect(there.pool.stats()).toMatchObject({ open: 1, closed: 0 });
  });
});

describe("the fence", () => {
  it("waits until another process has heard of it and let go", async () => {
    const { here, there } = await neighbours();
    await here.create("acme");
    const following = await follow(there);
    const lease = await there.pool.lease("acme");

    const removal = here.remove("acme");
    await until(async () => (await here.registry.read("acme"))?.state === "deleting");
    await following.turn();
    await ask(lease.entry, "insert into notes values ('last words')");
    expect(await here.processes.behind("acme")).toEqual(["there"]);
    expect(filesOf(here)).toHaveLength(1);
    await expect(there.pool.lease("acme")).rejects.toMatchObject({ reason: "tenant_not_ready" });
    lease.release();
    await until(async () => there.pool.stats().open === 0);
    await following.turn();
    await removal;

    expect(retainedOf(here)).toHaveLength(1);
    await here.undelete("acme");
    await following.turn();
    expect(await read(there)).toEqual(["last words", "seeded"]);
  });

  it("is not held up by another tenant's hanging call", async () => {
    const { here, there } = await neighbours();
    await here.create("acme");
    await here.create("beta");
    const following = await follow(there);
    const lease = await there.pool.lease("beta");
    const hanging = here.remove("beta");
    await until(async () => (await here.registry.read("beta"))?.state === "deleting");

    const removal = here.remove("acme");
    await until(async () => (await here.registry.read("acme"))?.state === "deleting");
    await following.turn();
    await removal;

    expect((await here.registry.read("beta"))?.state).toBe("deleting");
    lease.release();
    await until(async () => there.pool.stats().open === 0);
    await following.turn();
    await hanging;
  });

  it("does not fail for good while it waits, says for whom, and passes when that one has gone", async () => {
    let isGone = false;
    const { here, there } = await neighbours({ fenceMs: 0, isGone: () => isGone });
    await here.create("acme");
    await there.processes.register();

    await expect(here.remove("acme")).rejects.toMatchObject({ code: "unavailable", reason: "served_elsewhere" });
    for (let attempt = 2; attempt <= 20; attempt += 1) {
      here.time.ms += 20_000;
      const [resumed] = await here.lifecycle.work();
      expect(resumed?.error).toMatchObject({ reason: "served_elsewhere" });
    }
    const [waiting] = await here.journal.list("acme");
    expect(waiting).toMatchObject({ state: "running", attempts: 20 });
    expect(waiting?.error).toContain("there");

    isGone = true;
    here.time.ms += 20_000;
    await here.lifecycle.work();
    expect((await here.registry.read("acme"))?.state).toBe("deleted");
  });

  it("passes at once when the other has said good-bye", async () => {
    const { here, there } = await neighbours({ fenceMs: 0 });
    await here.create("acme");
    await there.processes.register();
    await there.processes.deregister();

    await here.remove("acme");

    expect((await here.registry.read("acme"))?.state).toBe("deleted");
  });

  it("waits for a silent process of another machine until the outage window is over", async () => {
    const { here, there } = await neighbours({ fenceMs: 0 });
    await here.create("acme");
    await there.processes.register();
    await expect(here.remove("acme")).rejects.toMatchObject({ reason: "served_elsewhere" });

    here.time.ms += OUTAGE_MS;
    const [early] = await here.lifecycle.work();
    expect(early?.error).toMatchObject({ reason: "served_elsewhere" });
    here.time.ms += 60_000;
    const [late] = await here.lifecycle.work();

    expect(late?.error).toBeUndefined();
    expect((await here.registry.read("acme"))?.state).toBe("deleted");
  });
});

describe("a process", () => {
  it("that was taken for gone and wakes up is waited for again", async () => {
    const { here, there } = await neighbours();
    const following = await follow(there);
    here.time.ms += OUTAGE_MS + 60_000;
    there.time.ms = here.time.ms;
    expect(await here.processes.forgetGone()).toBe(1);
    await here.create("acme");
    await here.create("beta");
    expect(await here.processes.behind("acme")).toEqual([]);

    await following.turn();
    await here.registry.raiseEpoch("acme");

    expect(await here.processes.behind("acme")).toEqual(["there"]);
    expect(await here.processes.behind("beta")).toEqual([]);
  });

  it("that has died is noticed by one of the others", async () => {
    const { here, there } = await neighbours({ isGone: (id) => id === "there" });
    const following = await follow(here);
    await there.processes.register();

    here.time.ms += 15_000;
    await following.turn();
    here.time.ms += 15_000;
    await following.turn();

    expect(following.died).toBe(1);
  });
});
