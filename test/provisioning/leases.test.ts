import { describe, expect, it } from "vitest";
import { requireState } from "../../provisioning/operation.ts";
import { thisProcess } from "../../provisioning/process.ts";
import { PlatformError } from "../../src/domain/errors.ts";
import { STEPS } from "./steps.ts";
import { ask, filesOf, gate, type Street, stepsOf, streets, until } from "./street.ts";

const { street, restart } = streets();

/** A process on another machine: nobody can tell whether it is gone. */
const remote = (id: string) => ({ id, isGone: () => false });

const has = (made: Street, step: string) => async () => (await stepsOf(made, "acme")).includes(`${step} done`);

describe("the lease of an operation", () => {
  it("keeps other processes away while it lasts, and fences its holder off once another has taken over", async () => {
    const held = gate();
    const one = await street({ process: remote("one"), steps: { signingKey: held.step } });
    const two = await restart(one, { process: remote("two") });
    const creation = one.create("acme").catch((error: unknown) => error);
    await held.reached;

    expect(await two.lifecycle.resumeAll()).toEqual([]);
    await expect(two.resume("acme")).rejects.toMatchObject({ code: "unavailable", reason: "operation_running" });
    two.time.ms += 30_000;
    expect(await two.lifecycle.work()).toEqual([{ tenantId: "acme", kind: "provision" }]);
    held.open();

    expect(await creation).toMatchObject({ code: "conflict", reason: "operation_overtaken" });
    expect(await two.registry.read("acme")).toMatchObject({ state: "ready" });
    expect(await stepsOf(two, "acme")).toEqual(["claim", ...STEPS.create].map((step) => `${step} done`));
    expect(await two.journal.list("acme")).toMatchObject([{ state: "done", fence: 2, attempts: 2, leaseOwner: null }]);
  });

  it("stops a write to the registry that comes too late", async () => {
    const held = gate();
    const one = await street({
      process: remote("one"),
      around: async (step, run) => {
        // Between what the step reads and what it writes.
        if (step === "create-database") await held.step();
        await run();
      },
    });
    const two = await restart(one, { process: remote("two") });
    const creation = one.create("acme").catch((error: unknown) => error);
    await until(has(one, "claim"));
    two.time.ms += 30_000;
    await two.lifecycle.work();
    await two.purge("acme");
    held.open();

    expect(await creation).toMatchObject({ reason: "operation_overtaken" });
    expect(await two.registry.read("acme")).toBeNull();
    expect(filesOf(two)).toEqual([]);
  });

  it("refuses every write under an old fencing number", async () => {
    const made = await street({
      process: remote("one"),
      attemptsMax: 5,
      steps: { verify: () => Promise.reject(new Error("x")) },
    });
    await expect(made.create("acme")).rejects.toThrow("x");
    const [operation] = await made.journal.list("acme");
    if (!operation) throw new Error("there should be an operation");
    const old = { operationId: operation.id, fence: operation.fence, attempts: 1 };
    const lease = await made.journal.acquire(operation);
    const placement = await made.registry.read("acme");
    if (!placement) throw new Error("there should be a placement");
    const overtaken = { code: "conflict", reason: "operation_overtaken" };

    expect(lease).toMatchObject({ fence: 2, attempts: 2 });
    await expect(made.journal.recordDone(old, ["verify"])).rejects.toMatchObject(overtaken);
    await expect(made.journal.recordFailed(old, "verify", new Error("x"), null)).rejects.toMatchObject(overtaken);
    await expect(requireState(made.registry, { ...operation, lease: old }, "provisioning")).rejects.toMatchObject(
      overtaken,
    );
    await expect(made.journal.renew(old)).rejects.toMatchObject(overtaken);
    await expect(
      made.registry.transition(placement, "ready", made.journal.ending(old, ["activate"])),
    ).rejects.toMatchObject(overtaken);
    await expect(
      made.registry.recordDatabase(placement, { locator: "stolen" }, "hash", [made.journal.fenced(old)]),
    ).rejects.toMatchObject(overtaken);

    expect(await made.registry.read("acme")).toEqual(placement);
    expect(await made.journal.acquire(operation)).toBeNull();
  });

  it("is taken over at once when its holder is seen to be gone", async () => {
    const held = gate();
    const one = await street({ steps: { signingKey: held.step } });
    void one.create("acme").catch(() => {});
    await held.reached;

    const two = await restart(one);

    expect(await two.lifecycle.resumeAll()).toEqual([{ tenantId: "acme", kind: "provision" }]);
  });

  it("goes to one of two processes that start at the same moment", async () => {
    const crashed = await street({ crash: { step: "create-database", written: true } });
    await expect(crashed.create("acme")).rejects.toThrow("crash");
    const two = await Promise.all([restart(crashed), restart(crashed)]);

    const resumed = await Promise.all(two.map(({ lifecycle }) => lifecycle.resumeAll()));

    expect(resumed.flat()).toEqual([{ tenantId: "acme", kind: "provision" }]);
    expect(filesOf(crashed)).toHaveLength(1);
  });

  it("of an overtaken operation is waited for by the deletion that has overtaken it", async () => {
    const held = gate();
    const one = await street({ process: remote("one"), steps: { signingKey: held.step } });
    const two = await restart(one, { process: remote("two") });
    const creation = one.create("acme").catch((error: unknown) => error);
    await held.reached;

    const removal = two.remove("acme");
    await until(async () => (await one.registry.read("acme"))?.state === "deleting");
    expect(filesOf(one)).toHaveLength(1);
    held.open();
    await removal;

    expect(await creation).toMatchObject({ reason: "operation_overtaken" });
    expect(await two.registry.read("acme")).toBeNull();
    expect(filesOf(two)).toEqual([]);
  });
});

describe("a process", () => {
  it("knows its own number's earlier holder is gone, and says nothing about other machines", () => {
    const [earlier, self] = [thisProcess(), thisProcess()];
    const [place] = self.id.split(" ");

    expect(self.isGone(self.id)).toBe(false);
    expect(self.isGone(earlier.id)).toBe(true);
    expect(self.isGone(`${place} ${process.ppid} other`)).toBe(false);
    // Beyond what any system gives out.
    expect(self.isGone(`${place} 99999999 other`)).toBe(true);
    expect(self.isGone(`elsewhere ${process.pid} other`)).toBe(false);
  });
});

describe("an operation that fails", () => {
  const broken = () => Promise.reject(new PlatformError("unavailable", "power_cut", "The lights went out"));

  it("is tried again after one second, two, four, and is failed at the last until somebody resumes it", async () => {
    let attempts = 0;
    let repaired = false;
    const signingKey = () => {
      attempts += 1;
      return repaired ? Promise.resolve() : broken();
    };
    const made = await street({ attemptsMax: 4, steps: { signingKey } });
    await expect(made.create("acme")).rejects.toMatchObject({ reason: "power_cut" });

    for (const [waitMs, tried] of [
      [1_000, 2],
      [2_000, 3],
      [4_000, 4],
    ] as const) {
      made.time.ms += waitMs - 1;
      expect(await made.lifecycle.work()).toEqual([]);
      expect((await made.registry.read("acme"))?.state).toBe("provisioning");
      made.time.ms += 1;
      expect(await made.lifecycle.work()).toMatchObject([{ error: { reason: "power_cut" } }]);
      expect(attempts).toBe(tried);
    }

    expect((await made.registry.read("acme"))?.state).toBe("failed");
    expect(await made.journal.list("acme")).toMatchObject([{ state: "failed", attempts: 4, nextAttemptAt: null }]);
    made.time.ms += 86_400_000;
    expect(await made.lifecycle.work()).toEqual([]);
    expect(await made.lifecycle.resumeAll()).toEqual([]);
    repaired = true;
    expect(await made.resume("acme")).toMatchObject({ state: "ready" });
    expect(await made.journal.list("acme")).toMatchObject([{ state: "done", attempts: 1, error: null }]);
  });

  it("does not keep others from going on, and can be deleted", async () => {
    const made = await street({
      steps: { signingKey: ({ placement }) => (placement.tenantId === "acme" ? broken() : Promise.resolve()) },
    });
    await expect(made.create("acme")).rejects.toMatchObject({ reason: "power_cut" });

    await made.create("beta");
    await made.remove("acme");

    expect(await made.registry.read("acme")).toBeNull();
    expect(filesOf(made)).toHaveLength(1);
    expect(await ask(made.database, "select count(*) as n from rh_operations where state = 'running'")).toEqual([
      { n: 0 },
    ]);
  });
});
