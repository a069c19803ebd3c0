import { setTimeout as sleep } from "node:timers/promises";
import type { Database } from "../src/db/database.ts";
import type { Clock } from "../src/domain/clock.ts";
import { PlatformError } from "../src/domain/errors.ts";
import { timeId } from "../src/domain/ids.ts";
import type { Logger } from "../src/log/logger.ts";
import { createFleetHistory } from "./fleet-history.ts";
import {
  createFleetJournal,
  type FleetJournal,
  type FleetKind,
  type JobLease,
  type JobState,
  type Outcome,
  type Tally,
} from "./fleet-journal.ts";
import { type Candidate, planWaves, WAVES } from "./fleet-plan.ts";
import { describe, LEASE_MS, type Witness } from "./operation-rows.ts";
import type { Placement } from "./placements.ts";
import type { ProcessIdentity } from "./process.ts";
import type { Registry } from "./registry.ts";

/** Enough to keep a disk or a network busy, and few enough that requests still get their turn. */
const CONCURRENCY = 8;

const PAGE_ROWS = 100;

/** A lease is renewed so often that two lost renewals do no harm. */
const RENEWAL_MS = LEASE_MS / 3;

/** Somebody who suspends a tenant while its turn is on makes the work stumble, once. */
const TRIES_MAX = 3;

export interface FleetOptions {
  readonly registry: Pick<Registry, "list" | "read">;
  /** The control plane's, with the `control-plane` migrations. */
  readonly database: Database;
  readonly clock: Clock;
  readonly log?: Logger;
  /** Who runs jobs here. */
  readonly process?: ProcessIdentity;
  readonly witness?: Witness;
  /** Runs each tenant's turn. */
  readonly around?: AroundTurn | undefined;
}

/** Runs what a job does to a tenant; `id` is the job's. */
export type AroundTurn = (
  turn: { readonly kind: FleetKind; readonly id: string; readonly tenantId: string },
  work: () => Promise<void>,
) => Promise<void>;

/** What is to be done to many tenants. */
export interface FleetJob {
  readonly kind: FleetKind;
  /** What the tenants are brought to. A job of the same kind that was interrupted is resumed if it had this target. */
  readonly target: string;
  /** Why a tenant is left alone, as a reason to write down; null for one that is to be worked on. */
  readonly skips: (placement: Placement) => string | null;
  /** Throws where it makes no sense. Whoever begins it by hand asks first. */
  readonly requirePossible?: () => Promise<unknown>;
  /** Must be safe to repeat, because a crash may come before its outcome is written down. */
  readonly work: (placement: Placement, lease: JobLease) => Promise<void>;
  /** Runs when everybody has had a turn, and again after a crash before the job has ended. */
  readonly after?: (lease: JobLease, signal: AbortSignal | undefined) => Promise<void>;
  /** The ids of those who go first; by default the first tenant. If one of them fails, nobody comes after them.
   * `nobody` where a failure says nothing about the others: then there are no waves. */
  readonly canary?: readonly string[] | "nobody";
  /** How many are worked on at a time. */
  readonly concurrency?: number;
  /** The share of all tenants of the job, from 0 to 1, that may fail. With one more the job halts. */
  readonly errorBudget: number;
  /** Milliseconds between the turns of those whose database cannot be reached: so often they have another one, after all
   * the others. Default: none. */
  readonly retriesMs?: readonly number[];
  /** Who asked for it, for the record; by default the start of a process. */
  readonly initiator?: string;
  /** Stops between two tenants; the next `run` goes on there. */
  readonly signal?: AbortSignal;
}

/** A job that has begun. */
export interface StartedJob {
  /** Null when there was nothing to do. */
  readonly jobId: string | null;
  /** Settles when it is over, halted, failed or stopped; see `run` for what it throws. */
  readonly ended: Promise<FleetReport>;
}

/** What became of a run. */
export interface FleetReport extends Tally {
  /** Null when there was nothing to do. */
  readonly jobId: string | null;
  /** `running` when it was stopped by its signal. */
  readonly state: JobState;
  /** Why it is halted or failed: `canary_failed`, `error_budget_spent`. */
  readonly reason: string | null;
}

/** What a job would do, wave by wave. */
export interface FleetPlan {
  readonly wave: (typeof WAVES)[number];
  readonly tenantIds: readonly string[];
}

const STARTUP = "start";

const NOTHING = { done: 0, failed: 0, skipped: 0, left: 0, canariesFailed: 0 } as const;

/** Jobs over many tenants: in waves, a few at a time, resumed after a crash, and halted when too many fail. */
export function createFleet({ registry, database, clock, log, process, witness, around = alone }: FleetOptions) {
  const journal = createFleetJournal({ database, clock, ...(process && { process }), ...(witness && { witness }) });
  const turns = new Map<string, Set<Promise<void>>>();
  const context: Context = { registry, journal, log, turns, around };

  const start = async (job: FleetJob, { recorded = false } = {}): Promise<StartedJob | null> => {
    const going = (lease: JobLease) => ({ jobId: lease.jobId, ended: keeping(context, job, lease) });
    const unfinished = await journal.findUnfinished(job.kind);
    if (unfinished) {
      const lease = await journal.acquire(unfinished);
      if (!lease) return null;
      if (unfinished.target === job.target) return going(lease);
      await journal.end(lease, "failed", "superseded");
    }
    const plan = await planJob(context, job);
    if (plan.length === 0 && !recorded) {
      return { jobId: null, ended: Promise.resolve({ ...NOTHING, jobId: null, state: "done", reason: null }) };
    }
    const { kind, target, initiator = STARTUP } = job;
    const lease = await journal.begin({ id: timeId(clock()), kind, target, initiator }, plan);
    return lease && going(lease);
  };

  return {
    /**
     * Begins what `run` does, and does not wait for it. `recorded`: there is a job to ask for even when there is
     * nothing to do.
     */
    start,

    /**
     * Runs a job to its end, or goes on with it where it was interrupted. Null when another process is at one of its
     * kind. That a tenant fails is part of the report; throws when the control plane's database fails, and `conflict`
     * (`job_overtaken`) when another process has taken the job over.
     */
    async run(job: FleetJob): Promise<FleetReport | null> {
      return (await (await start(job))?.ended) ?? null;
    },

    /** What `run` would do if it began now: nothing is opened and nothing changes. */
    async plan(job: Pick<FleetJob, "kind" | "skips" | "canary">): Promise<readonly FleetPlan[]> {
      const planned = await planJob(context, job);
      return WAVES.map((wave, index) => ({
        wave,
        tenantIds: planned.filter((tenant) => tenant.wave === index).map(({ tenantId }) => tenantId),
      })).filter(({ tenantIds }) => tenantIds.length > 0);
    },

    history: createFleetHistory(database),

    /** Settles when no job of this process is at the tenant any more: what a deletion waits for. */
    async settled(tenantId: string): Promise<void> {
      await Promise.all([...(turns.get(tenantId) ?? [])]);
    },
  };
}

export type Fleet = ReturnType<typeof createFleet>;

interface Context {
  readonly registry: FleetOptions["registry"];
  readonly journal: FleetJournal;
  readonly log: Logger | undefined;
  /** The tenants whose turn is on, of jobs of whatever kind. */
  readonly turns: Map<string, Set<Promise<void>>>;
  readonly around: AroundTurn;
}

const alone: AroundTurn = (_turn, work) => work();

async function planJob(
  { registry, journal }: Context,
  { kind, skips, canary = [] }: Pick<FleetJob, "kind" | "skips" | "canary">,
) {
  const candidates: Candidate[] = [];
  let page = await registry.list({ take: PAGE_ROWS });
  while (page.length > 0) {
    candidates.push(...page.filter((placement) => skips(placement) === null));
    page = await registry.list({ take: PAGE_ROWS, from: page.at(-1)?.tenantId ?? "" });
  }
  return planWaves(candidates, { canary, failedBefore: await journal.failedLast(kind) });
}

/** Runs the waves and keeps the lease meanwhile. */
async function keeping(context: Context, job: FleetJob, lease: JobLease): Promise<FleetReport> {
  const { journal } = context;
  // A renewal that fails changes nothing: the lease is compared at every write.
  const renewal = setInterval(() => void journal.renew(lease).catch(() => {}), RENEWAL_MS).unref();
  try {
    return await runWaves(context, job, lease);
  } catch (error) {
    // What could not be written down is resumed all the same, when the lease has ended.
    await journal.release(lease).catch(() => {});
    throw error;
  } finally {
    clearInterval(renewal);
  }
}

async function runWaves(context: Context, job: FleetJob, lease: JobLease): Promise<FleetReport> {
  const { journal, log } = context;
  const { jobId } = lease;
  const { kind } = job;
  let tally = await journal.tally(jobId);
  for (const [wave, name] of WAVES.entries()) {
    if (haltReason(tally, job) || job.signal?.aborted) break;
    const waiting = await journal.waiting(jobId, wave);
    if (waiting.length === 0) continue;
    await journal.enterWave(lease, wave);
    tally = await runWave(context, { job, lease, isCanary: wave === 0, tally }, waiting);
    log?.info("fleet.wave", { job: jobId, kind, wave: name, ...tally });
  }

  const reason = haltReason(tally, job);
  if (!reason && tally.left === 0 && !job.signal?.aborted) await job.after?.(lease, job.signal);
  if (!reason && (tally.left > 0 || (job.after && job.signal?.aborted))) {
    await journal.release(lease);
    return { ...tally, jobId, state: "running", reason: null };
  }
  const state = stateAfter(tally, reason);
  await journal.end(lease, state, reason);
  if (reason) log?.error("fleet.halted", { job: jobId, kind, reason, ...tally });
  return { ...tally, jobId, state, reason };
}

function stateAfter({ left }: Tally, reason: string | null): "done" | "halted" | "failed" {
  if (!reason) return "done";
  return left > 0 ? "halted" : "failed";
}

/** Why nobody comes next; null when somebody may. */
function haltReason(tally: Tally, { errorBudget }: FleetJob): string | null {
  const { done, failed, skipped, left, canariesFailed } = tally;
  if (canariesFailed > 0) return "canary_failed";
  return failed > errorBudget * (done + failed + skipped + left) ? "error_budget_spent" : null;
}

interface Wave {
  readonly job: FleetJob;
  readonly lease: JobLease;
  readonly isCanary: boolean;
  /** As it stands before the wave. */
  readonly tally: Tally;
}

/** Gives each tenant its turn, and those who could not be reached another one; returns how things stand then. */
async function runWave(context: Context, wave: Wave, waiting: readonly Candidate[]): Promise<Tally> {
  const { signal, retriesMs = [] } = wave.job;
  let { tally } = wave;
  let line = waiting;
  for (const pauseMs of [...retriesMs, null]) {
    const round = await runRound(context, { ...wave, tally }, line, pauseMs !== null);
    tally = round.tally;
    line = round.unreachable;
    if (line.length === 0 || pauseMs === null || signal?.aborted) break;
    await sleep(pauseMs, undefined, { ...(signal && { signal }), ref: false }).catch(() => {});
  }
  return tally;
}

/** One turn for each, a few at once, until one failure too many. `again`: whoever cannot be reached is left waiting. */
async function runRound(context: Context, wave: Wave, waiting: readonly Candidate[], again: boolean) {
  const { job, lease, isCanary } = wave;
  let { tally } = wave;
  let isBroken = false;
  const unreachable: Candidate[] = [];
  const line = waiting.values();
  const worker = async () => {
    for (const tenant of line) {
      if (isBroken || job.signal?.aborted || haltReason(tally, job)) return;
      const outcome = await takeTurn(context, job, lease, tenant, again);
      if (outcome === null) unreachable.push(tenant);
      else tally = counted(tally, outcome, isCanary);
    }
  };
  const workers = Array.from({ length: job.concurrency ?? CONCURRENCY }, () =>
    worker().catch((error: unknown) => {
      isBroken = true;
      throw error;
    }),
  );
  // The others end their turns before anybody hears of it: nothing goes on behind the caller's back.
  await Promise.allSettled(workers);
  await Promise.all(workers);
  return { tally, unreachable };
}

function counted(tally: Tally, outcome: Outcome, isCanary: boolean): Tally {
  const canariesFailed = tally.canariesFailed + (isCanary && outcome === "failed" ? 1 : 0);
  return { ...tally, [outcome]: tally[outcome] + 1, left: tally.left - 1, canariesFailed };
}

/**
 * A deletion that begins before the placement is read is seen in it; one that begins after it waits for the turn.
 * Null for one that cannot be reached and will have another turn.
 */
async function takeTurn(
  context: Context,
  job: FleetJob,
  lease: JobLease,
  tenant: Candidate,
  again: boolean,
): Promise<Outcome | null> {
  const { journal, log } = context;
  const { tenantId } = tenant;
  const turn = workOn(context, job, lease, tenant);
  const over = remembered(context.turns, tenantId, turn);
  try {
    const { outcome, reason, error } = await turn;
    if (again && isUnavailable(error)) return null;
    if (outcome === "failed")
      log?.warn("fleet.tenant_failed", { job: lease.jobId, kind: job.kind, tenant: tenantId, error });
    await journal.record(lease, tenantId, outcome, reason);
    return outcome;
  } finally {
    over();
  }
}

/** Lets `settled` wait for a turn, until the function it returns is called. */
function remembered(turns: Context["turns"], tenantId: string, turn: Promise<unknown>): () => void {
  const ended = turn.then(
    () => {},
    () => {},
  );
  const those = turns.get(tenantId) ?? new Set();
  turns.set(tenantId, those.add(ended));
  return () => {
    those.delete(ended);
    if (those.size === 0) turns.delete(tenantId);
  };
}

interface Turn {
  readonly outcome: Outcome;
  readonly reason: string | null;
  readonly error?: unknown;
}

/** After a failure the tenant is looked at again: one that was deleted or brought up to date meanwhile did not fail. */
async function workOn(context: Context, job: FleetJob, lease: JobLease, { tenantId, tag }: Candidate): Promise<Turn> {
  let failure: { readonly error: unknown } | undefined;
  for (let tries = 1; ; tries += 1) {
    const placement = await context.registry.read(tenantId);
    const reason = placement?.tag === tag ? job.skips(placement) : "tenant_gone";
    if (!placement || reason) return { outcome: "skipped", reason };
    if (failure && (tries > TRIES_MAX || !isConflict(failure.error))) {
      return { outcome: "failed", reason: describe(failure.error), error: failure.error };
    }
    try {
      await context.around({ kind: job.kind, id: lease.jobId, tenantId }, () => job.work(placement, lease));
      return { outcome: "done", reason: null };
    } catch (error) {
      failure = { error };
    }
  }
}

const isUnavailable = (error: unknown) => error instanceof PlatformError && error.code === "unavailable";

const isConflict = (error: unknown) => error instanceof PlatformError && error.code === "conflict";
