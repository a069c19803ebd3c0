import type { CacheAdapter, DataAdapters } from "@authhero/adapter-interfaces";
import { currentContext, type RequestContext } from "./context.ts";
import { boundTenant, remembering } from "./router.ts";

/** What a tenant's cached values are good for: its life and its epoch, and the control plane's. */
export type VersionOf = (tenantId: string) => Promise<string | null>;

/**
 * A cache in which every key stands under the request's tenant and version, because AuthHero's own keys name neither:
 * two tenants may have a client of the same id, and a change raises the epoch instead of finding what it made stale.
 *
 * A request keeps the version it began with. What it read before a change can then never be stored as if read after.
 */
export function tenantCache(cache: CacheAdapter, versionOf: VersionOf): CacheAdapter {
  const prefix = async (): Promise<string | null> => {
    const context = currentContext();
    if (!context) return null;
    const tenantId = context.learntTenantId ?? context.tenantId;
    const version = await versionIn(context, tenantId, versionOf);
    return version && `${tenantId} ${version} `;
  };

  return {
    async get<T>(key: string) {
      const own = await prefix();
      return own ? cache.get<T>(own + key) : null;
    },
    async set(key, value, ttlSeconds) {
      const own = await prefix();
      if (own) await cache.set(own + key, value, ttlSeconds);
    },
    async delete(key) {
      const own = await prefix();
      return own ? cache.delete(own + key) : false;
    },
    async deleteByPrefix(keyPrefix) {
      const own = await prefix();
      return own ? cache.deleteByPrefix(own + keyPrefix) : 0;
    },
    async clear() {
      const own = await prefix();
      if (own) await cache.deleteByPrefix(own);
    },
  };
}

/** What the cache has under a key, or else what is read now, which it keeps. */
export async function keptOrRead<T>(cache: CacheAdapter, key: string, read: () => Promise<T>): Promise<T> {
  const kept = await cache.get<T>(key);
  if (kept) return kept;
  const found = await read();
  await cache.set(key, found);
  return found;
}

const versions = new WeakMap<RequestContext, Map<string, Promise<string | null>>>();

function versionIn(context: RequestContext, tenantId: string, versionOf: VersionOf): Promise<string | null> {
  const known = versions.get(context) ?? new Map<string, Promise<string | null>>();
  versions.set(context, known);
  const version = known.get(tenantId) ?? remembering(() => versionOf(tenantId));
  known.set(tenantId, version);
  return version;
}

/** Members whose values AuthHero keeps between requests, and those such values are made of. */
const CACHED = [
  "actions",
  "branding",
  "clientConnections",
  "clientGrants",
  "clients",
  "connections",
  "customDomains",
  "customText",
  "emailProviders",
  "emailTemplates",
  "flows",
  "forms",
  "hookCode",
  "hooks",
  "keys",
  "organizationConnections",
  "organizations",
  "promptSettings",
  "resourceServers",
  "rolePermissions",
  "roles",
  "tenants",
  "themes",
  "universalLoginTemplates",
  "userOrganizations",
  "userPermissions",
  "userRoles",
] as const satisfies readonly (keyof DataAdapters)[];

/** How a change of something cached is made known. */
export interface Epochs {
  raise(tenantId: string): Promise<void>;
  /** Throws where nothing can be made known right now: then nothing is written either. */
  requireRaisable?(): void;
}

/**
 * Raises a tenant's epoch after every write to what is cached, before the writer gets its answer: in a transaction,
 * after the commit. A crash in between leaves old values for as long as the cache keeps any.
 */
export function raisingEpochs(adapters: DataAdapters, epochs: Epochs): DataAdapters {
  const members = CACHED.map((name) => [name, raisingMember(name, adapters[name], epochs)]);
  return {
    ...adapters,
    ...Object.fromEntries(members),
    async transaction(work) {
      const written = new Set<string>();
      const raise: Epochs["raise"] = (tenantId) => Promise.resolve(void written.add(tenantId));
      const result = await adapters.transaction((inside) => work(raisingEpochs(inside, { ...epochs, raise })));
      for (const tenantId of written) await epochs.raise(tenantId);
      return result;
    },
  };
}

type Method = (...args: unknown[]) => Promise<unknown>;

function raisingMember(name: (typeof CACHED)[number], adapter: object, epochs: Epochs): object {
  const methods = Object.entries(adapter as Record<string, Method>).map(([method, call]) => {
    if (/^(?:get|list)/.test(method)) return [method, call];
    return [
      method,
      async (...args: unknown[]) => {
        const tenantId = writtenTenant(name, args);
        if (tenantId) epochs.requireRaisable?.();
        const result = await call(...args);
        if (tenantId) await epochs.raise(tenantId);
        return result;
      },
    ];
  });
  return Object.fromEntries(methods);
}

/** Whose value was written: keys name no tenant where others do, so theirs is the request's. */
function writtenTenant(name: (typeof CACHED)[number], args: readonly unknown[]): string | undefined {
  if (name === "keys") return boundTenant();
  return typeof args[0] === "string" ? args[0] : undefined;
}
