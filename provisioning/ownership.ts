import { Kysely } from "kysely";
import type { Database } from "../src/db/database.ts";
import { PlatformError } from "../src/domain/errors.ts";
import type { Placement } from "./placements.ts";
import type { DatabaseProvider } from "./providers/provider.ts";

/** The providers of a deployment by name. */
export type Providers = Readonly<Record<string, DatabaseProvider>>;

/** The provider a placement names. `unavailable` (`provider_unknown`) when this deployment does not have it. */
export function providerOf(providers: Providers, { tenantId, provider }: Placement): DatabaseProvider {
  const found = Object.hasOwn(providers, provider) ? providers[provider] : undefined;
  if (found) return found;
  throw new PlatformError("unavailable", "provider_unknown", `No provider ${provider} for the tenant ${tenantId}`);
}

/**
 * Opens the database of a placement, whoever's it is; the caller closes it. `unavailable` with `database_missing`
 * or the provider's reason: that a database is not there is our trouble, not an answer about the tenant.
 */
export async function openPlaced(providers: Providers, placement: Placement): Promise<Database> {
  const { database, location, tenantId } = placement;
  const provider = providerOf(providers, placement);
  try {
    if (!location) throw new PlatformError("not_found", "database_missing", `${database} was not made yet`);
    return await provider.open(database, location);
  } catch (cause) {
    if (!(cause instanceof PlatformError) || cause.code !== "not_found") throw cause;
    const message = `The database of the tenant ${tenantId} is missing`;
    throw new PlatformError("unavailable", "database_missing", message, { cause });
  }
}

/** The same, but only if it says that it is this placement's: otherwise `unavailable` (`database_mismatch`). */
export async function openOwned(providers: Providers, placement: Placement): Promise<Database> {
  const database = await openPlaced(providers, placement);
  try {
    await requireOwner(database, placement);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Says whose the database is, once and for all. One that is somebody else's is `unavailable` (`database_mismatch`). */
export async function writeOwner(database: Database, placement: Placement): Promise<void> {
  const db = identityIn(database);
  const { tenantId: tenant_id, tag, generation, nonce } = placement;
  const insert = db
    .insertInto("database_identity")
    .columns(["singleton", "tenant_id", "tag", "generation", "nonce"])
    .values({ singleton: 1, tenant_id, tag, generation, nonce })
    .onConflict((row) => row.doNothing());
  await database.batch([insert.compile()]);
  await requireOwner(database, placement);
}

async function requireOwner(database: Database, placement: Placement): Promise<void> {
  const owner = await readOwner(database);
  const isOurs =
    owner?.tenant_id === placement.tenantId &&
    owner.tag === placement.tag &&
    owner.generation === placement.generation &&
    owner.nonce === placement.nonce;
  if (!isOurs) throw mismatch(placement);
}

/** What a database says of itself; undefined when that is nothing. */
export async function readOwner(database: Database): Promise<Identity | undefined> {
  try {
    return await identityIn(database).selectFrom("database_identity").selectAll().executeTakeFirst();
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

function identityIn(database: Database): Kysely<{ database_identity: Identity }> {
  return new Kysely({ dialect: database.dialect });
}

function mismatch({ tenantId, database }: Placement): PlatformError {
  const message = `The database ${database} does not say that it belongs to the tenant ${tenantId}`;
  return new PlatformError("unavailable", "database_mismatch", message);
}
