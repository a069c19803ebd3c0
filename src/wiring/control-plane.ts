import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { DataAdapters } from "@authhero/adapter-interfaces";
import type { Placement } from "../../provisioning/placements.ts";
import { createRegistry, type Registry } from "../../provisioning/registry.ts";
import type { Config } from "../config.ts";
import type { Database } from "../db/database.ts";
import { holdLock } from "../db/lock.ts";
import { migrate } from "../db/migrate.ts";
import { openFile } from "../db/native.ts";
import { inRounds } from "../db/rounds.ts";
import { type KeyRing, loadOrCreateKeyFile, parseKeyRing } from "../db/seal.ts";
import type { Clock } from "../domain/clock.ts";
import { PlatformError } from "../domain/errors.ts";
import { createDataAdapters } from "../entities/adapters.ts";
import { createStore, type Store } from "../entities/store.ts";

/** The control plane, open: its database, the registry in it, and its own tenant's adapters. */
export interface ControlPlane {
  readonly tenantId: string;
  readonly database: Database;
  readonly keyRing: KeyRing;
  readonly registry: Registry;
  readonly store: Store;
  readonly adapters: DataAdapters;
  close(): Promise<void>;
}

/** How the registry names the place of the control plane's own database: no provider has it. */
const OWN_PLACE = "control-plane";

/**
 * Opens the control plane in the data directory, making and migrating what is missing.
 * Throws `conflict` (`data_directory_in_use`) while another process serves it.
 */
export async function openControlPlane(config: Config, clock: Clock): Promise<ControlPlane> {
  const directory = config.DATA_DIR;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const lock = await holdDirectory(directory);
  const keyRing = config.ENCRYPTION_KEY
    ? parseKeyRing(config.ENCRYPTION_KEY)
    : await loadOrCreateKeyFile(join(directory, "encryption.key"));
  const database = await openFile(join(directory, "control-plane.db"), { create: true });
  await migrate(database, ["tenant", "shared", "control-plane"]);

  const tenantId = config.CONTROL_PLANE_TENANT_ID;
  const registry = createRegistry({ database, keyRing, clock });
  const { tag } = await ensureOwnPlacement(registry, tenantId);
  const store = createStore(inRounds(database), { clock, keyRing, tag });
  return {
    tenantId,
    database,
    keyRing,
    registry,
    store,
    adapters: createDataAdapters(store),
    async close() {
      await database.close();
      await lock.release();
    },
  };
}

/** The control plane is a tenant too: it has a tag, and artefacts that carry it find home. */
async function ensureOwnPlacement(registry: Registry, tenantId: string): Promise<Placement> {
  let placement = (await registry.read(tenantId)) ?? (await registry.claim({ tenantId, provider: OWN_PLACE }));
  if (placement.state === "pending") placement = await registry.transition(placement, "provisioning");
  if (placement.state === "provisioning") placement = await registry.transition(placement, "ready");
  return placement;
}

async function holdDirectory(directory: string) {
  try {
    return await holdLock(join(directory, "lock.db"));
  } catch (cause) {
    if (!(cause instanceof PlatformError) || cause.reason !== "already_locked") throw cause;
    const message = `Another Rowhouse process serves ${directory}. End it, or set DATA_DIR to another directory.`;
    throw new PlatformError("conflict", "data_directory_in_use", message, { cause });
  }
}
