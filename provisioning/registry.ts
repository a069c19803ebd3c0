import { randomUUID } from "node:crypto";
import { Kysely, type Selectable, sql, type Updateable } from "kysely";
import type { Database, Statement } from "../src/db/database.ts";
import type { KeyRing } from "../src/db/seal.ts";
import type { Clock } from "../src/domain/clock.ts";
import { PlatformError } from "../src/domain/errors.ts";
import { databaseNameOf, newTag, type Tag } from "../src/domain/names.ts";
import { SERVED, type TenantState, TRANSITIONS } from "../src/domain/tenants.ts";
import { createDirectories, removeFromDirectories } from "./directories.ts";
import { isFencedOff } from "./operation-rows.ts";
import { isOrganizationTaken, organizationExists } from "./organization.ts";
import type { Outage } from "./outage.ts";
import { createOutboxMarks } from "./outbox-marks.ts";
import { createPlacementReads } from "./placement-reads.ts";
import { type Placement, toLocationColumns, toPlacement } from "./placements.ts";
import type { Location, Place } from "./providers/provider.ts";
import { createReadCache } from "./read-cache.ts";
import { hitTag, illegalTransition, isUniqueViolation, overtaken } from "./registry-refusals.ts";
import { recordSynced } from "./synced-versions.ts";
import type { PlacementRow, RegistryTables } from "./tables.ts";

/** Two of 2^50 tags meet once in a lifetime; three times in a row means that the generator is broken. */
const TAG_ATTEMPTS = 3;

export interface RegistryOptions {
  /** The control plane's, with the `control-plane` migrations. */
  readonly database: Database;
  /** Seals the credentials of databases. */
  readonly keyRing: KeyRing;
  readonly clock: Clock;
  readonly newTag?: () => Tag;
  /** What `get` goes by while the database is away; without one it fails then. */
  readonly outage?: Outage;
  /** Called when something of a placement may have been written; the writer waits for it. Must not fail. */
  readonly changed?: (() => Promise<void>) | undefined;
}

export interface Claim {
  readonly tenantId: string;
  /** Where its database is to be. */
  readonly provider: string;
  /** Where at the provider, where there is something to choose. */
  readonly place?: Place | undefined;
  /** Runs with the claim or not at all: the tenant's own row, the operation. */
  readonly alongside?: (placement: Placement) => readonly Statement[];
  /** Whether its making begins with the claim: then it is `provisioning` from the first moment. */
  readonly begins?: boolean;
}

/**
 * Which tenant's database is where: the placements in the control plane's database, and the directories.
 *
 * `get` is for every request and may be a second behind other processes; this process's own changes show at once.
 */
export function createRegistry({ database, keyRing, clock, ...options }: RegistryOptions) {
  const db = new Kysely<RegistryTables>({ dialect: database.dialect });
  const context: Context = { database, db, keyRing, clock, newTag: options.newTag ?? newTag };
  const reads = createPlacementReads(db, keyRing, clock);
  const { read } = reads;
  const cache = createReadCache(read, clock, options.outage);

  /** Whatever became of the write, nobody is answered from before it. */
  const forgotten = (tenantId: string) => {
    cache.forget(tenantId);
    return options.changed?.();
  };
  const forgetting = <T>(id: string, write: Promise<T>): Promise<T> => write.finally(() => forgotten(id));

  return {
    directories: createDirectories(db, clock),
    outboxMarks: createOutboxMarks(db, clock),

    /** The placement of a tenant, null when there is none. */
    get: (tenantId: string): Promise<Placement | null> => cache.get(tenantId),
    /** What `get` would answer without asking anybody; undefined when it would have to. */
    atHand: (tenantId: string): Placement | null | undefined => cache.atHand(tenantId),

    ...reads,

    /** Waits for somebody else's write about a tenant; whatever became of it, nobody is answered from before it. */
    writing: forgetting,

    /** Another process has changed the tenant: whoever asks from now on is answered from after it. */
    forget: (tenantId: string): void => cache.forget(tenantId),

    /**
     * Takes an id for a new tenant, `pending` or `provisioning`. `conflict`: `tenant_exists` when it is taken,
     * `organization_exists` when `alongside` found an organization of that name. Then nothing has changed.
     */
    claim: (claim: Claim): Promise<Placement> => forgetting(claim.tenantId, claimPlacement(context, claim)),

    /**
     * Moves a placement from the state it was read in, with whatever `alongside` says, and raises its epoch.
     * `conflict` (`illegal_transition`) when the table of states forbids it or somebody else was faster, and
     * (`operation_overtaken`) when a lease among `alongside` is lost.
     */
    transition: (placement: Placement, to: TenantState, alongside?: readonly Statement[]): Promise<Placement> =>
      forgetting(placement.tenantId, transition(context, placement, to, alongside)),

    /** `deleted` until it is purged at `purgeAt`, like a transition. */
    tombstone: (placement: Placement, purgeAt: Date, alongside?: readonly Statement[]): Promise<Placement> =>
      forgetting(placement.tenantId, transition(context, placement, "deleted", alongside, purgeAt)),

    ...createRecords(context, forgetting),

    /** Runs statements if the placement is still in the state it was read in; otherwise `conflict`, as `transition`. */
    ifUnchanged: async (placement: Placement, statements: readonly Statement[]): Promise<void> => {
      await guarded(context, placement, statements);
    },

    /** Lets other processes know that something cached about the tenant has changed. */
    raiseEpoch: (tenantId: string): Promise<void> => forgetting(tenantId, raiseEpoch(context, tenantId)),

    /**
     * Removes the placement of a tenant that is being deleted, its directory rows and whatever `alongside` says,
     * in one batch. Its tag is never given out again. `conflict` when the placement has changed.
     */
    remove: (placement: Placement, alongside?: readonly Statement[]): Promise<void> =>
      forgetting(placement.tenantId, removePlacement(context, placement, alongside)),
  };
}

export type Registry = ReturnType<typeof createRegistry>;

/** What is noted about a tenant and its database. */
function createRecords(context: Context, forgetting: <T>(tenantId: string, write: Promise<T>) => Promise<T>) {
  const { keyRing, db } = context;
  return {
    /**
     * Notes up to which version of what is shared tenants have come, and raises the epochs of those that have changed:
     * a hint only, their own databases have the word.
     */
    recordSynced: async (version: number, tenantIds: readonly string[], changed: readonly string[]): Promise<void> => {
      const write = recordSynced(db, version, tenantIds, changed);
      await Promise.all(tenantIds.map((tenantId) => forgetting(tenantId, write)));
    },

    /** Notes where the database is and which schema it has. `conflict` when the placement has changed. */
    recordDatabase: (
      placement: Placement,
      location: Location,
      schemaVersion: string,
      alongside?: readonly Statement[],
    ): Promise<Placement> => {
      const columns = { ...toLocationColumns(keyRing, placement, location), schema_version: schemaVersion };
      return forgetting(placement.tenantId, change(context, placement, columns, alongside));
    },

    /** Notes how the database is reached from now on, and nothing else, like `recordDatabase`. */
    recordLocation: (
      placement: Placement,
      location: Location,
      alongside?: readonly Statement[],
    ): Promise<Placement> => {
      const columns = toLocationColumns(keyRing, placement, location);
      return forgetting(placement.tenantId, change(context, placement, columns, alongside));
    },

    /** Notes which organization of the control plane stands for the tenant, like `recordDatabase`. */
    recordOrganization: (
      placement: Placement,
      organizationId: string,
      alongside?: readonly Statement[],
    ): Promise<Placement> =>
      forgetting(placement.tenantId, change(context, placement, { organization_id: organizationId }, alongside)),

    /** Notes which schema the database has, and nothing else, like `recordDatabase`. */
    recordSchema: (placement: Placement, schemaVersion: string): Promise<Placement> =>
      forgetting(placement.tenantId, change(context, placement, { schema_version: schemaVersion })),
  };
}

interface Context {
  readonly database: Database;
  readonly db: Kysely<RegistryTables>;
  readonly keyRing: KeyRing;
  readonly clock: Clock;
  readonly newTag: () => Tag;
}

async function claimPlacement(context: Context, claim: Claim): Promise<Placement> {
  for (let attempt = 1; ; attempt += 1) {
    const row = newRow(context, claim);
    try {
      await context.database.batch(claimStatements(context, row, claim));
      return toPlacement(context.keyRing, row);
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      if (hitTag(error) && attempt < TAG_ATTEMPTS) continue;
      if (isOrganizationTaken(error)) throw organizationExists(claim.tenantId, error);
      const message = `The tenant ${claim.tenantId} exists already`;
      throw new PlatformError("conflict", "tenant_exists", message, { cause: error });
    }
  }
}

function newRow(context: Context, { tenantId, provider, place, begins = false }: Claim): Selectable<PlacementRow> {
  const now = context.clock().toISOString();
  const tag = context.newTag();
  const generation = 1;
  return {
    tenant_id: tenantId,
    state: begins ? "provisioning" : "pending",
    tag,
    generation,
    provider,
    database: databaseNameOf(tag, generation),
    locator: null,
    secret: null,
    nonce: randomUUID(),
    schema_version: null,
    epoch: 1,
    organization_id: null,
    incarnation_at: now,
    outbox_pending_since: null,
    synced_version: 0,
    restore_state: null,
    purge_at: null,
    last_backup: null,
    place_group: place?.group ?? null,
    place_region: place?.region ?? null,
    domains: "[]",
    created_at: now,
    updated_at: now,
  };
}

function claimStatements({ db, keyRing }: Context, row: Selectable<PlacementRow>, claim: Claim): readonly Statement[] {
  const { tag, tenant_id, created_at } = row;
  return [
    // The placement first: when the id is taken, that is what the caller must hear.
    db.insertInto("rh_placements").values(row).compile(),
    db.insertInto("rh_retired_tags").values({ tag, tenant_id, claimed_at: created_at }).compile(),
    ...(claim.alongside?.(toPlacement(keyRing, row)) ?? []),
  ];
}

async function transition(
  context: Context,
  placement: Placement,
  to: TenantState,
  alongside?: readonly Statement[],
  purgeAt?: Date,
): Promise<Placement> {
  if (!TRANSITIONS[placement.state].includes(to)) throw illegalTransition(placement, to);
  const purge_at = purgeAt?.toISOString() ?? null;
  const restore_state = restoreStateAfter(placement, to);
  return await change(context, placement, { state: to, restore_state, purge_at }, alongside);
}

/** Deleting remembers where the tenant was, and being served again forgets it. */
function restoreStateAfter({ state, restoreState }: Placement, to: TenantState): TenantState | null {
  if (SERVED.includes(to)) return null;
  return SERVED.includes(state) ? state : restoreState;
}

/** Changes a placement that is still as it was read, raises its epoch, and returns it as it is now. */
async function change(
  context: Context,
  placement: Placement,
  values: Updateable<PlacementRow>,
  alongside: readonly Statement[] = [],
): Promise<Placement> {
  const update = context.db
    .updateTable("rh_placements")
    .set((row) => ({ ...values, epoch: row("epoch", "+", 1), updated_at: context.clock().toISOString() }))
    .where("tenant_id", "=", placement.tenantId)
    .returningAll()
    .compile();
  const [changed] = await guarded(context, placement, [update, ...alongside]);
  // The columns are the table's; a batch cannot know the type of its rows.
  const row = changed?.rows[0] as Selectable<PlacementRow> | undefined;
  if (!row) throw illegalTransition(placement, values.state);
  return toPlacement(context.keyRing, row);
}

async function raiseEpoch({ db }: Context, tenantId: string): Promise<void> {
  await db
    .updateTable("rh_placements")
    .set((row) => ({ epoch: row("epoch", "+", 1) }))
    .where("tenant_id", "=", tenantId)
    .execute();
}

async function removePlacement(context: Context, placement: Placement, alongside: readonly Statement[] = []) {
  if (placement.state !== "deleting" && placement.state !== "deleted") throw illegalTransition(placement);
  const { db } = context;
  const { tenantId, tag } = placement;
  await guarded(context, placement, [
    ...alongside,
    ...removeFromDirectories(db, tenantId),
    forgetAnswers(db, tenantId),
    db.deleteFrom("rh_placements").where("tenant_id", "=", tenantId).compile(),
    db
      .updateTable("rh_retired_tags")
      .set({ retired_at: context.clock().toISOString() })
      .where("tag", "=", tag)
      .compile(),
  ]);
}

/** The keys stay for their day, so that a late repetition does not make the tenant anew; what they hold of it goes. */
function forgetAnswers(db: Kysely<RegistryTables>, tenantId: string): Statement {
  const operations = db.selectFrom("rh_operations").select("id").where("tenant_id", "=", tenantId);
  return db.updateTable("rh_idempotency_keys").set({ answer: null }).where("operation_id", "in", operations).compile();
}

/** Runs the statements if the placement is still in the state it was read in, and refuses all of them otherwise. */
async function guarded(context: Context, placement: Placement, statements: readonly Statement[]) {
  try {
    const [, ...results] = await context.database.batch([unchanged(context, placement), ...statements]);
    return results;
  } catch (error) {
    if (isUniqueViolation(error) && hitTag(error)) throw illegalTransition(placement, undefined, error);
    if (isFencedOff(error)) throw overtaken(placement, error);
    throw error;
  }
}

/**
 * A batch has no IF. Every tag in use stands in `rh_retired_tags` already, so inserting it again, which this does
 * when the placement has changed, is a unique violation and stops the whole batch.
 */
function unchanged({ db }: Context, { tenantId, tag, generation, state }: Placement): Statement {
  return sql`insert into rh_retired_tags (tag, tenant_id, claimed_at)
    select ${tag}, ${tenantId}, '' where not exists (
      select 1 from rh_placements
      where tenant_id = ${tenantId} and tag = ${tag} and generation = ${generation} and state = ${state}
    )`.compile(db);
}
