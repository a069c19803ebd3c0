import { describe, expect, it } from "vitest";
import { createFleet, type FleetJob, type FleetOptions } from "../../provisioning/fleet.ts";
import { planWaves } from "../../provisioning/fleet-plan.ts";
import { PlatformError } from "../../src/domain/errors.ts";
import type { Logger } from "../../src/log/logger.ts";
import { ask, type Street, streets, until } from "./street.ts";

const { street, restart } = streets();

/** A process on another machine: nobody can tell whether it is gone. */
const remote = (id: string) => ({ id, isGone: () => false });

const fleetOf = ({ registry, database, clock }: Street, more: Partial<FleetOptions> = {}) =>
  createFleet({ registry, database, clock, ...more });

/** A street of tenants, and a job that only notes whose turn it was. */
async function streetOf(tenantIds: readonly string[]) {
  const made = await street();
  for (const id of tenantIds) await made.create(id);
  const turns: string[] = [];
  const job: FleetJob = {
    kind: "migrate",
    target: "new",
    skips: ({ state }) => (state === "ready" ? null : "not_served"),
    work: ({ tenantId }) => Promise.resolve(void turns.push(tenantId)),
    concurrency: 1,
    errorBudget: 1,
  };
  const failing =
    (...ids: readonly string[]): FleetJob["work"] =>
    ({ tenantId }) => {
      turns.push(tenantId);
      const broken = new PlatformError("unavailable", "power_cut", "The lights went out");
      return ids.includes(tenantId) ? Promise.reject(broken) : Promise.resolve();
    };
  return { made, turns, job, failing };
}

const ids = (count: number) => Array.from({ length: count }, (_, index) => `tenant-${String(index).padStart(2, "0")}`);

const resultsOf = ({ database }: Street) =>
  ask(database, "select tenant_id as id, wave, outcome, reason from rh_fleet_results order by job_id, tenant_id");

const jobsOf = ({ database }: Street) =>
  ask(database, "select state, wave, reason, lease_owner as owner from rh_fleet_jobs order by number");

function recordingLog() {
  const lines: [level: string, event: string, fields: unknown][] = [];
  const write = (level: string) => (event: string, fields?: object) => void lines.push([level, event, fields]);
  const log: Logger = {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    with: () => log,
  };
  return { log, lines, events: () => lines.map(([level, event]) => `${level} ${event}`) };
}

describe("the waves of a fleet job", () => {
  const candidates = Array.from({ length: 250 }, (_, index) => ({ tenantId: `t${index}`, tag: `g${index}` }));
  const sizes = (planned: readonly { wave: number }[]) =>
    [0, 1, 2, 3].map((wave) => planned.filter((tenant) => tenant.wave === wave).length);
  const nobody: ReadonlySet<string> = new Set();

  it("are the canaries, a hundredth, a tenth and the rest, each at least one while there are any", () => {
    const plan = (count: number, canary: readonly string[] = []) =>
      sizes(planWaves(candidates.slice(0, count), { canary, failedBefore: nobody }));

    expect(plan(250, ["t7", "t8", "nobody"])).toEqual([2, 3, 25, 220]);
    expect(plan(250)).toEqual([1, 3, 25, 221]);
    expect([plan(0), plan(1), plan(2), plan(3), plan(4)]).toEqual([
      [0, 0, 0, 0],
      [1, 0, 0, 0],
      [1, 1, 0, 0],
      [1, 1, 1, 0],
      [1, 1, 1, 1],
    ]);
  });

  it("leave those who failed before to the end, unless they are the canaries", () => {
    const some = candidates.slice(0, 5);
    const order = (canary: readonly string[]) =>
      planWaves(some, { canary, failedBefore: new Set(["t0", "t1"]) }).map(({ tenantId }) => tenantId);

    expect(order([])).toEqual(["t2", "t3", "t4", "t0", "t1"]);
    expect(order(["t1"])).toEqual(["t1", "t2", "t3", "t4", "t0"]);
  });

  it("come one after the other, and each is logged", async () => {
    const { made, turns, job } = await streetOf(ids(12));
    const { log, lines } = recordingLog();

    const report = await fleetOf(made, { log }).run({ ...job, concurrency: 8, canary: ["tenant-05"] });

    expect(report).toMatchObject({ state: "done", done: 12, failed: 0, left: 0, reason: null });
    expect(turns[0]).toBe("tenant-05");
    expect(turns[1]).toBe("tenant-00");
    expect(turns.slice(2, 4).sort()).toEqual(["tenant-01", "tenant-02"]);
    expect(turns.slice(4).sort()).toEqual([...ids(12).slice(3, 5), ...ids(12).slice(6)]);
    expect(lines.map(([level, event, fields]) => ({ level, event, ...(fields as object) }))).toMatchObject([
      { level: "info", event: "fleet.wave", wave: "canary", done: 1, left: 11 },
      { level: "info", event: "fleet.wave", wave: "1 %", done: 2 },
      { level: "info", event: "fleet.wave", wave: "10 %", done: 4 },
      { level: "info", event: "fleet.wave", wave: "rest", done: 12, left: 0 },
    ]);
    expect(await jobsOf(made)).toEqual([{ state: "done", wave: 3, reason: null, owner: null }]);
  });

  it("work on so many tenants at a time and no more", async () => {
    const { made, job } = await streetOf(ids(9));
    let atOnce = 0;
    let most = 0;
    const work = async () => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      await new Promise((resolve) => setTimeout(resolve, 5));
      atOnce -= 1;
    };

    await fleetOf(made).run({ ...job, work, concurrency: 3, canary: ids(9) });

    expect(most).toBe(3);
  });
});

describe("a fleet job", () => {
  it("halts before the second wave when a canary fails, whatever the budget", async () => {
    const { made, turns, job, failing } = await streetOf(ids(6));
    const { log, events } = recordingLog();

    const report = await fleetOf(made, { log }).run({ ...job, work: failing("tenant-03"), canary: ["tenant-03"] });

    expect(report).toMatchObject({ state: "halted", reason: "canary_failed", failed: 1, left: 5 });
    expect(turns).toEqual(["tenant-03"]);
    expect(events()).toEqual(["warn fleet.tenant_failed", "info fleet.wave", "error fleet.halted"]);
    expect((await resultsOf(made))[3]).toEqual({
      id: "tenant-03",
      wave: 0,
      outcome: "failed",
      reason: "power_cut: The lights went out",
    });
    expect(await jobsOf(made)).toEqual([{ state: "halted", wave: 0, reason: "canary_failed", owner: null }]);
  });

  it("halts at one failure more than its budget, and goes on below it", async () => {
    const { made, turns, job, failing } = await streetOf(ids(10));
    const work = failing("tenant-01", "tenant-02", "tenant-03");

    const within = await fleetOf(made).run({ ...job, work, errorBudget: 0.3 });
    turns.length = 0;
    const beyond = await fleetOf(made).run({ ...job, work: failing("tenant-00", "tenant-04"), errorBudget: 0.1 });

    expect(within).toMatchObject({ state: "done", done: 7, failed: 3 });
    expect(beyond).toMatchObject({ state: "halted", reason: "canary_failed" });
    expect(turns).toEqual(["tenant-00"]);
    turns.length = 0;
    const again = await fleetOf(made).run({ ...job, work: failing("tenant-04", "tenant-05"), errorBudget: 0.1 });
    expect(again).toMatchObject({ state: "halted", reason: "error_budget_spent", failed: 2 });
    expect(turns.at(-1)).toBe("tenant-05");
    expect(turns).toHaveLength(10 - (again?.left ?? 0));
  });

  it("has failed when too many failed and none is left to be spared", async () => {
    const { made, job, failing } = await streetOf(["acme"]);

    const report = await fleetOf(made).run({ ...job, work: failing("acme") });

    expect(report).toMatchObject({ state: "failed", reason: "canary_failed", left: 0 });
  });

  it("keeps foreign errors to their names, which may hold anything", async () => {
    const { made, job } = await streetOf(["acme"]);

    await fleetOf(made).run({ ...job, work: () => Promise.reject(new TypeError("token=s3cret")) });

    expect(await resultsOf(made)).toMatchObject([{ reason: "internal: TypeError" }]);
  });

  it("goes on after a crash at the first tenant without an outcome, and fences the dead off", async () => {
    const { made, turns, job } = await streetOf(ids(6));
    let wakeUp = () => {};
    const hanging = new Promise<void>((resolve) => {
      wakeUp = resolve;
    });
    const dying = fleetOf(made, { process: remote("one") })
      .run({
        ...job,
        work: async ({ tenantId }) => (tenantId === "tenant-02" ? await hanging : void turns.push(tenantId)),
      })
      .catch((error: unknown) => error);
    await until(async () => turns.length === 2);

    const after = await restart(made);
    const fleet = fleetOf(after, { process: remote("two") });
    expect(await fleet.run(job)).toBeNull();
    after.time.ms += 30_000;
    turns.length = 0;
    const report = await fleet.run(job);
    wakeUp();

    expect(report).toMatchObject({ state: "done", done: 6 });
    expect(turns).toEqual(["tenant-02", "tenant-03", "tenant-04", "tenant-05"]);
    expect(await dying).toMatchObject({ code: "conflict", reason: "job_overtaken" });
    expect(await jobsOf(after)).toHaveLength(1);
  });

  it("halts after a crash, too, when a canary had failed before it", async () => {
    const { made, turns, job, failing } = await streetOf(ids(4));
    let wakeUp = () => {};
    const hanging = new Promise<void>((resolve) => {
      wakeUp = resolve;
    });
    const fail = failing("tenant-00");
    const work: FleetJob["work"] = (placement, lease) =>
      placement.tenantId === "tenant-00" ? fail(placement, lease) : hanging;
    const dying = fleetOf(made, { process: remote("one") })
      .run({ ...job, work, canary: ids(2), concurrency: 2 })
      .catch((error: unknown) => error);
    await until(async () => (await resultsOf(made))[0]?.outcome === "failed");

    const after = await restart(made);
    after.time.ms += 30_000;
    const report = await fleetOf(after, { process: remote("two") }).run(job);
    wakeUp();
    await dying;

    expect(report).toMatchObject({ state: "halted", reason: "canary_failed", failed: 1, left: 3 });
    expect(turns).toEqual(["tenant-00"]);
  });

  it("begins anew after a halt, with those who failed at the end", async () => {
    const { made, turns, job, failing } = await streetOf(ids(4));
    const halted = await fleetOf(made).run({ ...job, work: failing("tenant-00") });

    const report = await fleetOf(made).run(job);

    expect(halted).toMatchObject({ state: "halted", failed: 1, left: 3 });
    expect(report).toMatchObject({ state: "done", done: 4 });
    expect(turns).toEqual(["tenant-00", "tenant-01", "tenant-02", "tenant-03", "tenant-00"]);
  });

  it("stops between two tenants when it is told to, and goes on there", async () => {
    const { made, turns, job } = await streetOf(ids(5));
    const stopping = new AbortController();
    const work: FleetJob["work"] = async (placement, lease) => {
      await job.work(placement, lease);
      if (turns.length === 2) stopping.abort();
    };

    const stopped = await fleetOf(made).run({ ...job, work, signal: stopping.signal });
    const resumed = await fleetOf(made).run(job);

    expect(stopped).toMatchObject({ state: "running", done: 2, left: 3 });
    expect(resumed).toMatchObject({ jobId: stopped?.jobId, state: "done", done: 5 });
    expect(turns).toEqual(ids(5));
  });

  it("runs once when two processes begin it at the same moment", async () => {
    const { made, turns, job } = await streetOf(ids(5));
    const other = await restart(made);

    let goOn = () => {};
    const refused = new Promise<void>((resolve) => {
      goOn = resolve;
    });
    const work: FleetJob["work"] = async (placement, lease) => {
      await refused;
      await job.work(placement, lease);
    };

    const run = async (each: Street) => {
      const report = await fleetOf(each).run({ ...job, work });
      if (!report) goOn();
      return report;
    };
    const reports = await Promise.all([made, other].map(run));

    expect(reports.filter((report) => report !== null)).toMatchObject([{ state: "done", done: 5 }]);
    expect(turns).toEqual(ids(5));
    expect(await jobsOf(made)).toHaveLength(1);
  });

  it("of another target puts away what was interrupted, and plans anew", async () => {
    const { made, turns, job } = await streetOf(ids(3));
    const stopped = AbortSignal.abort();
    await fleetOf(made).run({ ...job, signal: stopped });

    const report = await fleetOf(made).run({ ...job, target: "newer" });

    expect(report).toMatchObject({ state: "done", done: 3 });
    expect(turns).toEqual(ids(3));
    expect(await jobsOf(made)).toMatchObject([{ state: "failed", reason: "superseded" }, { state: "done" }]);
  });

  it("skips a tenant that is deleted or made anew before its turn", async () => {
    const { made, turns, job } = await streetOf(ids(5));
    const work: FleetJob["work"] = async (placement, lease) => {
      await job.work(placement, lease);
      if (placement.tenantId !== "tenant-00") return;
      await made.remove("tenant-02");
      await made.purge("tenant-03");
      await made.create("tenant-03");
    };

    const report = await fleetOf(made).run({ ...job, work });

    expect(report).toMatchObject({ state: "done", done: 3, skipped: 2 });
    expect(turns).toEqual(["tenant-00", "tenant-01", "tenant-04"]);
    expect(await resultsOf(made)).toMatchObject([
      { outcome: "done" },
      { outcome: "done" },
      { outcome: "skipped", reason: "not_served" },
      { outcome: "skipped", reason: "tenant_gone" },
      { outcome: "done" },
    ]);
  });

  it("does not count it as a failure when the tenant was deleted under its hands", async () => {
    const { made, job } = await streetOf(ids(2));
    const work: FleetJob["work"] = async ({ tenantId }) => {
      await made.purge(tenantId);
      throw new PlatformError("unavailable", "database_missing", "It is gone");
    };

    const report = await fleetOf(made).run({ ...job, work });

    expect(report).toMatchObject({ state: "done", failed: 0, skipped: 2 });
  });

  it("tries again when the tenant's state changed under its hands", async () => {
    const { made, job } = await streetOf(["acme"]);
    let tries = 0;
    const work: FleetJob["work"] = () => {
      tries += 1;
      const suspended = new PlatformError("conflict", "illegal_transition", "It is suspended now");
      return tries < 3 ? Promise.reject(suspended) : Promise.resolve();
    };

    expect(await fleetOf(made).run({ ...job, work })).toMatchObject({ state: "done", done: 1 });
    expect(tries).toBe(3);
  });

  it("is listed without being begun", async () => {
    const { made, turns, job } = await streetOf(ids(4));

    const plan = await fleetOf(made).plan({ ...job, canary: ["tenant-03"] });

    expect(plan).toEqual([
      { wave: "canary", tenantIds: ["tenant-03"] },
      { wave: "1 %", tenantIds: ["tenant-00"] },
      { wave: "10 %", tenantIds: ["tenant-01"] },
      { wave: "rest", tenantIds: ["tenant-02"] },
    ]);
    expect(turns).toEqual([]);
    expect(await jobsOf(made)).toEqual([]);
  });

  it("is not written down when there is nothing to do, and old ones make room", async () => {
    const { made, job } = await streetOf(["acme"]);

    expect(await fleetOf(made).run({ ...job, skips: () => "up_to_date" })).toMatchObject({
      jobId: null,
      state: "done",
    });
    expect(await jobsOf(made)).toEqual([]);
    for (let run = 0; run < 25; run += 1) {
      made.time.ms += 1;
      await fleetOf(made).run(job);
    }

    expect(await jobsOf(made)).toHaveLength(20);
    expect(await resultsOf(made)).toHaveLength(20);
  });
});
