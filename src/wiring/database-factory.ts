import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { DataAdapters } from "@authhero/adapter-interfaces";
import * as z from "zod";
import { openPlaced, writeOwner } from "../../provisioning/ownership.ts";
import type { Placement } from "../../provisioning/placements.ts";
import { fileProvider } from "../../provisioning/providers/file.ts";
import { libsqlServerProvider } from "../../provisioning/providers/libsql-server.ts";
import type { DatabaseProvider } from "../../provisioning/providers/provider.ts";
import { tursoProvider } from "../../provisioning/providers/turso.ts";
import { createRegistry, type Registry } from "../../provisioning/registry.ts";
import type { Database } from "../db/database.ts";
import { migrate } from "../db/migrate.ts";
import { openFile } from "../db/native.ts";
import { type KeyRing, loadOrCreateKeyFile } from "../db/seal.ts";
import { openSource, type Source } from "../db/source.ts";
import { systemClock } from "../domain/clock.ts";
import { PlatformError } from "../domain/errors.ts";
import { having, refuseOptions, requireOptions } from "../domain/options.ts";
import { SERVED } from "../domain/tenants.ts";
import { createDataAdapters } from "../entities/adapters.ts";
import { createStore } from "../entities/store.ts";
import { leasedAdapters } from "../tenancy/leased.ts";
import { createTenantPool } from "./tenant-pool.ts";

/** Makes, opens and removes the databases of tenants: what `databaseIsolation` takes. */
export interface DatabaseFactory {
  /** Adapters that may be kept. Throws `not_found` (`tenant_not_found`) for a tenant without a database. */
  getAdapters(tenantId: string): Promise<DataAdapters>;
  /**
   * Makes sure that the tenant has a database, migrated and empty. Repeating is harmless. Throws `conflict`
   * (`tenant_deleting`) until a removal that was cut off has been repeated.
   */
  provision(tenantId: string): Promise<void>;
  /** Makes sure that the tenant's database is gone for good. Repeating is harmless. */
  deprovision(tenantId: string): Promise<void>;
}

/** A factory that keeps databases open, and has to be told when it is over. */
export interface OpenDatabaseFactory extends DatabaseFactory {
  /** Closes every database. Whoever comes later is refused. */
  close(): Promise<void>;
}

export interface DatabaseFactoryOptions {
  /** Where the registry is kept, which says whose database is where: the control plane's database. */
  readonly database: Source;
  /** Seals the credentials of databases, and what adapters store. */
  readonly keyRing: KeyRing;
  /** How many databases may be open at once. Default 200. */
  readonly maxOpen?: number;
  /** Milliseconds after which an unused database is closed. Default 60000. */
  readonly idleMs?: number;
}

const POOL = {
  maxOpen: z.number().int().min(1).max(10_000).optional(),
  idleMs: z.number().int().min(1).max(86_400_000).optional(),
};

/** A caller's database, and a caller's key ring. */
export const DatabaseOption = having("a Kysely instance, a client of @libsql/client, or { url, authToken? }");
export const KeyRingOption = having(
  "a key ring: createKeyRing or parseKeyRing of rowhouse/adapter",
  "currentId",
  "keys",
);

const FactoryShape = { database: DatabaseOption, keyRing: KeyRingOption, ...POOL };

const Provider = having("a database provider", "name", "ensure", "open", "destroy");

/**
 * A factory of tenant databases at any provider. It remembers in the registry where each database is, and writes into
 * each whose it is: another tenant's is never opened. Names are opaque and never used again.
 */
export function toDatabaseFactory(provider: DatabaseProvider, options: DatabaseFactoryOptions): OpenDatabaseFactory {
  requireOptions("toDatabaseFactory", z.strictObject({ provider: Provider, ...FactoryShape }), {
    ...options,
    provider,
  });
  const { database, keyRing, ...limits } = options;
  const behind = { provider, limits, database };
  return factoryOver(behind, () => Promise.resolve({ database: openSource(database), keyRing }));
}

/** One file per tenant in `directory`, and the registry and the key that seals it beside them. */
export function createFileFactory(
  options: { readonly directory: string } & Partial<DatabaseFactoryOptions>,
): OpenDatabaseFactory {
  const { directory, ...rest } = options;
  const Options = z.strictObject({
    directory: z.string().min(1),
    ...FactoryShape,
    ...{ database: FactoryShape.database.optional(), keyRing: FactoryShape.keyRing.optional() },
  });
  requireOptions("createFileFactory", Options, options);
  const { database, keyRing, ...limits } = rest;
  // A registry elsewhere outlives this directory, and a key that was generated in it would not.
  if (database && !keyRing) refuseOptions("createFileFactory", ["keyRing: is needed with database"]);
  const behind = { provider: fileProvider({ directory: join(directory, "tenants") }), limits, database };
  return factoryOver(behind, async () => {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return {
      database: database ? openSource(database) : await openFile(join(directory, "registry.db"), { create: true }),
      keyRing: keyRing ?? (await loadOrCreateKeyFile(join(directory, "encryption.key"))),
    };
  });
}

/** One database of Turso Cloud per tenant: the options of `tursoProvider`, and those of `toDatabaseFactory`. */
export function createTursoFactory(
  options: Parameters<typeof tursoProvider>[0] & DatabaseFactoryOptions,
): OpenDatabaseFactory {
  const { own, provider } = split(options);
  return toDatabaseFactory(tursoProvider(provider), own);
}

/** One namespace of a libSQL server per tenant: the options of `libsqlServerProvider`, and those of `toDatabaseFactory`. */
export function createLibsqlServerFactory(
  options: Parameters<typeof libsqlServerProvider>[0] & DatabaseFactoryOptions,
): OpenDatabaseFactory {
  const { own, provider } = split(options);
  return toDatabaseFactory(libsqlServerProvider(provider), own);
}

function split<T extends DatabaseFactoryOptions>({ database, keyRing, maxOpen, idleMs, ...provider }: T) {
  const limits = { ...(maxOpen !== undefined && { maxOpen }), ...(idleMs !== undefined && { idleMs }) };
  return { own: { database, keyRing, ...limits }, provider };
}

type Limits = Pick<DatabaseFactoryOptions, "maxOpen" | "idleMs">;
interface Kept {
  readonly database: Database;
  readonly keyRing: KeyRing;
}

/** What a factory was made of: a house that has a registry of its own needs no more of it. */
export interface BehindFactory {
  readonly provider: DatabaseProvider;
  readonly limits: Limits;
  /** Undefined where the factory keeps its registry beside its files. */
  readonly database: Source | undefined;
}

const factories = new WeakMap<DatabaseFactory, BehindFactory>();

/** Undefined for a factory that somebody else has made. */
export const behindFactory = (factory: DatabaseFactory): BehindFactory | undefined => factories.get(factory);

function factoryOver(behind: BehindFactory, keep: () => Promise<Kept>): OpenDatabaseFactory {
  const { provider, limits } = behind;
  const inTurn = createTurns();
  let opening: Promise<Opened> | undefined;
  let isClosed = false;
  const opened = async (): Promise<Opened> => {
    if (isClosed) throw new PlatformError("unavailable", "pool_closed", "The database factory is closed");
    opening ??= open(provider, limits, keep);
    // A registry that cannot be reached is asked again.
    opening.catch(() => {
      opening = undefined;
    });
    return await opening;
  };

  const factory: OpenDatabaseFactory = {
    async getAdapters(tenantId) {
      const { registry, pool, model } = await opened();
      const placement = await registry.get(tenantId);
      if (!placement || !SERVED.includes(placement.state)) throw notFound(tenantId);
      return leasedAdapters(model, (call) => pool.use(tenantId, call));
    },
    provision: inTurn(async (tenantId) => await provision(await opened(), provider, tenantId)),
    deprovision: inTurn(async (tenantId) => await deprovision(await opened(), provider, tenantId)),

    async close() {
      isClosed = true;
      const open = await opening?.catch(() => undefined);
      await open?.pool.close();
      await open?.database.close();
    },
  };
  factories.set(factory, behind);
  return factory;
}

/** One change of a tenant after the other; between processes the registry decides, and the slower one gets `conflict`. */
function createTurns() {
  const turns = new Map<string, Promise<void>>();
  return (change: (tenantId: string) => Promise<void>) => (tenantId: string) => {
    const turn = (turns.get(tenantId) ?? Promise.resolve()).catch(() => undefined).then(() => change(tenantId));
    turns.set(tenantId, turn);
    const leave = () => {
      if (turns.get(tenantId) === turn) turns.delete(tenantId);
    };
    turn.then(leave, leave);
    return turn;
  };
}

async function open(provider: DatabaseProvider, { maxOpen = 200, idleMs = 60_000 }: Limits, keep: () => Promise<Kept>) {
  const { database, keyRing } = await keep();
  await migrate(database, ["tenant", "shared", "control-plane"]);
  const clock = systemClock;
  const registry = createRegistry({ database, keyRing, clock });
  const providers = { [provider.name]: provider };
  const { pool, template } = await createTenantPool({ registry, providers, keyRing, maxOpen, idleMs, clock });
  return { registry, pool, template, database, model: createDataAdapters(createStore(database, { clock, keyRing })) };
}

type Opened = Awaited<ReturnType<typeof open>>;

/** Each step finds what an earlier attempt has done, so whatever a crash has left is finished by the next call. */
async function provision({ registry, template }: Opened, provider: DatabaseProvider, tenantId: string): Promise<void> {
  let placement = (await registry.read(tenantId)) ?? (await claim(registry, provider, tenantId));
  requireAt(placement, provider);
  if (SERVED.includes(placement.state)) return;
  requireMaking(placement);
  if (placement.state === "pending") placement = await registry.transition(placement, "provisioning");
  const location = await provider.ensure(placement.database, { from: await template.at(provider) });
  placement = await registry.recordDatabase(placement, location, template.schemaVersion);
  const database = await openPlaced({ [provider.name]: provider }, placement);
  try {
    await template.migrate(database);
    await writeOwner(database, placement);
  } finally {
    await database.close();
  }
  await registry.transition(placement, "ready");
}

/** Whoever was faster has claimed it for the same purpose. */
async function claim(registry: Registry, { name }: DatabaseProvider, tenantId: string): Promise<Placement> {
  try {
    return await registry.claim({ tenantId, provider: name });
  } catch (error) {
    const placement = await registry.read(tenantId);
    if (!placement) throw error;
    return placement;
  }
}

/** Refused from here on, then let go of, then gone; the row last, so that a crash leaves something to repeat. */
async function deprovision({ registry, pool }: Opened, provider: DatabaseProvider, tenantId: string): Promise<void> {
  const found = await registry.read(tenantId);
  if (!found) return;
  requireAt(found, provider);
  const placement = found.state === "deleting" ? found : await registry.transition(found, "deleting");
  await pool.evict(tenantId);
  await provider.destroy(placement.database);
  await registry.remove(placement);
}

/** The control plane's own database, and those that live elsewhere, are not this factory's to touch. */
function requireAt({ tenantId, provider }: Placement, { name }: DatabaseProvider): void {
  if (provider === name) return;
  throw new PlatformError("conflict", "foreign_database", `The database of ${tenantId} is at ${provider}, not ${name}`);
}

/** Before the provider is asked: it would make anew what has just been destroyed. */
function requireMaking({ tenantId, state }: Placement): void {
  if (state === "pending" || state === "provisioning") return;
  const message = `The database of ${tenantId} is ${state}: call deprovision to its end first`;
  throw new PlatformError("conflict", `tenant_${state}`, message);
}

const notFound = (tenantId: string) =>
  new PlatformError("not_found", "tenant_not_found", `There is no tenant ${tenantId}`);
