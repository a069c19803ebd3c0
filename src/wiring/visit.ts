import { describeProcess } from "../../provisioning/process.ts";
import { createProcesses } from "../../provisioning/processes.ts";
import type { Config } from "../config.ts";
import { openClient } from "../db/client.ts";
import type { Database } from "../db/database.ts";
import { type Applied, migrationHash, pendingMigrations } from "../db/migrate.ts";
import { openFile } from "../db/native.ts";
import { systemClock } from "../domain/clock.ts";
import { errorCode, PlatformError } from "../domain/errors.ts";
import { CONTROL_PLANE_SETS, controlPlaneFile } from "./control-plane.ts";

/** A control plane as somebody sees it who only looks. */
export interface Visit {
  readonly database: Database;
  /** What a start would apply to it. */
  readonly pending: readonly Applied[];
  /** The schema that tenants' databases are to have. */
  readonly schemaVersion: string;
  /** The living processes that serve from it, for people. */
  processes(): Promise<readonly string[]>;
  close(): Promise<void>;
}

/**
 * Opens a control plane that is there, and changes nothing: it is not migrated, and nobody waits for this process.
 * Throws `not_found` (`no_control_plane`), and what a database that does not answer throws.
 */
export async function visitControlPlane(config: Config): Promise<Visit> {
  const database = await openExisting(config);
  try {
    const pending = await pendingMigrations(database, CONTROL_PLANE_SETS);
    // A database that a server has given us before anybody has begun.
    if (pending.some(({ set, id }) => set === "control-plane" && id.startsWith("0001_"))) throw noControlPlane(config);
    const processes = createProcesses({ database, clock: systemClock });
    return {
      database,
      pending,
      schemaVersion: await migrationHash(["tenant"]),
      processes: async () => (await processes.living()).map(describeProcess),
      close: () => database.close(),
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function openExisting(config: Config): Promise<Database> {
  const { CONTROL_PLANE_DATABASE_URL: url, CONTROL_PLANE_DATABASE_TOKEN: authToken } = config;
  if (url) return openClient({ url, ...(authToken && { authToken }) });
  const file = controlPlaneFile(config);
  try {
    return await openFile(file);
  } catch (error) {
    if (errorCode(error) === "not_found") throw noControlPlane(config);
    if (!(error instanceof PlatformError)) throw error;
    // Which file it is, only the operator is told.
    throw new PlatformError(error.code, error.reason, `${error.message}: ${file}`, { cause: error });
  }
}

function noControlPlane(config: Config): PlatformError {
  const place = config.CONTROL_PLANE_DATABASE_URL ?? config.DATA_DIR;
  const message = `There is no control plane in ${place}. Make one (rowhouse init), or set DATA_DIR to where it is.`;
  return new PlatformError("not_found", "no_control_plane", message);
}
