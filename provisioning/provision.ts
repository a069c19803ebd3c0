import type { Database } from "../src/db/database.ts";
import { PlatformError } from "../src/domain/errors.ts";
import type { TenantState } from "../src/domain/tenants.ts";
import type { Step } from "./operation.ts";
import { openOwned, openPlaced, type Providers, providerOf, writeOwner } from "./ownership.ts";
import type { Placement } from "./placements.ts";
import type { Registry } from "./registry.ts";
import type { Template } from "./template.ts";

/** The tenant being made, and its database, open. */
interface NewTenant {
  readonly placement: Placement;
  readonly database: Database;
}

/** What a new tenant needs that lies above this layer. Each may run again after a crash. */
export interface ProvisionSteps {
  /** Gives the tenant its own signing key. */
  readonly signingKey: (tenant: NewTenant) => Promise<void>;
  /** Gives it what every tenant starts with. */
  readonly seedDefaults: (tenant: NewTenant) => Promise<void>;
  /** Reads back what the steps before have written; throws when something is missing. */
  readonly verify?: (tenant: NewTenant) => Promise<void>;
}

/** One attempt to make one incarnation of a tenant. */
export interface Provisioning {
  readonly tenantId: string;
  readonly tag: string;
  /** The tenant's database, opened at the first call and closed when the attempt ends. */
  readonly database: (placement: Placement) => Promise<Database>;
}

interface Needs {
  readonly registry: Registry;
  readonly providers: Providers;
  readonly template: Template;
  readonly steps: ProvisionSteps;
}

/** Stored with the operation, so it is never renamed. */
export const CLAIM = "claim";

/** Where a tenant can be once it has been ready. */
const ACTIVATED: readonly TenantState[] = ["ready", "suspended", "read_only"];

/** The steps that make a tenant. Their names are stored, so they are never renamed. */
export function provisionSteps({ registry, providers, template, steps }: Needs): readonly Step<Provisioning>[] {
  const step = (name: string, run: (placement: Placement, context: Provisioning) => Promise<unknown>) => ({
    name,
    async run(context: Provisioning) {
      await run(await requireProvisioning(registry, context), context);
    },
  });
  const withDatabase =
    (run: (tenant: NewTenant) => Promise<unknown>) => async (placement: Placement, context: Provisioning) =>
      run({ placement, database: await context.database(placement) });

  return [
    // It happened in the batch that began the operation.
    { name: CLAIM, run: () => Promise.resolve() },

    step("create-database", async (placement) => {
      const provider = providerOf(providers, placement);
      const location = await provider.ensure(placement.database, { from: await template.at(provider) });
      await registry.recordDatabase(placement, location, template.schemaVersion);
    }),

    // A copy that was made by older code, or of nothing, is brought up to date: never "ready" over an empty database.
    step(
      "verify-schema",
      withDatabase(({ database }) => template.migrate(database)),
    ),
    step(
      "write-identity",
      withDatabase(({ database, placement }) => writeOwner(database, placement)),
    ),
    step("signing-key", withDatabase(steps.signingKey)),
    step("seed-defaults", withDatabase(steps.seedDefaults)),

    // Opened anew, as the pool will open it, because what was never written to disk must not count.
    step("verify", async (placement) => {
      const database = await openOwned(providers, placement);
      try {
        await steps.verify?.({ placement, database });
      } finally {
        await database.close();
      }
    }),

    // Last on purpose: until here no request can reach a half-made tenant.
    {
      name: "activate",
      async run(context) {
        const placement = await registry.read(context.tenantId);
        // Done already, by an attempt that could not write it down any more.
        if (placement?.tag === context.tag && ACTIVATED.includes(placement.state)) return;
        await registry.transition(await requireProvisioning(registry, context), "ready");
      },
    },
  ];
}

/** The placement as it is now. `conflict` (`operation_overtaken`) when another operation has taken the tenant over. */
async function requireProvisioning(registry: Registry, { tenantId, tag }: Provisioning): Promise<Placement> {
  const placement = await registry.read(tenantId);
  if (placement?.tag === tag && placement.state === "provisioning") return placement;
  throw new PlatformError("conflict", "operation_overtaken", `The tenant ${tenantId} is no longer being made`);
}

/** Opens a tenant's database at most once, and closes it at the end. */
export function createWorkbench(providers: Providers) {
  let opening: Promise<Database> | undefined;
  return {
    // Not yet checked for its owner: until write-identity it has none, and that step checks.
    database(placement: Placement): Promise<Database> {
      opening ??= openPlaced(providers, placement);
      return opening;
    },

    async close(): Promise<void> {
      const database = await opening?.catch(() => undefined);
      await database?.close();
    },
  };
}
