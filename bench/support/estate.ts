import { join } from "node:path";
import type { DataAdapters, SigningKey } from "@authhero/adapter-interfaces";
import { createFleet } from "../../provisioning/fleet.ts";
import { createMigrationJob } from "../../provisioning/fleet-migration.ts";
import { createJournal } from "../../provisioning/journal.ts";
import { createLifecycle } from "../../provisioning/lifecycle.ts";
import type { Placement } from "../../provisioning/placements.ts";
import { createPool } from "../../provisioning/pool.ts";
import { fileProvider } from "../../provisioning/providers/file.ts";
import { createTemplate } from "../../provisioning/template.ts";
import { ensureTenantKey, generateSigningKey } from "../../src/auth/signing-keys.ts";
import { seedTenantDefaults, verifyTenantDefaults } from "../../src/auth/tenant-defaults.ts";
import { loadConfig } from "../../src/config.ts";
import type { Database } from "../../src/db/database.ts";
import { migrationsDirectory, readMigrations } from "../../src/db/migrate.ts";
import { inRounds } from "../../src/db/rounds.ts";
import { systemClock as clock } from "../../src/domain/clock.ts";
import { plainId } from "../../src/domain/ids.ts";
import { createDataAdapters } from "../../src/entities/adapters.ts";
import { createStore } from "../../src/entities/store.ts";
import { tenantInsert } from "../../src/entities/tenants.ts";
import { createLogger } from "../../src/log/logger.ts";
import { openControlPlane } from "../../src/wiring/control-plane.ts";
import { organizationIn } from "../../src/wiring/organizations.ts";
import { atOnce } from "../rounds.ts";

/** As many as keep the disk busy. */
const MADE_AT_ONCE = 8;

export interface EstateOptions {
  /** Tenants' migrations of another release; default: ours. */
  readonly migrations?: string;
  readonly maxOpen?: number;
}

/** The service's tenant databases without its HTTP side, on files in a directory. Opening it again is a restart. */
export interface Estate extends Awaited<ReturnType<typeof openEstate>> {}

export async function openEstate(directory: string, options: EstateOptions = {}) {
  const { migrations: files = migrationsDirectory(), maxOpen = 200 } = options;
  const log = createLogger({ level: "error" });
  const controlPlane = await openControlPlane(loadConfig({ DATA_DIR: directory }), { clock, log });
  const { database, keyRing, registry, store, adapters, processes } = controlPlane;
  const adaptersOf = (opened: Database, { tag }: Placement): DataAdapters =>
    createDataAdapters(createStore(inRounds(opened), { clock, keyRing, tag }));

  const provider = fileProvider({ directory: join(directory, "tenants") });
  const providers = { [provider.name]: provider };
  const migrations = await readMigrations(["tenant"], files);
  const template = createTemplate({ schemaVersion: migrations.hash, migrate: migrations.migrate });
  const pool = createPool({ registry, providers, openTenant: adaptersOf, maxOpen, idleMs: 600_000, clock });
  const newKey = await keyPress();
  const lifecycle = createLifecycle({
    registry,
    journal: createJournal({ database, clock }),
    processes,
    providers,
    pool,
    template,
    steps: {
      organization: organizationIn(controlPlane, () => Promise.resolve([])),
      signingKey: ({ placement }) => ensureTenantKey(adapters.keys, placement.tenantId, newKey),
      seedDefaults: (made) => seedTenantDefaults(adaptersOf(made.database, made.placement), made.placement.tenantId),
      verify: (made) => verifyTenantDefaults(adaptersOf(made.database, made.placement), made.placement.tenantId),
    },
    purgeStatements: () => [],
    undeleteDays: 0,
    clock,
  });

  const create = async (tenantId: string): Promise<void> => {
    const row = tenantInsert(store, { id: tenantId, friendly_name: tenantId, audience: `urn:${tenantId}` });
    const claimStatements = [row.compile()];
    await (await lifecycle.create({ tenantId, provider: "file", claimStatements, initiator: "bench" })).ended;
  };

  return {
    directory,
    database,
    adapters,
    registry,
    provider,
    providers,
    template,
    pool,
    fleet: createFleet({ registry, database, clock }),
    migration: createMigrationJob({ registry, providers, template }),
    create,

    /** Makes the tenants that are missing up to so many, and returns the ids of all of them. */
    async fill(count: number): Promise<readonly string[]> {
      const ids = Array.from({ length: count }, (_, index) => tenantName(index));
      const isMissing = await Promise.all(ids.map(async (id) => (await registry.read(id)) === null));
      await atOnce(
        MADE_AT_ONCE,
        ids.filter((_, index) => isMissing[index]),
        create,
      );
      return ids;
    },

    async close() {
      await pool.close();
      await controlPlane.close();
    },
  };
}

/** The tenant of a number, from 0. */
export const tenantName = (index: number): string => `t${String(index).padStart(6, "0")}`;

/** Making a key takes longer than all the rest of a tenant, so one is made and reused under ever new names. */
async function keyPress(): Promise<() => Promise<SigningKey>> {
  const key = await generateSigningKey();
  return () => Promise.resolve({ ...key, kid: plainId() });
}
