import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { DataAdapters } from "@authhero/adapter-interfaces";
import { createLeases, type Leases } from "../../provisioning/leases.ts";
import { createOutage, type Outage } from "../../provisioning/outage.ts";
import type { Placement } from "../../provisioning/placements.ts";
import { type ProcessIdentity, thisProcess } from "../../provisioning/process.ts";
import { createProcesses, type Processes } from "../../provisioning/processes.ts";
import { createRegistry, type Registry, type RegistryOptions } from "../../provisioning/registry.ts";
import type { Config } from "../config.ts";
import { openClient } from "../db/client.ts";
import type { Database } from "../db/database.ts";
import { type MigrationSet, migrate } from "../db/migrate.ts";
import { openFile } from "../db/native.ts";
import { inRounds } from "../db/rounds.ts";
import { type KeyRing, loadOrCreateKeyFile, parseKeyRing } from "../db/seal.ts";
import { watchedDatabase } from "../db/watched.ts";
import type { Around } from "../domain/around.ts";
import type { Clock } from "../domain/clock.ts";
import { createDataAdapters } from "../entities/adapters.ts";
import { createStore, type Store } from "../entities/store.ts";
import type { Logger } from "../log/logger.ts";
import { ensureSyncLog } from "../sync/log.ts";
import { createLastKnown, type ReadOrKnown } from "./last-known.ts";
import { requireOwnKeys } from "./seal-check.ts";

/** The control plane, open: its database, the registry in it, and its own tenant's adapters. */
export interface ControlPlane {
  readonly tenantId: string;
  readonly database: Database;
  readonly keyRing: KeyRing;
  readonly registry: Registry;
  readonly store: Store;
  readonly adapters: DataAdapters;
  /** This process, among those that share the control plane. */
  readonly process: ProcessIdentity;
  readonly processes: Processes;
  /** The last change when it was opened: what comes behind it has to be heard. */
  readonly openedAt: number;
  readonly leases: Leases;
  /** Whether its database can be reached. */
  readonly outage: Outage;
  readonly lastKnown: ReadOrKnown;
  close(): Promise<void>;
}

/** A control plane is a tenant, too. */
export const CONTROL_PLANE_SETS: readonly MigrationSet[] = ["tenant", "shared", "control-plane"];

/** Where its database is, unless it is on a server. */
export const controlPlaneFile = ({ DATA_DIR }: Config) => join(DATA_DIR, "control-plane.db");

/** How the registry names the place of the control plane's own database: no provider has it. */
export const OWN_PLACE = "control-plane";

/** What a first start makes, one process makes; the others wait for it. */
const STARTING = "start";

export interface Surroundings extends Pick<RegistryOptions, "changed"> {
  readonly clock: Clock;
  readonly log: Logger;
  /** Around every trip to its database. */
  readonly around?: Around | undefined;
}

/**
 * Opens the control plane, making and migrating what is missing; several processes may do so at once. From here on
 * this one is among those that others wait for.
 * Throws `invalid` (`encryption_key`) when its secrets were sealed with another key.
 */
export async function openControlPlane(
  config: Config,
  { clock, log, around, changed }: Surroundings,
): Promise<ControlPlane> {
  await mkdir(config.DATA_DIR, { recursive: true, mode: 0o700 });
  const keyRing = await openKeyRing(config);
  const tenantId = config.CONTROL_PLANE_TENANT_ID;
  const opened = await openDatabase(config);
  const database = around ? watchedDatabase(opened, around) : opened;
  return await controlPlaneIn({ database, keyRing, tenantId, clock, log, changed });
}

interface Given extends Pick<ControlPlane, "database" | "keyRing" | "tenantId">, Omit<Surroundings, "around"> {}

/** The same in a database that is open, which is closed with it, and when it cannot be. */
export async function controlPlaneIn(given: Given): Promise<ControlPlane> {
  try {
    return await enter(given);
  } catch (error) {
    await given.database.close();
    throw error;
  }
}

async function enter({ database, keyRing, tenantId, clock, log, changed }: Given): Promise<ControlPlane> {
  await migrate(database, CONTROL_PLANE_SETS);
  await ensureSyncLog(database);
  await requireOwnKeys(database, keyRing);

  const process = thisProcess();
  const processes = createProcesses({ database, clock, process, keyIds: [...keyRing.keys.keys()] });
  const leases = createLeases({ database, clock, process });
  const openedAt = await processes.register();
  // Before anything is read that may change: from here on it has to be heard of.
  const outage = createOutage(clock, log);
  const registry = createRegistry({ database, keyRing, clock, outage, changed });
  const { tag } = await leases.inTurn(STARTING, () => ensureOwnPlacement(registry, tenantId));
  const store = createStore(inRounds(database), { clock, keyRing, tag });
  return {
    ...{ tenantId, database, keyRing, registry, store, process, processes, openedAt, leases, outage },
    lastKnown: createLastKnown({ registry, outage, clock }),
    adapters: createDataAdapters(store),
    close: () => database.close(),
  };
}

/** Work of a start that several processes must not do at the same moment. */
export const inStartingOrder = <T>({ leases }: ControlPlane, work: () => Promise<T>): Promise<T> =>
  leases.inTurn(STARTING, work);

async function openKeyRing({ ENCRYPTION_KEY, DATA_DIR }: Config): Promise<KeyRing> {
  return ENCRYPTION_KEY ? parseKeyRing(ENCRYPTION_KEY) : await loadOrCreateKeyFile(join(DATA_DIR, "encryption.key"));
}

async function openDatabase(config: Config): Promise<Database> {
  const { CONTROL_PLANE_DATABASE_URL: url, CONTROL_PLANE_DATABASE_TOKEN: authToken } = config;
  if (url) return openClient({ url, ...(authToken && { authToken }) });
  return await openFile(controlPlaneFile(config), { create: true });
}

/** The control plane is a tenant too: it has a tag, and artefacts that carry it find home. */
async function ensureOwnPlacement(registry: Registry, tenantId: string): Promise<Placement> {
  let placement = (await registry.read(tenantId)) ?? (await registry.claim({ tenantId, provider: OWN_PLACE }));
  if (placement.state === "pending") placement = await registry.transition(placement, "provisioning");
  if (placement.state === "provisioning") placement = await registry.transition(placement, "ready");
  return placement;
}
