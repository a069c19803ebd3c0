import type { Database, Statement } from "../src/db/database.ts";
import { PlatformError } from "../src/domain/errors.ts";
import type { Journal } from "./journal.ts";
import { type Attempt, requireState, type Step } from "./operation.ts";
import { ensureOrganization, type OrganizationOf } from "./organization.ts";
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
  /** Copies what an adopted tenant has had elsewhere; absent where nobody knows from where. */
  readonly adopt?: (tenant: NewTenant) => Promise<void>;
  /** Gives the tenant its own signing key. */
  readonly signingKey: (tenant: NewTenant) => Promise<void>;
  /** Gives it what every tenant starts with. */
  readonly seedDefaults: (tenant: NewTenant) => Promise<void>;
  /** Gives it what the control plane shares. */
  readonly syncEntities?: (tenant: NewTenant) => Promise<void>;
  /** Says how its organization is made, with the members it begins with. */
  readonly organization: OrganizationOf;
  /** Invites whoever is to administer it first; `alongside` runs with what it writes or not at all. */
  readonly invite?: (placement: Placement, alongside: readonly Statement[]) => Promise<void>;
  /** Reads back what the steps before have written; throws when something is missing. */
  readonly verify?: (tenant: NewTenant) => Promise<void>;
  /** Tells whoever wants to know, before the first request gets in. */
  readonly created?: (tenant: NewTenant) => Promise<void>;
}

/** One attempt to make one incarnation of a tenant. */
export interface Provisioning extends Attempt {
  /** The tenant's database, opened at the first call and closed when the attempt ends. */
  readonly database: (placement: Placement) => Promise<Database>;
}

interface Needs {
  readonly registry: Registry;
  readonly journal: Pick<Journal, "doing" | "ending" | "fenced" | "recordDone">;
  readonly providers: Providers;
  readonly template: Template;
  readonly steps: ProvisionSteps;
}

type Run = (placement: Placement, context: Provisioning, done: readonly string[]) => Promise<unknown>;

/** Stored with the operation, so it is never renamed. */
export const CLAIM = "claim";

/** The steps that make a tenant, or adopt one. Their names are stored, so they are never renamed. */
export function provisionSteps(
  { registry, journal, providers, template, steps }: Needs,
  { adopting = false } = {},
): readonly Step<Provisioning>[] {
  const step = (name: string, run: Run, written?: Step<Provisioning>["written"]): Step<Provisioning> => ({
    name,
    ...(written && { written }),
    async run(context, done) {
      await run(await requireState(registry, context, "provisioning"), context, done);
    },
  });
  const withDatabase =
    (run: (tenant: NewTenant) => Promise<unknown>): Run =>
    async (placement, context) =>
      run({ placement, database: await context.database(placement) });

  return [
    // It happened in the batch that began the operation.
    { name: CLAIM, run: () => Promise.resolve() },

    step("create-database", createDatabase, "inside"),

    // A copy that was made by older code, or of nothing, is brought up to date: never "ready" over an empty database.
    step(
      "verify-schema",
      withDatabase(({ database }) => template.migrate(database)),
      "later",
    ),
    step(
      "write-identity",
      withDatabase(({ database, placement }) => writeOwner(database, placement)),
      "later",
    ),
    // Before what every tenant gets, which is only made where it is missing.
    ...(adopting ? [step("adopt", withDatabase(steps.adopt ?? onlyByCommand))] : []),
    step("signing-key", withDatabase(steps.signingKey), "later"),
    step("seed-defaults", withDatabase(steps.seedDefaults), "later"),
    step(
      "sync-entities",
      withDatabase(async (tenant) => steps.syncEntities?.(tenant)),
      "later",
    ),
    step("organization", makeOrganization, "inside"),
    step("verify", verify, "later"),

    // As late as can be: a mail cannot be called back when a later step fails. What it sends it writes down by itself.
    step("invitation", async (placement, { lease }) => steps.invite?.(placement, [journal.fenced(lease)]), "later"),

    ...(steps.created ? [step("created-hooks", withDatabase(steps.created))] : []),

    // Last on purpose: until here no request can reach a half-made tenant.
    step(
      "activate",
      async (placement, { lease }, done) => registry.transition(placement, "ready", journal.ending(lease, done)),
      "inside",
    ),
  ];

  async function createDatabase(placement: Placement, { lease }: Provisioning, done: readonly string[]) {
    const provider = providerOf(providers, placement);
    const { database, place } = placement;
    const from = await template.at(provider, place);
    const location = await provider.ensure(database, { from, ...(place && { at: place }) });
    await registry.recordDatabase(placement, location, template.schemaVersion, journal.doing(lease, done));
  }

  async function makeOrganization(placement: Placement, { lease, initiator }: Provisioning, done: readonly string[]) {
    if (placement.organizationId !== null) return await journal.recordDone(lease, done);
    await ensureOrganization(registry, steps.organization, placement, initiator, journal.doing(lease, done));
  }

  /** Opens it anew, as the pool will open it, because what was never written to disk must not count. */
  async function verify(placement: Placement) {
    const database = await openOwned(providers, placement);
    try {
      await steps.verify?.({ placement, database });
    } finally {
      await database.close();
    }
  }
}

/** A server has no source to copy from, and a tenant without what it had must not be served. */
function onlyByCommand({ placement: { tenantId } }: NewTenant): Promise<never> {
  const message = `${tenantId} is not copied to its end: only rowhouse adopt, from the same database, goes on with it`;
  return Promise.reject(new PlatformError("unavailable", "adoption_unfinished", message));
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
