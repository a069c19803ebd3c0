import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@libsql/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createAdapters, migrateToLatest } from "../../src/adapter.ts";
import { createInlineExecutor, PlatformError, runRecordedTenantOperation } from "../../src/index.ts";

const root = mkdtempSync(join(tmpdir(), "recorded-"));
const database = createClient({ url: `file:${join(root, "operations.db")}` });
const adapters = createAdapters(database);

beforeAll(() => migrateToLatest(database));
afterAll(() => {
  database.close();
  rmSync(root, { recursive: true, force: true });
});

const eventsOf = async (id: string) => {
  const { events = [] } = (await adapters.tenantOperationEvents?.listByOperation(id)) ?? {};
  return events.map(({ step, outcome, attempt }) => `${step} ${outcome} ${attempt}`);
};

it("runs steps in order, writes down each, and goes on behind the last that is done", async () => {
  const done: string[] = [];
  let isBroken = true;
  const executor = createInlineExecutor({
    adapters,
    steps: {
      seed: [
        { name: "first", run: ({ tenant_id }) => void done.push(`first ${tenant_id}`) },
        {
          name: "second",
          run: () => {
            if (isBroken) throw new PlatformError("unavailable", "away", "It is away");
            done.push("second");
          },
        },
      ],
    },
  });
  const asked = { kind: "seed", tenant_id: "acme", initiated_by: "me" } as const;

  const failed = await executor.enqueue(asked);
  expect(failed).toMatchObject({ status: "failed", current_step: "second", error: "away: It is away" });
  isBroken = false;
  const again = await executor.enqueue(asked);

  expect(again).toMatchObject({ id: failed.id, status: "succeeded", initiated_by: "me" });
  expect(again.error ?? null).toBeNull();
  expect(done).toEqual(["first acme", "second"]);
  expect(await eventsOf(failed.id)).toEqual([
    "first started 1",
    "first succeeded 1",
    "second started 1",
    "second failed 1",
    "second started 2",
    "second succeeded 2",
  ]);
  expect((await executor.enqueue(asked)).id).not.toBe(failed.id);
});

it("keeps the words of errors that are not its own out of the journal", async () => {
  const executor = createInlineExecutor({
    adapters,
    steps: {
      backup: [
        {
          name: "only",
          run: () => {
            throw new TypeError("password is hunter2");
          },
        },
      ],
    },
  });

  expect((await executor.enqueue({ kind: "backup", tenant_id: "leaky" })).error).toBe("internal: TypeError");
});

it("refuses a second run while another process is at one, and takes it over when that is gone", async () => {
  const begun = await adapters.tenantOperations?.create({ kind: "upgrade", tenant_id: "acme", engine: "inline" });
  const steps = { upgrade: [{ name: "only", run: () => {} }] };
  const asked = { kind: "upgrade", tenant_id: "acme" } as const;
  const later = () => new Date(Date.now() + 600_000);

  const refused = createInlineExecutor({ adapters, steps }).enqueue(asked);

  await expect(refused).rejects.toMatchObject({ code: "conflict", reason: "operation_running" });
  const taken = await createInlineExecutor({ adapters, steps, clock: later }).enqueue(asked);
  expect(taken).toMatchObject({ id: begun?.id, status: "succeeded" });
});

it("lets whoever asks for one that runs here wait for it", async () => {
  const runs: string[] = [];
  const { start } = createInlineExecutor({
    adapters,
    steps: { provision: [{ name: "only", run: ({ id }) => void runs.push(id) }] },
  });
  const operation = await adapters.tenantOperations?.create({
    kind: "provision",
    tenant_id: "twice",
    engine: "inline",
  });
  if (!operation) throw new Error("no operation");

  const [one, other] = await Promise.all([start(operation), start(operation)]);

  expect([one.status, other.id, runs]).toEqual(["succeeded", operation.id, [operation.id]]);
});

it("refuses what it has no steps for, before anything is written down, and wrong options by name", async () => {
  const executor = createInlineExecutor({ adapters, steps: {} });
  const twice = [
    { name: "a", run: () => {} },
    { name: "a", run: () => {} },
  ];

  await expect(executor.enqueue({ kind: "seed", tenant_id: "nobody" })).rejects.toMatchObject({
    reason: "unknown_operation",
  });
  expect((await adapters.tenantOperations?.list({ tenant_id: "nobody" }))?.operations).toEqual([]);
  expect(() => createInlineExecutor({ adapters, steps: { sed: [] } as object })).toThrow(/steps\.sed is not an option/);
  expect(() => createInlineExecutor({ adapters, steps: { seed: twice } })).toThrow(/steps\.seed: must have a name/);
  const missing = runRecordedTenantOperation({ adapters, operationId: "nothing", steps: [] });
  await expect(missing).rejects.toMatchObject({ reason: "operation_not_found" });
});
