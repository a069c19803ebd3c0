import { PlatformError } from "../src/domain/errors.ts";
import { SERVED } from "../src/domain/tenants.ts";
import type { Journal } from "./journal.ts";
import type { Attempt, Step } from "./operation.ts";
import { openOwned, type Providers, providerOf } from "./ownership.ts";
import type { Placement } from "./placements.ts";
import type { Location } from "./providers/provider.ts";
import type { Registry } from "./registry.ts";

/** Somebody may suspend the tenant, or a migration may be recorded, between reading the placement and writing it. */
const RECORD_TRIES_MAX = 3;

/** Stored with the operation, so never renamed. */
export const MARK_ROTATING = "mark-rotating";

interface Needs {
  readonly registry: Registry;
  readonly journal: Pick<Journal, "ending" | "fenced">;
  readonly providers: Providers;
}

/** The steps that give a database new credentials. Their names are stored, so never renamed. */
export function rotationSteps({ registry, journal, providers }: Needs): readonly Step<Attempt>[] {
  const served = async ({ tenantId, tag }: Attempt): Promise<Placement> => {
    const placement = await registry.read(tenantId);
    if (placement?.tag === tag && SERVED.includes(placement.state)) return placement;
    throw new PlatformError("conflict", "operation_overtaken", `The tenant ${tenantId} is no longer served`);
  };

  return [
    // It happened in the batch that began the operation.
    { name: MARK_ROTATING, run: () => Promise.resolve() },

    // One step, because only the registry may hold the new secret: a crash in between rotates once more.
    {
      name: "rotate",
      async run(attempt) {
        const location = await rotated(providers, await served(attempt));
        for (let tries = 1; ; tries += 1) {
          try {
            await registry.recordLocation(await served(attempt), location, [journal.fenced(attempt.lease)]);
            return;
          } catch (error) {
            const isChanged = error instanceof PlatformError && error.reason === "illegal_transition";
            if (!isChanged || tries === RECORD_TRIES_MAX) throw error;
          }
        }
      },
    },

    // Opened anew, as the pool will open it.
    {
      name: "verify",
      async run(attempt) {
        const database = await openOwned(providers, await served(attempt));
        await database.close();
      },
    },
    {
      name: "finish",
      written: "inside",
      async run(attempt, done) {
        await registry.ifUnchanged(await served(attempt), journal.ending(attempt.lease, done));
      },
    },
  ];
}

/** Whether a placement's database has credentials that can be replaced. */
export function canRotate(providers: Providers, placement: Placement): boolean {
  return placement.location !== null && providerOf(providers, placement).rotateCredentials !== undefined;
}

/**
 * Opens a tenant's database. Where a deletion has cut a rotation short, its credentials are known to nobody: then it
 * gets new ones.
 */
export async function openRotating({ registry, journal, providers }: Needs, attempt: Attempt, placement: Placement) {
  try {
    return await openOwned(providers, placement);
  } catch (error) {
    const isRefused = error instanceof PlatformError && error.reason === "database_refused";
    if (!isRefused || !canRotate(providers, placement)) throw error;
    const location = await rotated(providers, placement);
    const fenced = [journal.fenced(attempt.lease)];
    return await openOwned(providers, await registry.recordLocation(placement, location, fenced));
  }
}

async function rotated(providers: Providers, placement: Placement): Promise<Location> {
  const provider = providerOf(providers, placement);
  if (provider.rotateCredentials) return await provider.rotateCredentials(placement.database);
  throw new PlatformError("conflict", "not_supported", `Databases of ${placement.provider} have no credentials`);
}
