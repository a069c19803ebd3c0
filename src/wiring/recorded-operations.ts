import type {
  DataAdapters,
  TenantOperation,
  TenantOperationEventOutcome,
  TenantOperationKind,
} from "@authhero/adapter-interfaces";
import * as z from "zod";
import { describe } from "../../provisioning/operation-rows.ts";
import { type Clock, systemClock } from "../domain/clock.ts";
import { PlatformError } from "../domain/errors.ts";
import { callable, having, requireOptions } from "../domain/options.ts";
import { everyRow } from "../domain/pages.ts";

/** Adapters that keep operations: what `createAdapters` makes has both members. */
export type OperationAdapters = Pick<DataAdapters, "tenantOperations" | "tenantOperationEvents">;

/** One repeatable unit of work: a crash behind it and before it is written down runs it again. */
export interface RecordedStep {
  /** Stored, so never renamed. */
  readonly name: string;
  run(operation: TenantOperation): void | Promise<void>;
}

export interface RecordedRun {
  readonly adapters: OperationAdapters;
  readonly operationId: string;
  /** In the order in which they are run. */
  readonly steps: readonly RecordedStep[];
  readonly clock?: Clock;
}

/** What is asked for, in AuthHero's words. `tenant_id` is null for what is about no single tenant. */
export interface AskedOperation {
  readonly kind: TenantOperationKind;
  readonly tenant_id: string | null;
  readonly initiated_by?: string;
}

/** What runs operations that are written down. */
export interface TenantOperationExecutor {
  readonly engine: TenantOperation["engine"];
  /** Throws `invalid` (`unknown_operation`) for a kind that it has no steps for. */
  requireKind(kind: TenantOperationKind): void;
  /** Runs one from its first unfinished step; answers it as it is then. */
  start(operation: TenantOperation): Promise<TenantOperation>;
}

/** Runs operations in this process. With `enqueue` it is what AuthHero's `tenantOperationExecutor` takes. */
export interface InlineExecutor extends TenantOperationExecutor {
  enqueue(asked: AskedOperation): Promise<TenantOperation>;
}

export interface InlineExecutorOptions {
  readonly adapters: OperationAdapters;
  /** The steps of each kind. A kind that is left out is refused. */
  readonly steps: Partial<Readonly<Record<TenantOperationKind, readonly RecordedStep[]>>>;
  readonly clock?: Clock;
}

/** Who has written nothing for so long is gone: no step may take longer. */
const STALE_MS = 300_000;

const Adapters = having("adapters that keep operations", "tenantOperations", "tenantOperationEvents");
const Steps = z
  .array(z.looseObject({ name: z.string().min(1).max(100), run: callable() }))
  .max(100)
  .refine((steps) => new Set(steps.map(({ name }) => name)).size === steps.length, "must have a name of its own each");
const RunOptions = z.strictObject({
  adapters: Adapters,
  operationId: z.string().min(1),
  steps: Steps,
  clock: callable().optional(),
});
const KINDS = ["provision", "seed", "upgrade", "backup", "deprovision"] as const;
const ExecutorOptions = z.strictObject({
  adapters: Adapters,
  steps: z.strictObject(Object.fromEntries(KINDS.map((kind) => [kind, Steps.optional()]))),
  clock: callable().optional(),
});

/**
 * Runs the steps of an operation that earlier runs have not finished, writes down each, and answers the operation as it
 * is then: `succeeded`, or `failed` at the first step that throws, with the reason of our own errors and the name of
 * others. Calling again goes on there. Throws `not_found` (`operation_not_found`), `invalid` (`invalid_options`), and
 * what keeps it from being written down.
 */
export async function runRecordedTenantOperation(run: RecordedRun): Promise<TenantOperation> {
  requireOptions("runRecordedTenantOperation", RunOptions, run);
  const { operationId, steps, clock = systemClock } = run;
  const { operations, events } = journalOf(run.adapters);
  const operation = await requireOperation(operations, operationId);
  if (operation.status === "succeeded" || operation.status === "cancelled") return operation;
  const note = (step: string, outcome: TenantOperationEventOutcome, attempt: number) =>
    events.create({ operation_id: operationId, step, outcome, attempt });
  const history = await everyRow(async (query) => (await events.listByOperation(operationId, query)).events);
  const end = async (end: { readonly status: "succeeded" | "failed"; readonly error: string | null }) => {
    await operations.update(operationId, { ...end, finished_at: clock().toISOString() });
    return await requireOperation(operations, operationId);
  };

  for (const { name, ...step } of steps) {
    const earlier = history.filter((event) => event.step === name);
    if (earlier.some(({ outcome }) => outcome === "succeeded")) continue;
    const attempt = earlier.filter(({ outcome }) => outcome === "started").length + 1;
    await operations.update(operationId, { status: "running", current_step: name, error: null, finished_at: null });
    await note(name, "started", attempt);
    try {
      await step.run(operation);
    } catch (error) {
      await note(name, "failed", attempt);
      return await end({ status: "failed", error: describe(error) });
    }
    await note(name, "succeeded", attempt);
  }
  return await end({ status: "succeeded", error: null });
}

/**
 * Writes down an operation and lets an executor begin it. One of the same tenant and kind that has failed, or whose
 * process is gone, is gone on with instead. Throws `conflict` (`operation_running`) while another is at it, and what
 * `requireKind` of the executor throws.
 */
export async function enqueueTenantOperation(
  {
    adapters,
    executor,
    clock = systemClock,
  }: {
    readonly adapters: OperationAdapters;
    readonly executor: TenantOperationExecutor;
    readonly clock?: Clock;
  },
  { kind, tenant_id, initiated_by }: AskedOperation,
): Promise<TenantOperation> {
  const { operations } = journalOf(adapters);
  executor.requireKind(kind);
  const last = tenant_id === null ? undefined : await lastOf(operations, tenant_id, kind);
  if (last && isUnfinished(last)) {
    if (isUnderWay(last, clock())) throw running(last);
    return await executor.start(last);
  }
  const asked = { kind, tenant_id, engine: executor.engine, ...(initiated_by !== undefined && { initiated_by }) };
  return await executor.start(await operations.create(asked));
}

/** Runs operations in this process, one run of each at a time: whoever asks for one that runs here, waits for it. */
export function createInlineExecutor(options: InlineExecutorOptions): InlineExecutor {
  requireOptions("createInlineExecutor", ExecutorOptions, options);
  const { adapters, clock = systemClock } = options;
  const runs = new Map<string, Promise<TenantOperation>>();
  const stepsOf = (kind: TenantOperationKind) => {
    const steps = options.steps[kind];
    if (steps) return steps;
    throw new PlatformError("invalid", "unknown_operation", `kind: there are no steps for ${kind}`);
  };

  const executor: TenantOperationExecutor = {
    engine: "inline",
    requireKind: (kind) => void stepsOf(kind),
    start({ id, kind }) {
      const known = runs.get(id);
      if (known) return known;
      const run = runRecordedTenantOperation({ adapters, operationId: id, steps: stepsOf(kind), clock });
      const ended = run.finally(() => runs.delete(id));
      runs.set(id, ended);
      return ended;
    },
  };
  return { ...executor, enqueue: (asked) => enqueueTenantOperation({ adapters, executor, clock }, asked) };
}

function journalOf({ tenantOperations: operations, tenantOperationEvents: events }: OperationAdapters) {
  if (operations && events) return { operations, events };
  throw new PlatformError(
    "invalid",
    "invalid_options",
    "adapters: must keep operations, as those of createAdapters do",
  );
}

type Operations = NonNullable<OperationAdapters["tenantOperations"]>;

async function requireOperation({ get }: Operations, id: string): Promise<TenantOperation> {
  const operation = await get(id);
  if (operation) return operation;
  throw new PlatformError("not_found", "operation_not_found", `There is no operation ${id}`);
}

async function lastOf(operations: Operations, tenantId: string, kind: TenantOperationKind) {
  const { operations: found } = await operations.list({ tenant_id: tenantId, kind, per_page: 1 });
  return found[0];
}

const isUnfinished = ({ status }: TenantOperation) => status !== "succeeded" && status !== "cancelled";

const isUnderWay = ({ status, updated_at }: TenantOperation, now: Date) =>
  status !== "failed" && now.getTime() - new Date(updated_at).getTime() < STALE_MS;

const running = ({ id, kind }: TenantOperation) =>
  new PlatformError("conflict", "operation_running", `The ${kind} ${id} of this tenant is under way`);
