import { Kysely } from "kysely";
import type { Database } from "../src/db/database.ts";
import { PlatformError } from "../src/domain/errors.ts";
import { SERVED } from "../src/domain/tenants.ts";
import { type Providers, providerOf, requireOwner } from "./ownership.ts";
import type { Standing } from "./placements.ts";
import type { RegistryTables } from "./tables.ts";

/**
 * Copies a tenant's database into a new file, if the copy says that it is this tenant's. Nobody is disturbed.
 *
 * Throws `conflict` (`tenant_not_served`, `file_exists`), `invalid` (`no_files`, where its provider makes its own backups;
 * `file_unwritable`), and `unavailable` (`database_missing`, `database_mismatch`, `backup_damaged`).
 */
export async function backUpTenant(providers: Providers, standing: Standing, file: string): Promise<void> {
  const { tenantId, state, database } = standing;
  if (!SERVED.includes(state)) throw notServed(standing);
  const provider = providerOf(providers, standing);
  if (!provider.backUp) throw noFiles(standing);
  try {
    await provider.backUp(database, file, async (copy) => void (await requireOwner(copy, standing)));
  } catch (cause) {
    if (!(cause instanceof PlatformError) || cause.code !== "not_found") throw cause;
    const message = `The database ${database} of the tenant ${tenantId} is missing: see docs/runbooks/lost-database.md`;
    throw new PlatformError("unavailable", "database_missing", message, { cause });
  }
}

/**
 * Writes down when the copy of a tenant's database began that was made last. Nobody has to hear of it, so its epoch stays.
 * False where nothing was written: of a tenant that is gone, or has begun another life, or a later copy, meanwhile.
 */
export async function recordBackup({ dialect }: Database, { tenantId, tag }: Standing, began: Date) {
  const at = began.toISOString();
  const { numUpdatedRows } = await new Kysely<RegistryTables>({ dialect })
    .updateTable("rh_placements")
    .set({ last_backup: at })
    .where("tenant_id", "=", tenantId)
    .where("tag", "=", tag)
    .where((row) => row.or([row("last_backup", "is", null), row("last_backup", "<", at)]))
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}

function notServed({ tenantId, state }: Standing): PlatformError {
  const remedy =
    state === "deleted" ? `Bring it back first: rowhouse tenants undelete ${tenantId}` : "Wait, or resume it";
  return new PlatformError("conflict", "tenant_not_served", `The tenant ${tenantId} is ${state}. ${remedy}`);
}

/** What to do instead, at the providers that come with Rowhouse. */
const INSTEAD: Readonly<Record<string, string>> = {
  turso: "restore it to a point in time at Turso (docs/runbooks/backup-and-restore.md)",
  "libsql-server": "make a backup of the libSQL server (docs/runbooks/backup-and-restore.md)",
};

function noFiles({ tenantId, database, provider }: Standing): PlatformError {
  const instead = INSTEAD[provider] ?? "back it up there";
  const message = `The database ${database} of the tenant ${tenantId} is no file: it is at ${provider}. Instead, ${instead}.`;
  return new PlatformError("invalid", "no_files", message);
}
