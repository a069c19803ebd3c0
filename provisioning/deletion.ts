import type { Statement } from "../src/db/database.ts";
import { PlatformError } from "../src/domain/errors.ts";
import type { Journal } from "./journal.ts";
import { type Attempt, requireState, type Step } from "./operation.ts";
import { type Providers, providerOf } from "./ownership.ts";
import type { Placement } from "./placements.ts";
import type { Registry } from "./registry.ts";
import { openRotating } from "./rotation.ts";

/** A request that holds a database longer than this has hung; the deletion is resumed later. */
const FENCE_MS = 10_000;

/** How often a fence looks whether another process is still at it, in milliseconds. */
const FENCE_POLL_MS = 50;

const DAY_MS = 86_400_000;

/** What deletions need besides the registry. */
export interface DeletionNeeds {
  readonly registry: Registry;
  readonly journal: Pick<Journal, "ending" | "fenced" | "isOvertaking">;
  readonly providers: Providers;
  /** Settles when nobody in this process uses the tenant's database or is at an earlier operation of it any more. */
  readonly quiesce: (attempt: Attempt) => Promise<unknown>;
  /** Runs with the removal of the placement or not at all: keys, the tenant's own row. */
  readonly purgeStatements: (placement: Placement) => readonly Statement[];
  /** How long the fence may take, in milliseconds. */
  readonly fenceMs?: number;
  /** How long a deleted tenant can be brought back. */
  readonly undeleteDays: number;
  readonly clock: () => Date;
}

/** Stored with the operation, so never renamed. */
export const MARK_DELETING = "mark-deleting";
/** Stored with the operation, so never renamed. */
export const MARK_UNDELETING = "mark-undeleting";

/** The steps that put a tenant away for the undelete window. Their names are stored, so never renamed. */
export function deletionSteps(needs: DeletionNeeds): readonly Step<Attempt>[] {
  const { registry, journal, providers, undeleteDays, clock } = needs;
  return [
    // It happened in the batch that began the operation: from there on requests are refused.
    { name: MARK_DELETING, run: () => Promise.resolve() },
    fence(needs),
    {
      name: "retain",
      async run(attempt) {
        const placement = await requireState(registry, attempt, "deleting");
        await providerOf(providers, placement).retain(placement.database);
      },
    },
    {
      name: "tombstone",
      ends: true,
      async run(attempt) {
        const placement = await requireState(registry, attempt, "deleting");
        const purgeAt = new Date(clock().getTime() + undeleteDays * DAY_MS);
        await registry.tombstone(placement, purgeAt, journal.ending(attempt.lease, "tombstone"));
      },
    },
  ];
}

/** The steps that bring a deleted tenant back. Their names are stored, so never renamed. */
export function undeletionSteps(needs: DeletionNeeds): readonly Step<Attempt>[] {
  const { registry, journal, providers } = needs;
  return [
    // It happened in the batch that began the operation: from there on it cannot be purged.
    { name: MARK_UNDELETING, run: () => Promise.resolve() },
    {
      name: "release",
      async run(attempt) {
        const placement = await requireState(registry, attempt, "provisioning");
        await providerOf(providers, placement).release(placement.database);
      },
    },
    {
      name: "verify",
      async run(attempt) {
        const placement = await requireState(registry, attempt, "provisioning");
        const database = await openRotating(needs, attempt, placement);
        await database.close();
      },
    },
    {
      name: "activate",
      ends: true,
      async run(attempt) {
        const placement = await requireState(registry, attempt, "provisioning");
        const ending = journal.ending(attempt.lease, "activate");
        await registry.transition(placement, placement.restoreState ?? "ready", ending);
      },
    },
  ];
}

/** The steps that remove a tenant for ever. Their names are stored, so never renamed. */
export function purgeSteps(needs: DeletionNeeds): readonly Step<Attempt>[] {
  const { registry, journal, providers, purgeStatements } = needs;
  return [
    // It happened in the batch that began the operation: from there on it cannot be brought back.
    { name: MARK_DELETING, run: () => Promise.resolve() },
    fence(needs),
    {
      name: "destroy-database",
      async run(attempt) {
        const placement = await requireState(registry, attempt, "deleting");
        await providerOf(providers, placement).destroy(placement.database);
      },
    },
    {
      name: "remove-records",
      ends: true,
      async run(attempt) {
        const placement = await requireState(registry, attempt, "deleting");
        const ending = journal.ending(attempt.lease, "remove-records");
        await registry.remove(placement, [...purgeStatements(placement), ...ending]);
      },
    },
  ];
}

/**
 * Waits until nobody uses the database: the calls under way here, and operations that this one has overtaken, in
 * other processes too. Other processes that serve tenants will be asked here as well, once there may be any.
 */
function fence({ journal, quiesce, fenceMs = FENCE_MS }: DeletionNeeds): Step<Attempt> {
  const overtaken = async ({ tenantId, lease }: Attempt) => {
    for (let waitedMs = 0; waitedMs < fenceMs; waitedMs += FENCE_POLL_MS) {
      if (!(await journal.isOvertaking(lease, tenantId))) return;
      await new Promise((resolve) => setTimeout(resolve, FENCE_POLL_MS));
    }
    throw inUse();
  };
  return {
    name: "fence",
    run: async (attempt) => {
      await within(fenceMs, quiesce(attempt));
      await overtaken(attempt);
    },
  };
}

/** Throws `unavailable` (`database_in_use`) when it takes longer. */
async function within(limitMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(inUse()), limitMs);
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

const inUse = () => new PlatformError("unavailable", "database_in_use", "The database is still in use");
