import type { Statement } from "../src/db/database.ts";
import { PlatformError } from "../src/domain/errors.ts";
import type { Journal } from "./journal.ts";
import { type Attempt, requireState, type Step } from "./operation.ts";
import { type Providers, providerOf } from "./ownership.ts";
import type { Placement } from "./placements.ts";
import { describeProcess } from "./process.ts";
import type { Processes } from "./processes.ts";
import type { Registry } from "./registry.ts";
import { openRotating } from "./rotation.ts";

/** A request that holds a database longer than this has hung; the deletion is resumed later. */
const FENCE_MS = 10_000;

/** How often a fence looks whether another process is still at it, in milliseconds. */
const FENCE_POLL_MS = 100;

/** What an operation meets that other processes keep waiting. It is no failure: their lease ends, or they do. */
const SERVED_ELSEWHERE = "served_elsewhere";

const DAY_MS = 86_400_000;

/** What deletions need besides the registry. */
export interface DeletionNeeds {
  readonly registry: Registry;
  readonly journal: Pick<Journal, "ending" | "fenced" | "isOvertaking">;
  readonly processes: Pick<Processes, "behind">;
  readonly providers: Providers;
  /** Settles when nobody in this process uses the tenant's database or is at an earlier operation of it any more. */
  readonly quiesce: (attempt: Attempt) => Promise<unknown>;
  /** Runs with the removal of the placement or not at all: keys, the tenant's own row. */
  readonly purgeStatements: (placement: Placement) => readonly Statement[];
  /** Tells whoever wants to know that a tenant is gone, and once more when it is purged after it was brought back. */
  readonly deleted?: (placement: Placement) => Promise<void>;
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
    ...announcement(needs),
    {
      name: "tombstone",
      written: "inside",
      async run(attempt, done) {
        const placement = await requireState(registry, attempt, "deleting");
        const purgeAt = new Date(clock().getTime() + undeleteDays * DAY_MS);
        await registry.tombstone(placement, purgeAt, journal.ending(attempt.lease, done));
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
      written: "inside",
      async run(attempt, done) {
        const placement = await requireState(registry, attempt, "provisioning");
        const ending = journal.ending(attempt.lease, done);
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
    ...announcement(needs),
    {
      name: "remove-records",
      written: "inside",
      async run(attempt, done) {
        const placement = await requireState(registry, attempt, "deleting");
        const ending = journal.ending(attempt.lease, done);
        await registry.remove(placement, [...purgeStatements(placement), ...ending]);
      },
    },
  ];
}

/** As a step, so that a hook that fails is called again. */
function announcement({ registry, deleted }: DeletionNeeds): readonly Step<Attempt>[] {
  if (!deleted) return [];
  const run = async (attempt: Attempt) => deleted(await requireState(registry, attempt, "deleting"));
  return [{ name: "deleted-hooks", run }];
}

/** Whether an operation waits for other processes, and may do so for longer than it may fail. */
export const isWaiting = (error: unknown): boolean =>
  error instanceof PlatformError && error.reason === SERVED_ELSEWHERE;

/**
 * Waits until nobody uses the database: the calls under way here, operations that this one has overtaken, and every
 * other process that serves tenants. Where retaining or destroying itself ends all access, as on a server, processes
 * need not be waited for: that is the next step.
 */
function fence(needs: DeletionNeeds): Step<Attempt> {
  const { registry, journal, processes, providers, quiesce, fenceMs = FENCE_MS } = needs;
  return {
    name: "fence",
    run: async (attempt) => {
      const { tenantId, lease } = attempt;
      await within(fenceMs, quiesce(attempt));
      await eventually(fenceMs, async () => ((await journal.isOvertaking(lease, tenantId)) ? inUse() : null));
      const placement = await requireState(registry, attempt, "deleting");
      if (providerOf(providers, placement).supports.retainBlocks) return;
      await eventually(fenceMs, async () => {
        const behind = await processes.behind(tenantId);
        return behind.length > 0 ? servedElsewhere(behind) : null;
      });
    },
  };
}

/** Asks until nothing is in the way any more, and throws what still is when the time is over. */
async function eventually(limitMs: number, obstacle: () => Promise<PlatformError | null>): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += FENCE_POLL_MS) {
    const error = await obstacle();
    if (!error) return;
    if (waitedMs >= limitMs) throw error;
    await new Promise((resolve) => setTimeout(resolve, FENCE_POLL_MS));
  }
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

function servedElsewhere(processes: readonly string[]): PlatformError {
  const names = processes.map(describeProcess).join(", ");
  const message = `Another process may still use the database: ${names}`;
  return new PlatformError("unavailable", SERVED_ELSEWHERE, message);
}
