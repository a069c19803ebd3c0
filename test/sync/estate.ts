import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DataAdapters } from "@authhero/adapter-interfaces";
import type { Database } from "../../src/db/database.ts";
import { migrate } from "../../src/db/migrate.ts";
import { openFile } from "../../src/db/native.ts";
import { createKeyRing } from "../../src/db/seal.ts";
import { systemClock } from "../../src/domain/clock.ts";
import { createDataAdapters } from "../../src/entities/adapters.ts";
import { createStore, type Store } from "../../src/entities/store.ts";
import { applyShared } from "../../src/sync/apply.ts";
import { readChild } from "../../src/sync/child.ts";
import { readShared } from "../../src/sync/control-plane.ts";
import { hashOf, KINDS } from "../../src/sync/kinds.ts";
import { ensureSyncLog } from "../../src/sync/log.ts";
import type { Plan } from "../../src/sync/plan.ts";
import type { SyncOptions, SyncRules } from "../../src/sync/rules.ts";
import { freshStore } from "../support/store.ts";

export const CONTROL_PLANE = "control_plane";
export const MANAGEMENT = "urn:authhero:management";

export const keyRing = createKeyRing({ current: { id: "k1", key: Buffer.alloc(32, 7) } });

export const rulesOf = (options: SyncOptions = {}): SyncRules => ({
  managementAudience: MANAGEMENT,
  adminRole: "Tenant Admin",
  isOperatorsScope: (scope) => scope === "create:tenants",
  ...options,
});

/** A tenant's database, and what is in it. */
export interface House {
  readonly tenantId: string;
  readonly store: Store;
  readonly database: Database;
  readonly adapters: DataAdapters;
  close(): Promise<void>;
}

const storeOf = (database: Database): Store => createStore(database, { clock: systemClock, keyRing });

const houseOf = (tenantId: string, database: Database, close: () => Promise<void>): House => {
  const store = storeOf(database);
  return { tenantId, store, database, adapters: createDataAdapters(store), close };
};

let template: Promise<Buffer> | undefined;

/** Migrating takes longer than all the rest of a test. */
async function makeTemplate(): Promise<Buffer> {
  const directory = mkdtempSync(join(tmpdir(), "estate-"));
  const path = join(directory, "template.db");
  const database = await openFile(path, { create: true });
  await migrate(database, ["tenant", "shared", "control-plane"]);
  await ensureSyncLog(database);
  await database.close();
  const bytes = readFileSync(path);
  rmSync(directory, { recursive: true, force: true });
  return bytes;
}

/** A control plane with its log, and children made when they are asked for. */
export async function openEstate() {
  const directory = mkdtempSync(join(tmpdir(), "estate-"));
  const path = join(directory, "control-plane.db");
  template ??= makeTemplate();
  writeFileSync(path, await template);
  const database = await openFile(path);
  const houses: House[] = [];

  const child = async (tenantId: string): Promise<House> => {
    const { database: own, close } = await freshStore();
    const house = houseOf(tenantId, own, close);
    houses.push(house);
    return house;
  };
  const controlPlane = houseOf(CONTROL_PLANE, database, async () => {
    await database.close();
    rmSync(directory, { recursive: true, force: true });
  });
  houses.push(controlPlane);

  return {
    controlPlane,
    own: controlPlane.adapters,
    child,
    /** A child in a database that somebody else has made. */
    adopt(tenantId: string, own: Database): House {
      const house = houseOf(tenantId, own, () => own.close());
      houses.push(house);
      return house;
    },
    shared: (options?: SyncOptions) => readShared(controlPlane.store, CONTROL_PLANE, rulesOf(options)),
    /** Brings a child forward; `through`: in a process that sees databases so. */
    async sync(house: House, options: SyncOptions = {}, through = (seen: Database) => seen): Promise<Plan> {
      const target = await readShared(storeOf(through(database)), CONTROL_PLANE, rulesOf(options));
      return await applyShared(storeOf(through(house.database)), house.tenantId, target, options.onCollision);
    },
    async close() {
      for (const house of houses) await house.close();
    },
  };
}

export type Estate = Awaited<ReturnType<typeof openEstate>>;

/** What a child has from the control plane, hashed from its rows: equal for two that have the same. */
export async function fingerprintOf(estate: Estate, house: House, options?: SyncOptions): Promise<string> {
  const { shared } = await estate.shared(options);
  const { child } = await readChild(house.store, house.tenantId, shared);
  const rows = KINDS.map((kind) => {
    const local = new Set(child.links.get(kind)?.map(({ localId }) => localId));
    const contents = (child.rows.get(kind) ?? [])
      .filter(({ id }) => local.has(id))
      .map(({ content }) => hashOf(content));
    return [kind, contents.sort()];
  });
  return hashOf(rows);
}

/** What it should be. */
export async function wantedFingerprint(estate: Estate, options?: SyncOptions): Promise<string> {
  const { shared } = await estate.shared(options);
  return hashOf(KINDS.map((kind) => [kind, (shared.get(kind) ?? []).map(({ content }) => hashOf(content)).sort()]));
}
