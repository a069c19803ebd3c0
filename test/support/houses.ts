import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DataAdapters } from "@authhero/adapter-interfaces";
import { createRegistry } from "../../provisioning/registry.ts";
import type { Database } from "../../src/db/database.ts";
import { type MigrationSet, migrate } from "../../src/db/migrate.ts";
import { openFile } from "../../src/db/native.ts";
import { createKeyRing } from "../../src/db/seal.ts";
import { systemClock } from "../../src/domain/clock.ts";
import { plainId } from "../../src/domain/ids.ts";
import type { Tag } from "../../src/domain/names.ts";
import { createDataAdapters } from "../../src/entities/adapters.ts";
import { createStore } from "../../src/entities/store.ts";
import { runInContext } from "../../src/tenancy/context.ts";
import { routed } from "../../src/tenancy/routing.ts";
import { createDirectory } from "../../src/wiring/directory.ts";

export const CONTROL_PLANE = "control_plane";

/** A control plane and two tenants on files, routed as the service routes them. */
export async function twoHouses() {
  const directory = mkdtempSync(join(tmpdir(), "houses-"));
  const keyRing = createKeyRing({ current: { id: "k1", key: Buffer.alloc(32, 7) } });
  const open = async (name: string, sets: readonly MigrationSet[]): Promise<Database> => {
    const database = await openFile(join(directory, `${name}.db`), { create: true });
    await migrate(database, sets);
    return database;
  };
  const adaptersOf = (database: Database, tag: Tag) =>
    createDataAdapters(createStore(database, { clock: systemClock, keyRing, tag }));

  const database = await open("control-plane", ["tenant", "shared", "control-plane"]);
  const registry = createRegistry({ database, keyRing, clock: systemClock });
  const databases = new Map<string, Database>([[CONTROL_PLANE, database]]);
  const houses = new Map<string, DataAdapters>();
  for (const tenantId of [CONTROL_PLANE, "acme", "beta"]) {
    const { tag } = await registry.claim({ tenantId, provider: "file" });
    const own = databases.get(tenantId) ?? (await open(tenantId, ["tenant"]));
    databases.set(tenantId, own);
    houses.set(tenantId, adaptersOf(own, tag));
  }

  const house = (tenantId: string): DataAdapters => {
    const found = houses.get(tenantId);
    if (!found) throw new Error(`no house ${tenantId}`);
    return found;
  };
  const routing = {
    controlPlaneTenantId: CONTROL_PLANE,
    controlPlane: house(CONTROL_PLANE),
    directory: createDirectory(registry),
    withChild: <T>(tenantId: string, call: (adapters: DataAdapters) => Promise<T>) => call(house(tenantId)),
  };
  return {
    house,
    registry,
    auth: routed({ ...routing, surface: "auth" }),
    management: routed({ ...routing, surface: "management" }),
    async remove() {
      for (const each of databases.values()) await each.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Runs work as a request of a tenant does. */
export const asRequestOf = <T>(tenantId: string, work: () => T): T =>
  runInContext({ requestId: plainId(), tenantId, origin: new URL(`http://${tenantId}.localhost/`) }, work);
