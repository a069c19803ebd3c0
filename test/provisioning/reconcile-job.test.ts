import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createReconcileJob } from "../../provisioning/fleet-reconcile.ts";
import type { Reconciler } from "../../provisioning/reconcile/reconciler.ts";
import { every, reconcileJobs, reconcilerOf, shown } from "./reconciling.ts";
import { ask, type Street, streets, until } from "./street.ts";

const { street, restart } = streets();

const TENANTS = ["acme", "beta", "gamma", "delta"];

/** Four tenants, each with something that can be repaired, and a file that is nobody's. */
async function disorder(): Promise<Street> {
  const made = await street();
  for (const id of TENANTS) await made.create(id);
  await ask(made.database, "delete from organizations where name in ('acme', 'beta')");
  await made.remove("gamma");
  made.time.ms += 8 * 86_400_000;
  await ask(made.database, "update rh_placements set state = 'pending' where tenant_id = 'delta'");
  writeFileSync(join(made.directory, "tenants", "notes.txt"), "mine");
  return made;
}

const FOUND = [
  "organization_missing acme acme",
  "organization_missing beta beta",
  "operation_missing delta delta",
  "purge_overdue gamma gamma",
  "file_unknown - notes.txt",
];

const found = async (made: Street) => (await every(reconcilerOf(made).report())).map(shown);

const written = async (made: Street, jobId: string | null) =>
  (await reconcileJobs(made).findings.page(jobId ?? "", { take: 100 })).map((one) => `${shown(one)} ${one.outcome}`);

describe("the fleet job that reconciles", () => {
  it("writes down what it finds, and changes nothing", async () => {
    const made = await disorder();
    const { fleet, report } = reconcileJobs(made);

    const ended = await fleet.run(report);

    expect(ended).toMatchObject({ state: "done", done: 4, failed: 0 });
    expect((await written(made, ended?.jobId ?? null)).toSorted()).toEqual(
      FOUND.map((line) => `${line} found`).toSorted(),
    );
    expect((await found(made)).toSorted()).toEqual(FOUND.toSorted());
  });

  it("repairs what can be repaired, says what became of the rest, and has nothing to do the second time", async () => {
    const made = await disorder();
    const { fleet, repair, findings } = reconcileJobs(made);

    const ended = await fleet.run(repair);

    expect(ended).toMatchObject({ state: "done", done: 4 });
    expect(await findings.count(ended?.jobId ?? "")).toEqual({ found: 0, repaired: 4, left: 1, gone: 0, failed: 0 });
    expect(await found(made)).toEqual(["file_unknown - notes.txt"]);
    expect((await made.registry.read("delta"))?.state).toBe("ready");
    expect(await made.registry.read("gamma")).toBeNull();
    // It stands among the tenant's operations, too.
    expect((await made.journal.list("acme")).map(({ kind, initiator }) => [kind, initiator])[0]).toEqual([
      "repair",
      "reconcile",
    ]);
    const again = await fleet.run(repair);
    expect(await findings.count(again?.jobId ?? "")).toEqual({ found: 0, repaired: 0, left: 1, gone: 0, failed: 0 });
  });

  it("goes on after a crash: in the middle of looking, and in the middle of repairing", async () => {
    const made = await disorder();
    const { fleet, options } = reconcileJobs(made);
    let looked = 0;
    const dying: Reconciler = {
      ...options.reconciler,
      ofTenant: (id) => (++looked === 3 ? new Promise(() => {}) : options.reconciler.ofTenant(id)),
    };
    const first = await fleet.start({
      ...createReconcileJob("reconcile", { ...options, reconciler: dying }),
      concurrency: 1,
    });
    await until(async () => looked === 3);

    const second = await restart(made);
    second.time.ms = made.time.ms;
    const next = reconcileJobs(second);
    let repaired = 0;
    const dyingLater: Reconciler = {
      ...next.options.reconciler,
      repair: (one, asked) => (++repaired > 2 ? new Promise(() => {}) : next.options.reconciler.repair(one, asked)),
    };
    const later = await next.fleet.start(createReconcileJob("reconcile", { ...next.options, reconciler: dyingLater }));
    expect(later?.jobId).toBe(first?.jobId);
    await until(async () => (await next.findings.count(later?.jobId ?? "")).repaired === 2);

    const third = await restart(made);
    third.time.ms = made.time.ms;
    const last = reconcileJobs(third);
    const ended = await last.fleet.run(last.repair);

    expect(ended).toMatchObject({ jobId: first?.jobId, state: "done", done: 4, left: 0 });
    expect(await last.findings.count(ended?.jobId ?? "")).toMatchObject({ found: 0, repaired: 4, left: 1 });
    expect(await found(third)).toEqual(["file_unknown - notes.txt"]);
  });

  it("can be stopped between two findings, and goes on", async () => {
    const made = await disorder();
    const { fleet, options, repair } = reconcileJobs(made);
    const stopping = new AbortController();
    const stopped: Reconciler = {
      ...options.reconciler,
      async repair(one, asked) {
        stopping.abort();
        return await options.reconciler.repair(one, asked);
      },
    };

    const job = createReconcileJob("reconcile", { ...options, reconciler: stopped });
    expect(await fleet.run({ ...job, signal: stopping.signal })).toMatchObject({ state: "running" });

    expect(await fleet.run(repair)).toMatchObject({ state: "done" });
    expect(await found(made)).toEqual(["file_unknown - notes.txt"]);
  });
});

describe("reconciling beside operations", () => {
  it("leaves alone what is being made, and what will be tried again", async () => {
    let go = () => {};
    const waiting = new Promise<void>((resolve) => {
      go = resolve;
    });
    let reached = () => {};
    const arrived = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const made = await street({
      steps: {
        seedDefaults: async () => {
          reached();
          await waiting;
        },
      },
    });
    const creation = made.create("acme");
    await arrived;

    expect(await found(made)).toEqual([]);
    go();
    await creation;
    expect(await found(made)).toEqual([]);

    const failing = await street({ steps: { verify: () => Promise.reject(new Error("not yet")) } });
    await failing.create("beta").catch(() => {});
    expect(await failing.registry.read("beta")).toMatchObject({ state: "provisioning" });
    expect(await found(failing)).toEqual([]);
    failing.time.ms += 11 * 60_000;
    expect(await found(failing)).toEqual([expect.stringMatching(/^operation_stalled beta /)]);
  });

  it("finds nothing that was purged while it looked", async () => {
    const made = await street();
    const { database } = await made.create("acme");
    const { provider } = made;
    const slow = {
      ...made,
      providers: {
        file: {
          ...provider,
          async *list() {
            for await (const name of provider.list()) {
              if (name === database) await made.purge("acme");
              yield name;
            }
          },
        },
      },
    };

    expect((await every(reconcilerOf(slow).report())).map(shown)).toEqual([]);
    expect(await made.registry.read("acme")).toBeNull();
  });

  it("goes through more tenants than a page has", async () => {
    const made = await street();
    await made.create("acme");
    const many = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 250)";
    await ask(made.database, `${many} insert into tenants select 'stray-' || i from n`);
    await ask(made.database, `${many} insert into rh_client_directory select 'c' || i, 'nobody', null from n`);
    rmSync(join(made.directory, "tenants", `${(await made.registry.read("acme"))?.database}.db`));

    const lines = await found(made);

    expect(lines.filter((line) => line.startsWith("tenant_row_unplaced"))).toHaveLength(250);
    expect(lines.filter((line) => line.startsWith("client_directory_stale"))).toHaveLength(250);
    expect(new Set(lines).size).toBe(lines.length);
  });
});
