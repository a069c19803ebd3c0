import type { Statement } from "../src/db/database.ts";
import { PlatformError } from "../src/domain/errors.ts";
import { timeId } from "../src/domain/ids.ts";
import { SERVED } from "../src/domain/tenants.ts";
import type { Leased } from "./attempts.ts";
import type { Journal } from "./journal.ts";
import type { Operation, OperationKind } from "./operation-rows.ts";
import type { Placement } from "./placements.ts";
import type { Place } from "./providers/provider.ts";
import { CLAIM } from "./provision.ts";
import type { Registry } from "./registry.ts";
import { canRotate } from "./rotation.ts";
import { type Asked, createStarter, type Started, type Starter, type StarterOptions } from "./starting.ts";

export type LifecycleOptions = StarterOptions;
export type { Started };

export interface CreateTenant extends Asked {
  readonly tenantId: string;
  /** Where its database is to be. */
  readonly provider: string;
  /** What the provider's `place` has answered. */
  readonly place?: Place | undefined;
  /** Runs with the claim or not at all: the tenant's own row. */
  readonly claimStatements: readonly Statement[];
  /** For whoever writes it down in `claimStatements`; otherwise a new one. */
  readonly operationId?: string;
  /** Whether it has had a life elsewhere, which is copied before it is served. */
  readonly adopting?: boolean;
}

export interface Resumed {
  readonly tenantId: string;
  readonly kind: OperationKind;
  /** Undefined when it is done. */
  readonly error?: unknown;
}

/** A provider that hangs must not hold up the tenants of another; and a restart must not fall over all at once. */
const RESUMED_AT_ONCE = 4;

/**
 * The life of tenants: operations that a crash interrupts and nothing undoes. Each runs under a lease, in one process
 * at a time; at most one is unfinished per tenant, because whatever begins puts the one before away.
 */
export function createLifecycle(options: LifecycleOptions) {
  const { registry, journal } = options;
  const starter = createStarter(options);
  const deletions = createDeletions(options, starter);

  return {
    /**
     * Begins to make a tenant. `conflict` (`tenant_exists`) when the id is taken, by a deleted tenant too, and then
     * nothing has changed. Whatever else goes wrong is tried again; when that does not help the tenant is `failed`.
     */
    create: (tenant: CreateTenant): Promise<Started> => create(options, starter, tenant),

    ...deletions,
    ...createChanges(options),
    ...createRotations(options, starter),
    ...createRestarts(options, starter),

    /**
     * Goes on with what is unfinished for a tenant, also with what has failed for good, and counts attempts anew.
     * Null when there is nothing (of that kind); `unavailable` (`operation_running`) when another process is at it.
     */
    resume: starter.resume,

    /** Goes on with everything that was interrupted, as a start does, a few at once. */
    resumeAll: (): Promise<readonly Resumed[]> => resumeEach(journal, starter, () => true),

    /** The same with what is due, and begins the purges whose time has come. For the schedule. */
    async work(): Promise<readonly Resumed[]> {
      const resumed = await resumeEach(journal, starter, journal.isDue);
      return [...resumed, ...(await purgeDue(registry, deletions))];
    },

    /** Settles when nothing runs in this process any more. */
    idle: starter.idle,
  };
}

export type Lifecycle = ReturnType<typeof createLifecycle>;

async function create({ registry, journal, clock }: LifecycleOptions, { start }: Starter, tenant: CreateTenant) {
  const { tenantId, provider, place, claimStatements, initiator } = tenant;
  const kind = tenant.adopting ? "adopt" : "provision";
  const operation = { id: tenant.operationId ?? timeId(clock()), tenantId, kind, initiator } as const;
  let leased: Leased | undefined;
  const alongside = ({ tag }: Placement) => {
    const { lease, statements } = journal.begin({ ...operation, tag }, CLAIM);
    leased = { ...operation, tag, lease, begunWith: CLAIM };
    return [...claimStatements, ...statements];
  };
  await registry.claim({ tenantId, provider, place, alongside, begins: true });
  if (leased) return start(leased);
  throw new PlatformError("internal", "claim_incomplete", "A tenant was claimed without its operation");
}

function createDeletions({ registry, journal, undeleteDays, clock }: LifecycleOptions, { begin, resume }: Starter) {
  const find = async (tenantId: string) => requirePlacement(tenantId, await registry.read(tenantId));

  return {
    /**
     * Begins to delete a tenant: it can be brought back for `undeleteDays`, then it is purged. One that was never
     * ready has nothing to bring back and is purged at once. `not_found` (`tenant_not_found`). Null when it is deleted
     * already; calling again while it is being deleted goes on with that.
     */
    async remove(tenantId: string, asked: Asked): Promise<Started | null> {
      const placement = await find(tenantId);
      const { state, restoreState } = placement;
      if (state === "deleted") return null;
      if (state === "deleting") return await resume(tenantId);
      const isKept = undeleteDays > 0 && (SERVED.includes(state) || restoreState !== null);
      return await begin(placement, isKept ? "delete" : "purge", asked);
    },

    /**
     * Begins to remove a tenant for ever, whatever its state: its database, and what `purgeStatements` names.
     * `not_found` (`tenant_not_found`).
     */
    async purge(tenantId: string, asked: Asked): Promise<Started> {
      const placement = await find(tenantId);
      const unfinished = await journal.findUnfinished(tenantId);
      const resumed = unfinished?.kind === "purge" ? await resume(tenantId, "purge") : null;
      return resumed ?? (await begin(placement, "purge", asked));
    },

    /**
     * Begins to bring a deleted tenant back to where it was, with everything it had. `not_found`; `conflict`:
     * `not_deleted`, also while it is still being deleted, and `undelete_window_over`.
     */
    async undelete(tenantId: string, asked: Asked): Promise<Started> {
      const placement = await find(tenantId);
      const { state, purgeAt } = placement;
      if (state !== "deleted") {
        throw new PlatformError("conflict", "not_deleted", `The tenant ${tenantId} is ${state}, not deleted`);
      }
      if (purgeAt !== null && purgeAt <= clock().toISOString()) {
        throw new PlatformError("conflict", "undelete_window_over", `The tenant ${tenantId} is about to be purged`);
      }
      return await begin(placement, "undelete", asked);
    },
  };
}

function createRotations({ registry, providers }: LifecycleOptions, { beginBeside, resume }: Starter) {
  return {
    /**
     * Begins to give the tenant's database new credentials, or goes on with that; the old ones open nothing any more,
     * and until the new ones are recorded the database is `unavailable`. `not_found`; `conflict`: `not_supported` where
     * the provider has no credentials, `illegal_transition` for a tenant that is not served; `unavailable`
     * (`operation_running`).
     */
    async rotate(tenantId: string, asked: Asked): Promise<Started> {
      const placement = requirePlacement(tenantId, await registry.read(tenantId));
      requireServed(placement);
      if (!canRotate(providers, placement)) {
        throw new PlatformError("conflict", "not_supported", `Databases of ${placement.provider} have no credentials`);
      }
      return (
        (await resume(tenantId, "rotate-credentials")) ?? (await beginBeside(placement, "rotate-credentials", asked))
      );
    },
  };
}

function createRestarts({ registry, journal }: LifecycleOptions, { begin, beginBeside }: Starter) {
  return {
    /**
     * Begins anew what a tenant's state speaks of where no operation is recorded that does it: making it, bringing it
     * back, deleting it. A purge is begun only for what was never ready, and a deleted tenant that no date says when to
     * purge gets one. Null where there is an operation, or nothing to begin.
     */
    async restart(tenantId: string, asked: Asked): Promise<Started | null> {
      const placement = await registry.read(tenantId);
      if (!placement || (await journal.findUnfinished(tenantId))) return null;
      const { restoreState, purgeAt } = placement;
      switch (placement.state) {
        case "pending":
        case "provisioning":
        case "failed":
          return await beginBeside(
            placement,
            restoreState === null ? await makingOf(journal, placement) : "undelete",
            asked,
          );
        case "deleting":
          return await begin(placement, restoreState === null ? "purge" : "delete", asked);
        case "deleted":
          return purgeAt === null ? await begin(placement, "delete", asked) : null;
        case "ready":
        case "suspended":
        case "read_only":
          return null;
      }
    },
  };
}

/** What began as an adoption stays one: a tenant without what it had must not be served. */
async function makingOf(journal: Journal, { tenantId, tag }: Placement): Promise<"adopt" | "provision"> {
  const operations = await journal.list(tenantId);
  return operations.some((operation) => operation.tag === tag && operation.kind === "adopt") ? "adopt" : "provision";
}

/** What is written down of the changes that are one statement. */
const NOTES = { suspended: "suspend", ready: "reactivate", read_only: "read-only" } as const;

function createChanges({ registry, journal, clock }: LifecycleOptions) {
  const change = async (tenantId: string, to: keyof typeof NOTES, { initiator }: Asked): Promise<Placement> => {
    const placement = requirePlacement(tenantId, await registry.read(tenantId));
    if (placement.state === to) return placement;
    requireServed(placement);
    const kind = NOTES[to];
    const note = journal.note({ id: timeId(clock()), tenantId, tag: placement.tag, kind, initiator }, kind);
    return await registry.transition(placement, to, note);
  };

  return {
    /** From the next request on nobody gets in. `not_found`; `conflict` unless it is ready. Repeating is harmless. */
    suspend: (tenantId: string, asked: Asked): Promise<Placement> => change(tenantId, "suspended", asked),

    /** From the next request on nothing but logins writes. `not_found`; `conflict` unless it is ready. */
    makeReadOnly: (tenantId: string, asked: Asked): Promise<Placement> => change(tenantId, "read_only", asked),

    /** Ends a suspension, and read-only. `not_found`; `conflict` for a tenant that is neither. */
    reactivate: (tenantId: string, asked: Asked): Promise<Placement> => change(tenantId, "ready", asked),
  };
}

/** A failure of one does not stop the rest. What other processes are at is left to them. */
async function resumeEach(
  journal: Journal,
  { takeUp }: Starter,
  isWanted: (operation: Operation) => boolean,
): Promise<readonly Resumed[]> {
  const resumed: Resumed[] = [];
  const operations = everyRunning(journal);
  const worker = async () => {
    for await (const operation of operations) {
      const started = isWanted(operation) ? await takeUp(operation, false) : null;
      if (started) resumed.push(await outcomeOf(operation, started.ended));
    }
  };
  await Promise.all(Array.from({ length: RESUMED_AT_ONCE }, worker));
  return resumed;
}

async function purgeDue(registry: Registry, { purge }: ReturnType<typeof createDeletions>) {
  const purged: Resumed[] = [];
  for (const { tenantId } of await registry.due()) {
    const started = await purge(tenantId, { initiator: "schedule" }).catch(ifOvertaken);
    if (started) purged.push(await outcomeOf({ tenantId, kind: "purge" }, started.ended));
  }
  return purged;
}

/** Another process was faster, or the tenant was brought back in the last moment: then there is nothing to do. */
function ifOvertaken(error: unknown): null {
  if (error instanceof PlatformError && (error.code === "conflict" || error.code === "not_found")) return null;
  throw error;
}

async function outcomeOf({ tenantId, kind }: Pick<Operation, "tenantId" | "kind">, ended: Promise<void>) {
  return await ended.then(
    (): Resumed => ({ tenantId, kind }),
    (error: unknown): Resumed => ({ tenantId, kind, error }),
  );
}

async function* everyRunning(journal: Journal): AsyncIterable<Operation> {
  let page = await journal.running();
  while (page.length > 0) {
    yield* page;
    page = await journal.running(page.at(-1)?.number);
  }
}

function requirePlacement(tenantId: string, placement: Placement | null): Placement {
  if (placement) return placement;
  throw notFound(tenantId);
}

function requireServed({ tenantId, state }: Placement): void {
  if (SERVED.includes(state)) return;
  if (state === "deleted" || state === "deleting") throw notFound(tenantId);
  throw new PlatformError("conflict", "illegal_transition", `The tenant ${tenantId} is ${state}`);
}

const notFound = (tenantId: string) =>
  new PlatformError("not_found", "tenant_not_found", `There is no tenant ${tenantId}`);
