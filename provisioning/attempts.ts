import type { Statement } from "../src/db/database.ts";
import { type DeletionNeeds, deletionSteps, isWaiting, purgeSteps, undeletionSteps } from "./deletion.ts";
import type { Journal } from "./journal.ts";
import { type Attempt, type Execution, execute } from "./operation.ts";
import type { Operation } from "./operation-rows.ts";
import type { Placement } from "./placements.ts";
import { createWorkbench, type ProvisionSteps, provisionSteps } from "./provision.ts";
import type { Registry } from "./registry.ts";
import { rotationSteps } from "./rotation.ts";
import type { Template } from "./template.ts";

/** One second, two, four … between attempts: a provider that restarts is back by then. */
const BACK_OFF_MS = 1_000;
const BACK_OFF_MS_MAX = 300_000;

/** Whoever waits for another process looks again soon, and does not give up. */
const WAITING_MS_MAX = 15_000;

/** About a quarter of an hour. What still fails then needs a person. */
const ATTEMPTS_MAX = 12;

export interface AttemptNeeds extends Omit<DeletionNeeds, "journal"> {
  readonly registry: Registry;
  readonly journal: Journal;
  readonly template: Template;
  readonly steps: ProvisionSteps;
  /** After so many failed attempts an operation is `failed`, and waits for somebody to resume it. */
  readonly attemptsMax?: number | undefined;
  /** Told of every attempt that is over. */
  readonly ended?: ((kind: Operation["kind"], outcome: "done" | "failed") => void) | undefined;
  /** Runs each step. */
  readonly around?: Execution["around"] | undefined;
  /** Runs each attempt. */
  readonly aroundAttempt?: ((attempt: Leased, run: () => Promise<void>) => Promise<void>) | undefined;
}

/** An operation and the lease under which it is run. */
export interface Leased extends Attempt {
  readonly kind: Operation["kind"];
}

/** Runs an operation from its first unfinished step to its end, or to the first failure, which is thrown. */
export function createAttempts(needs: AttemptNeeds) {
  const { registry, journal, providers, clock, attemptsMax = ATTEMPTS_MAX } = needs;
  const { around = (_step, run) => run(), aroundAttempt = (_attempt, run) => run() } = needs;
  const making = { provision: provisionSteps(needs), adopt: provisionSteps(needs, { adopting: true }) };
  const deletion = deletionSteps(needs);
  const undeletion = undeletionSteps(needs);
  const purge = purgeSteps(needs);
  const rotation = rotationSteps(needs);

  const failed = (attempt: Leased) => async (step: string, error: unknown, done: readonly string[]) => {
    const { attempts } = attempt.lease;
    const waitMs = Math.min(BACK_OFF_MS * 2 ** (attempts - 1), isWaiting(error) ? WAITING_MS_MAX : BACK_OFF_MS_MAX);
    const next = attempts < attemptsMax || isWaiting(error) ? new Date(clock().getTime() + waitMs) : null;
    if (!next && isMaking(attempt)) {
      await moveOn(registry, attempt, "failed", ["pending", "provisioning"], [journal.fenced(attempt.lease)]);
    }
    await journal.recordFailed(attempt.lease, step, error, next, done);
  };

  const run = async (attempt: Leased): Promise<void> => {
    const execution = { journal, around, failed: failed(attempt) };
    switch (attempt.kind) {
      case "provision":
      case "adopt": {
        const steps = making[attempt.kind];
        return await using(createWorkbench(providers), ({ database }) =>
          execute(steps, { ...attempt, database }, execution),
        );
      }
      case "delete":
        return await execute(deletion, attempt, execution);
      case "undelete":
        return await execute(undeletion, attempt, execution);
      case "purge":
        return await execute(purge, attempt, execution);
      case "rotate-credentials":
        return await execute(rotation, attempt, execution);
      case "suspend":
      case "reactivate":
      case "read-only":
      case "repair":
        // Operations of one step are over when they begin.
        return;
    }
  };

  return async (attempt: Leased): Promise<void> => {
    try {
      // Where it has just begun it stands there already.
      if (isMaking(attempt) && !attempt.begunWith) {
        await moveOn(registry, attempt, "provisioning", ["pending", "failed"], [journal.fenced(attempt.lease)]);
      }
      await aroundAttempt(attempt, () => run(attempt));
      needs.ended?.(attempt.kind, "done");
    } catch (error) {
      needs.ended?.(attempt.kind, "failed");
      // What could not be written down still says "running"; without its lease it is resumed all the same.
      await journal.release(attempt.lease).catch(() => {});
      throw error;
    }
  };
}

async function using<T extends { close(): Promise<void> }>(resource: T, work: (resource: T) => Promise<void>) {
  try {
    await work(resource);
  } finally {
    await resource.close();
  }
}

const isMaking = ({ kind }: Leased) => kind === "provision" || kind === "adopt" || kind === "undelete";

/** Moves the placement if it is in one of the states; whoever was faster has decided otherwise. */
async function moveOn(
  registry: Registry,
  { tenantId, tag }: Leased,
  to: "provisioning" | "failed",
  from: readonly Placement["state"][],
  alongside: readonly Statement[],
): Promise<void> {
  const placement = await registry.read(tenantId);
  if (placement?.tag === tag && from.includes(placement.state)) await registry.transition(placement, to, alongside);
}
