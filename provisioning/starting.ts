import { PlatformError } from "../src/domain/errors.ts";
import { timeId } from "../src/domain/ids.ts";
import { type AttemptNeeds, createAttempts, type Leased } from "./attempts.ts";
import { MARK_DELETING, MARK_UNDELETING } from "./deletion.ts";
import type { Operation } from "./operation-rows.ts";
import type { Placement } from "./placements.ts";
import type { Pool } from "./pool.ts";
import { CLAIM } from "./provision.ts";
import { MARK_ROTATING } from "./rotation.ts";
import { createRuns } from "./runs.ts";

export interface StarterOptions extends Omit<AttemptNeeds, "quiesce"> {
  readonly pool: Pick<Pool<unknown>, "evict">;
}

/** Who asks for something, for the journal. */
export interface Asked {
  readonly initiator: string;
}

/** An operation that has begun: from here on it ends, whoever goes away. */
export interface Started {
  readonly operationId: string;
  /** Settles with the first attempt; what it throws has been written down and is tried again. */
  readonly ended: Promise<void>;
}

/** What operations on a placement do to it, and under which name, in the batch that begins them. */
const BEGINNINGS = {
  delete: { to: "deleting", step: MARK_DELETING },
  purge: { to: "deleting", step: MARK_DELETING },
  undelete: { to: "provisioning", step: MARK_UNDELETING },
} as const;

/** What begins beside a placement that stays as it is, and the step that is done with that. */
const BESIDE = {
  "rotate-credentials": MARK_ROTATING,
  provision: CLAIM,
  adopt: CLAIM,
  undelete: MARK_UNDELETING,
} as const;

/** Begins operations, and goes on with what is unfinished. */
export function createStarter(options: StarterOptions) {
  const { registry, journal, pool, clock } = options;
  const runs = createRuns();
  const attempt = createAttempts({
    ...options,
    // What is overtaken stops at its next step, and until then it may still be writing.
    quiesce: ({ lease, tenantId }) => Promise.all([runs.earlier(lease.operationId, tenantId), pool.evict(tenantId)]),
  });

  const start = (leased: Leased): Started => {
    const { operationId } = leased.lease;
    return { operationId, ended: runs.run(operationId, leased.tenantId, () => attempt(leased)) };
  };

  /** Goes on with an unfinished operation, or joins it where it runs; null when another process is at it. */
  const takeUp = async (operation: Operation, afresh: boolean): Promise<Started | null> => {
    const ended = runs.find(operation.id);
    if (ended) return { operationId: operation.id, ended };
    const lease = await journal.acquire(operation, { afresh });
    return lease && start({ ...operation, lease });
  };

  return {
    start,
    takeUp,

    /** Moves a placement and begins what has to follow, in one batch. */
    async begin(placement: Placement, kind: keyof typeof BEGINNINGS, { initiator }: Asked): Promise<Started> {
      const { tenantId, tag } = placement;
      const { to, step } = BEGINNINGS[kind];
      const { lease, statements } = journal.begin({ id: timeId(clock()), tenantId, tag, kind, initiator }, step);
      await registry.transition(placement, to, statements);
      return start({ tenantId, tag, kind, initiator, lease });
    },

    /** Begins what leaves the placement as it is, if nobody has changed it meanwhile. */
    async beginBeside(placement: Placement, kind: keyof typeof BESIDE, { initiator }: Asked): Promise<Started> {
      const { tenantId, tag } = placement;
      const operation = { id: timeId(clock()), tenantId, tag, kind, initiator };
      const { lease, statements } = journal.begin(operation, BESIDE[kind]);
      await registry.ifUnchanged(placement, statements);
      return start({ tenantId, tag, kind, initiator, lease });
    },

    /** See `resume` of the lifecycle. */
    async resume(tenantId: string, kind?: Operation["kind"]): Promise<Started | null> {
      const operation = await journal.findUnfinished(tenantId);
      if (!operation || (kind && operation.kind !== kind)) return null;
      const started = await takeUp(operation, true);
      if (started) return started;
      throw new PlatformError("unavailable", "operation_running", "Another process is running this operation");
    },

    idle: runs.idle,
  };
}

export type Starter = ReturnType<typeof createStarter>;
