import type { Database, Statement, StatementResult } from "../src/db/database.ts";
import { inRounds } from "../src/db/rounds.ts";
import { PlatformError } from "../src/domain/errors.ts";
import type { Placement } from "./placements.ts";
import type { AskLocation, DatabaseProvider, Location } from "./providers/provider.ts";

/** The table holds one row at most. */
const READ_OWNER: Statement = { sql: "select * from database_identity", parameters: [] };

const WRITE_OWNER = `insert into database_identity (singleton, tenant_id, tag, generation, nonce)
  values (1, ?, ?, ?, ?) on conflict do nothing`;

/** The providers of a deployment by name. */
export type Providers = Readonly<Record<string, DatabaseProvider>>;

/** The provider a placement names. `unavailable` (`provider_unknown`) when this deployment does not have it. */
export function providerOf(
  providers: Providers,
  { tenantId, provider }: Pick<Placement, "tenantId" | "provider">,
): DatabaseProvider {
  const found = Object.hasOwn(providers, provider) ? providers[provider] : undefined;
  if (found) return found;
  throw new PlatformError("unavailable", "provider_unknown", `No provider ${provider} for the tenant ${tenantId}`);
}

/**
 * Opens the database of a placement, whoever's it is; the caller closes it. `unavailable` with `database_missing`
 * or the provider's reason: that a database is not there is our trouble, not an answer about the tenant.
 */
export async function openPlaced(providers: Providers, placement: Placement, current?: AskLocation): Promise<Database> {
  const provider = providerOf(providers, placement);
  try {
    return await provider.open(placement.database, locationOf(placement), current);
  } catch (error) {
    throw isAbsent(error) ? missing(placement, error) : error;
  }
}

/** The same, but only if it says that it is this placement's: otherwise `unavailable` (`database_mismatch`). */
export async function openOwned(providers: Providers, placement: Placement): Promise<Database> {
  const { database } = await openOwnedAsking(providers, placement, () => Promise.resolve());
  return database;
}

/**
 * The same, and what was read of it on the way; undefined when that failed. What reads it is asked together with whose
 * it is, and must not write: nobody hears of it when the database is somebody else's. `current`: see `DatabaseProvider.open`.
 */
export async function openOwnedAsking<T>(
  providers: Providers,
  placement: Placement,
  ask: (database: Database) => Promise<T>,
  current?: AskLocation,
): Promise<{ readonly database: Database; readonly answer: T | undefined }> {
  const provider = providerOf(providers, placement);
  // Whose it is shows as well whether it is there.
  const connected = provider.connect?.(placement.database, locationOf(placement), current);
  const database = connected ?? (await openPlaced(providers, placement, current));
  const together = inRounds(database);
  try {
    const asked = ask(together).catch(() => undefined);
    await requireOwner(together, placement);
    return { database, answer: await asked };
  } catch (error) {
    await database.close();
    throw isAbsent(error) ? missing(placement, error) : error;
  }
}

function locationOf(placement: Placement): Location {
  if (placement.location) return placement.location;
  throw missing(placement);
}

/** Retained is absent to everybody who would use it. */
function isAbsent(error: unknown): boolean {
  if (!(error instanceof PlatformError)) return false;
  return error.code === "not_found" || error.reason === "database_missing" || error.reason === "database_blocked";
}

function missing({ tenantId }: Placement, cause?: unknown): PlatformError {
  const message = `The database of the tenant ${tenantId} is missing`;
  return new PlatformError("unavailable", "database_missing", message, { cause });
}

/** Says whose the database is, once and for all. One that is somebody else's is `unavailable` (`database_mismatch`). */
export async function writeOwner(database: Database, placement: Placement): Promise<void> {
  const { tenantId, tag, generation, nonce } = placement;
  const [, written] = await database.batch([
    { sql: WRITE_OWNER, parameters: [tenantId, tag, generation, nonce] },
    READ_OWNER,
  ]);
  requireSame(identityOf(written), placement);
}

/** Throws `unavailable` (`database_mismatch`) when the database does not say that it is this placement's. */
export async function requireOwner(database: Database, placement: Owner): Promise<void> {
  requireSame(await readOwner(database), placement);
}

function requireSame(owner: Identity | undefined, placement: Owner): void {
  const isOurs =
    owner?.tenant_id === placement.tenantId &&
    owner.tag === placement.tag &&
    owner.generation === placement.generation &&
    owner.nonce === placement.nonce;
  if (!isOurs) throw mismatch(placement);
}

type Owner = Pick<Placement, "tenantId" | "tag" | "generation" | "nonce" | "database">;

/** What a database says of itself; undefined when that is nothing. */
export async function readOwner(database: Database): Promise<Identity | undefined> {
  try {
    const [found] = await database.batch([READ_OWNER]);
    return identityOf(found);
  } catch (error) {
    // A database without the table belongs to nobody we know.
    if (error instanceof PlatformError && error.message.includes("no such table")) return undefined;
    throw error;
  }
}

interface Identity {
  singleton: number;
  tenant_id: string;
  tag: string;
  generation: number;
  nonce: string;
}

/** The columns are the table's; a batch cannot know the type of its rows. */
const identityOf = (found: StatementResult | undefined) => found?.rows[0] as Identity | undefined;

function mismatch({ tenantId, database }: Owner): PlatformError {
  const message = `The database ${database} does not say that it belongs to the tenant ${tenantId}`;
  return new PlatformError("unavailable", "database_mismatch", message);
}
