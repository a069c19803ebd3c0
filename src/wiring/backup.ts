import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { backUpTenant } from "../../provisioning/backup.ts";
import { readStanding } from "../../provisioning/standing.ts";
import type { Config } from "../config.ts";
import { backUpFile } from "../db/backup.ts";
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
}

/**
 * Copies the database of a tenant, or of the control plane, into a new file, also while a server is at work on it.
 * Throws `not_found` (`tenant_not_found`), `invalid` (`no_files`), and what `backUpTenant` does.
 */
export async function backUp(visit: Visit, config: Config, tenantId: string, given: string): Promise<Backup> {
  const file = resolve(given);
  const isControlPlane = tenantId === config.CONTROL_PLANE_TENANT_ID;
  const database = await (isControlPlane
    ? backUpControlPlane(config, file)
    : backUpChild(visit, config, tenantId, file));
  return { tenant: tenantId, database, file, bytes: (await stat(file)).size };
}

async function backUpChild(visit: Visit, config: Config, tenantId: string, file: string): Promise<string> {
  const standing = await readStanding(visit.database, tenantId);
  if (!standing) {
    const message = `There is no tenant ${tenantId}: rowhouse tenants list shows which there are`;
    throw new PlatformError("not_found", "tenant_not_found", message);
  }
  await backUpTenant(createProviders(config), standing, file);
  return standing.database;
}

async function backUpControlPlane(config: Config, file: string): Promise<string> {
  if (config.CONTROL_PLANE_DATABASE_URL !== undefined) {
    const message =
      "The control plane's database is no file: CONTROL_PLANE_DATABASE_URL says where it is. Instead, back it up there (docs/runbooks/backup-and-restore.md).";
    throw new PlatformError("invalid", "no_files", message);
  }
  await backUpFile(controlPlaneFile(config), file, async (copy) => {
    if (await readStanding(copy, config.CONTROL_PLANE_TENANT_ID)) return;
    throw new PlatformError("unavailable", "database_mismatch", "The database is not this control plane's");
  });
  return "control-plane";
}
