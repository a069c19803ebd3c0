import type { Statement } from "../src/db/database.ts";
import { PlatformError } from "../src/domain/errors.ts";
import type { Step } from "./operation.ts";
import { type Providers, providerOf } from "./ownership.ts";
import type { Placement } from "./placements.ts";
import type { Registry } from "./registry.ts";

/** A request that holds a database longer than this has hung; the deletion is resumed later. */
const FENCE_MS = 10_000;

/** One attempt to delete one incarnation of a tenant. */
export interface Deletion {
  readonly tenantId: string;
  readonly tag: string;
}

/** What a deletion clears away besides the registry's own rows. */
export interface DeletionNeeds {
  readonly registry: Registry;
  readonly providers: Providers;
  /** Settles when nobody uses the tenant's database any more. */
  readonly quiesce: (tenantId: string) => Promise<unknown>;
  /** Runs with the removal of the placement or not at all: keys, the tenant's own row. */
  readonly purgeStatements: (placement: Placement) => readonly Statement[];
  /** How long `quiesce` may take, in milliseconds. */
  readonly fenceMs?: number;
}

/** Stored with the operation, so it is never renamed. */
export const MARK_DELETING = "mark-deleting";

/** The steps that delete a tenant for ever. Their names are stored, so they are never renamed. */
export function deletionSteps({ registry, providers, quiesce, purgeStatements, fenceMs = FENCE_MS }: DeletionNeeds) {
  const doomed = async ({ tenantId, tag }: Deletion): Promise<Placement | null> => {
    const placement = await registry.read(tenantId);
    return placement?.tag === tag && placement.state === "deleting" ? placement : null;
  };

  const steps: readonly Step<Deletion>[] = [
    // It happened in the batch that began the operation: from there on requests are refused.
    { name: MARK_DELETING, run: () => Promise.resolve() },

    { name: "fence", run: ({ tenantId }) => within(fenceMs, quiesce(tenantId)) },

    {
      name: "destroy-database",
      async run(deletion) {
        const placement = await doomed(deletion);
        if (placement) await providerOf(providers, placement).destroy(placement.database);
      },
    },

    {
      name: "remove-records",
      async run(deletion) {
        const placement = await doomed(deletion);
        // Removed already, by an attempt that could not write it down any more.
        if (placement) await registry.remove(placement, purgeStatements(placement));
      },
    },
  ];
  return steps;
}

/** Throws `unavailable` (`database_in_use`) when it takes longer. */
async function within(limitMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    const error = new PlatformError("unavailable", "database_in_use", "The database is still in use");
    timer = setTimeout(() => reject(error), limitMs);
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
