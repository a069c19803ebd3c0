import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { backUpTenant, recordBackup } from "../../provisioning/backup.ts";
import type { Standing } from "../../provisioning/placements.ts";
import { readStanding } from "../../provisioning/standing.ts";
import type { Config } from "../config.ts";
import { backUpFile } from "../db/backup.ts";
import { type Clock, systemClock } from "../domain/clock.ts";
import { PlatformError } from "../domain/errors.ts";
import { controlPlaneFile } from "./control-plane.ts";
import { createProviders } from "./providers.ts";
import type { Visit } from "./visit.ts";

/** What was copied, and where to. */
export interface Backup {
  readonly tenant: string;
  /** The name of the database at its provider: a backup is put back under this one. */
  readonly database: string;
  readonly file: string;
  readonly bytes: number;
  /** When the copy began, as the control plane now says it (`last_backup`); null where that could not be written down. */
  readonly recorded_at: string | null;
}

/**
 * Copies the database of a tenant, or of the control plane, into a new file, also while a server is at work on it.
 * Throws `not_found` (`tenant_not_found`), `invalid` (`no_files`), and what `backUpTenant` does.
 */
export async function backUp(
  visit: Visit,
  config: Config,
  tenantId: string,
  given: string,
  clock: Clock = systemClock,
): Promise<Backup> {
  const file = resolve(given);
  const began = clock();
  const standing = await standingOf(visit, tenantId);
  const isControlPlane = tenantId === config.CONTROL_PLANE_TENANT_ID;
  if (isControlPlane) await backUpControlPlane(config, file);
  else await backUpTenant(createProviders(config), standing, file);
  return {
    tenant: tenantId,
    database: isControlPlane ? "control-plane" : standing.database,
    file,
    bytes: (await stat(file)).size,
    recorded_at: await recorded(visit, standing, began),
  };
}

async function standingOf(visit: Visit, tenantId: string): Promise<Standing> {
  const standing = await readStanding(visit.database, tenantId);
  if (standing) return standing;
  const message = `There is no tenant ${tenantId}: rowhouse tenants list shows which there are`;
  throw new PlatformError("not_found", "tenant_not_found", message);
}

/** The copy is made and good, whether or not the control plane can be told: an older version's has no place for it. */
async function recorded({ database }: Visit, standing: Standing, began: Date): Promise<string | null> {
  const isRecorded = await recordBackup(database, standing, began).catch(() => false);
  return isRecorded ? began.toISOString() : null;
}

async function backUpControlPlane(config: Config, file: string): Promise<void> {
  if (config.CONTROL_PLANE_DATABASE_URL !== undefined) {
    const message =
      "The control plane's database is no file: CONTROL_PLANE_DATABASE_URL says where it is. Instead, back it up there (docs/runbooks/backup-and-restore.md).";
    throw new PlatformError("invalid", "no_files", message);
  }
  await backUpFile(controlPlaneFile(config), file, async (copy) => {
    if (await readStanding(copy, config.CONTROL_PLANE_TENANT_ID)) return;
    throw new PlatformError("unavailable", "database_mismatch", "The database is not this control plane's");
  });
}
