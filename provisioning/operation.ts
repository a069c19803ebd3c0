import { PlatformError } from "../src/domain/errors.ts";
import type { Journal } from "./journal.ts";
import { LEASE_MS, type Lease, overtaken } from "./operation-rows.ts";
import type { Placement } from "./placements.ts";
import type { Registry } from "./registry.ts";

/** A lease is renewed so often that two lost renewals do no harm. */
const RENEWAL_MS = LEASE_MS / 3;

/** What every step is told: whose step it is, and under which lease. */
export interface Attempt {
  readonly tenantId: string;
  readonly tag: string;
  readonly lease: Lease;
  /** Who has asked for the operation, in the words of the caller. */
  readonly initiator: string;
  /** Where this process has begun the operation just now: the step that it began with, and nothing else, is done. */
  readonly begunWith?: string;
}

/** One repeatable unit of work. A crash between `run` and the journal entry runs it again. */
export interface Step<C> {
  /** Stored, so never renamed. */
  readonly name: string;
  /**
   * How it is written down that it is done; by itself, before the next step begins, unless said otherwise.
   *
   * `inside`: by the step, in one batch with what it changes: nobody sees one without the other.
   * `later`: with the next that is written down. For what is quickly done again, and never noticed by anybody outside.
   * The step behind it asks for the lease itself, as `requireState` does.
   */
  readonly written?: "inside" | "later";
  /** `done`: the steps to write down where this one does it `inside`; its own name is the last. */
  run(context: C, done: readonly string[]): Promise<void>;
}

export interface Execution {
  readonly journal: Pick<Journal, "finishedSteps" | "recordDone" | "renew">;
  /** Called with the step that failed and with those done before it that are not written down, before its error is thrown. */
  readonly failed: (step: string, error: unknown, done: readonly string[]) => Promise<void>;
  /** Runs each step. */
  readonly around: (step: string, run: () => Promise<void>) => Promise<void>;
}

/**
 * Runs the steps that earlier attempts did not finish, in order. The first failure is reported and thrown: nothing is
 * undone, what was made is kept, and the next attempt resumes here. Writing a step down compares and renews the lease.
 */
export async function execute<C extends Attempt>(steps: readonly Step<C>[], context: C, execution: Execution) {
  const { journal, failed, around } = execution;
  const { lease, begunWith } = context;
  // A renewal that fails changes nothing: the lease is compared at every write.
  const renewal = setInterval(() => void journal.renew(lease).catch(() => {}), RENEWAL_MS).unref();
  try {
    const finished = begunWith ? new Set([begunWith]) : await journal.finishedSteps(lease.operationId);
    let unwritten: readonly string[] = [];
    for (const step of steps) {
      if (finished.has(step.name)) continue;
      const done = [...unwritten, step.name];
      try {
        await around(step.name, () => step.run(context, done));
        if (!step.written) await journal.recordDone(lease, done);
      } catch (error) {
        // A journal that cannot be written must not hide the reason.
        await failed(step.name, error, unwritten).catch(() => {});
        throw error;
      }
      unwritten = step.written === "later" ? done : [];
    }
  } finally {
    clearInterval(renewal);
  }
}

/**
 * The placement as it is now, under a lease that holds. `conflict` (`operation_overtaken`) when it does not, or somebody
 * else has decided otherwise.
 */
export async function requireState(
  registry: Registry,
  { tenantId, tag, lease }: Attempt,
  state: Placement["state"],
): Promise<Placement> {
  const placement = await registry.readUnder(lease);
  if (!placement) throw overtaken(lease);
  if (placement.tag === tag && placement.state === state) return placement;
  throw new PlatformError("conflict", "operation_overtaken", `The tenant ${tenantId} is no longer ${state}`);
}
