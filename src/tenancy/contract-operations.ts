import type {
  DataAdapters,
  ListTenantOperationsParams,
  Rollout,
  TenantOperation,
  TenantOperationEvent,
} from "@authhero/adapter-interfaces";
import type { FleetHistory, RecordedJob } from "../../provisioning/fleet-history.ts";
import type { OperationEvent, OperationHistory, OperationSearch } from "../../provisioning/history.ts";
import type { Operation } from "../../provisioning/operation-rows.ts";
import { PlatformError } from "../domain/errors.ts";
import { COUNTERS, offsetOf } from "../entities/page.ts";
import { boundTenant } from "./router.ts";

/** What the contract says of operations, as a face of our own journal. */
export type ContractOperations = Required<
  Pick<DataAdapters, "tenantOperations" | "tenantOperationEvents" | "rollouts">
>;

interface Needs {
  readonly controlPlaneTenantId: string;
  readonly journal: OperationHistory;
  readonly fleet: Pick<FleetHistory, "get" | "list">;
}

/** Ours in the contract's words. The other kinds (suspend, rotate-credentials …) have none there, and are not shown. */
const KINDS = { provision: "provision", adopt: "provision", delete: "deprovision", purge: "deprovision" } as const;
type ShownKind = keyof typeof KINDS;
const SHOWN = Object.keys(KINDS) as readonly ShownKind[];

/** Ours in the contract's words. What is `running` may be waiting for its next attempt. Nothing is ever `pending`. */
const STATUS = { running: "running", failed: "failed", done: "succeeded", abandoned: "cancelled" } as const;

/** Ours in the contract's words. What is halted waits for somebody. A running one has a word for its canaries. */
const ROLLOUT_STATUS = { running: "rolling", done: "done", halted: "paused", failed: "failed" } as const;

const EVENTS_PER_PAGE = 100;

/** There are fewer jobs of a kind. */
const ROLLOUTS_MAX = 100;

/**
 * The contract's `tenantOperations`, `tenantOperationEvents` and `rollouts`, for reading: operations are begun through
 * the operations API. Every write is `forbidden` (`operations_read_only`). A request of a tenant sees its own only, and
 * no rollouts.
 */
export function contractOperations({ controlPlaneTenantId, journal, fleet }: Needs): ContractOperations {
  /** The one tenant the request in hand may see; undefined for all. */
  const only = (): string | undefined => {
    const bound = boundTenant();
    return bound === controlPlaneTenantId ? undefined : bound;
  };
  const find = async (id: string): Promise<Operation | null> => {
    const operation = await journal.get(id);
    const isShown = operation !== null && isShownKind(operation.kind);
    return isShown && [undefined, operation.tenantId].includes(only()) ? operation : null;
  };

  return {
    tenantOperations: {
      ...readOnly("create", "update", "remove"),

      async get(id) {
        const operation = await find(id);
        return operation && toTenantOperation(operation);
      },

      async list(params = {}) {
        const offset = offsetOf(params);
        const search = searchOf(params, only());
        const { page, perPage } = offset;
        const found = search ? await journal.search(search, { offset: page * perPage, take: perPage }) : [];
        return { operations: found.map(toTenantOperation), ...countersOf(offset, found.length) };
      },
    },

    tenantOperationEvents: {
      ...readOnly("create"),

      async listByOperation(operationId, params = {}) {
        const offset = offsetOf(params, EVENTS_PER_PAGE);
        const events = (await find(operationId)) ? await journal.events(operationId) : [];
        const shown = pageOf(toTenantOperationEvents(operationId, events), offset);
        return { events: shown, ...countersOf(offset, shown.length) };
      },
    },

    rollouts: {
      ...readOnly("create", "update", "remove"),

      async get(id) {
        const job = only() === undefined ? await fleet.get(id) : null;
        return job?.kind === "migrate" ? toRollout(job) : null;
      },

      async list(params = {}) {
        const offset = offsetOf(params);
        const jobs = only() === undefined ? await fleet.list({ kind: "migrate", take: ROLLOUTS_MAX }) : [];
        const shown = pageOf(jobs.map(toRollout), offset);
        return { rollouts: shown, ...countersOf(offset, shown.length) };
      },
    },
  };
}

/** Methods that refuse, whatever they are given. */
function readOnly<M extends string>(...methods: readonly M[]): Record<M, () => Promise<never>> {
  const refuse = () => {
    const message = "Operations are begun through the operations API, and written down as they happen";
    return Promise.reject(new PlatformError("forbidden", "operations_read_only", message));
  };
  return Object.fromEntries(methods.map((method) => [method, refuse])) as Record<M, typeof refuse>;
}

/** Null when nothing can match: our operations are of no rollout, and run in our own engine. */
function searchOf(params: ListTenantOperationsParams, only: string | undefined): OperationSearch | null {
  const { tenant_id: tenantId = only, rollout_id, kind, engine = "inline", status, updated_before } = params;
  if (only !== undefined && tenantId !== only) {
    throw new PlatformError("forbidden", "foreign_tenant", "A request of one tenant named another");
  }
  const updatedBefore = updated_before === undefined ? undefined : Date.parse(updated_before);
  if (rollout_id !== undefined || engine !== "inline" || Number.isNaN(updatedBefore)) return null;
  const wanted = status === undefined ? Object.values(STATUS) : [status].flat();
  return {
    tenantId,
    kinds: SHOWN.filter((own) => kind === undefined || KINDS[own] === kind),
    states: statesOf(wanted),
    updatedBefore: updatedBefore === undefined ? undefined : new Date(updatedBefore).toISOString(),
  };
}

const statesOf = (wanted: readonly string[]): readonly Operation["state"][] =>
  (Object.keys(STATUS) as (keyof typeof STATUS)[]).filter((own) => wanted.includes(STATUS[own]));

function toTenantOperation(operation: Operation): TenantOperation {
  const { id, tenantId, kind, state, step, error, initiator, createdAt, updatedAt, finishedAt } = operation;
  return {
    ...{ id, tenant_id: tenantId, engine: "inline", status: STATUS[state] },
    // The search and `find` let no other kind through.
    kind: KINDS[kind as ShownKind],
    ...{ current_step: step, error, initiated_by: initiator },
    ...{ created_at: createdAt, updated_at: updatedAt, finished_at: finishedAt },
  };
}

/** Events have no id of their own; they are only ever added, so their place is one. */
function toTenantOperationEvents(operationId: string, events: readonly OperationEvent[]): TenantOperationEvent[] {
  const attempts = new Map<string, number>();
  return events.map(({ step, outcome, error, at }, index) => {
    const attempt = (attempts.get(step) ?? 0) + 1;
    attempts.set(step, attempt);
    return {
      ...{ id: `evt_${operationId}-${index}`, operation_id: operationId, step, attempt, created_at: at },
      outcome: outcome === "done" ? "succeeded" : "failed",
      ...(error !== null && { detail: { error } }),
    };
  });
}

function toRollout({ id, state, wave, target, initiator, startedAt, finishedAt, counts }: RecordedJob): Rollout {
  const { done, failed, skipped, left } = counts;
  return {
    ...{ id, kind: "upgrade", target_database_version: target, initiated_by: initiator },
    status: state === "running" && wave === "canary" ? "canary" : ROLLOUT_STATUS[state],
    // Our waves are shares of all, so their size is what they are shares of.
    wave_size: done + failed + skipped + left,
    ...{ created_at: startedAt, updated_at: finishedAt ?? startedAt, finished_at: finishedAt },
  };
}

const isShownKind = (kind: string): kind is ShownKind => Object.hasOwn(KINDS, kind);

type Offset = ReturnType<typeof offsetOf>;

const pageOf = <T>(rows: readonly T[], { page, perPage }: Offset): T[] =>
  rows.slice(page * perPage, (page + 1) * perPage);

const countersOf = (offset: Offset, rows: number) => COUNTERS.pageUnlessAsked({ ...offset, rows, total: null });
