import type { CreateTenantParams, DataAdapters, Tenant } from "@authhero/adapter-interfaces";

type Eventually<T> = T | Promise<T>;

/** What hooks are told besides the tenant, in AuthHero's words. */
export interface TenantHookContext {
  /** The control plane's id: tenants are its entities. */
  readonly tenantId: string;
  /** The control plane's adapters. */
  readonly adapters: DataAdapters;
  /** The adapters of the tenant itself, over its own database; in `afterCreate` only. */
  readonly ownAdapters?: DataAdapters;
  /** Who asks for it: a user or a client of the control plane; in composed apps only. */
  readonly initiator?: string;
}

/** A tenant that is to be made: its row, without state and database. */
export type NewTenant = CreateTenantParams & { readonly id: string };

/** Settings of a tenant that are to be changed. Null clears one. */
export type TenantChanges = { readonly [K in keyof Tenant]?: Tenant[K] | null };

/**
 * Hooks around the life of tenants; AuthHero's `entityHooks.tenants` have this shape. What a `before` hook returns is
 * made instead, and is checked as what was asked for was; what it throws refuses, and nothing has changed. An
 * `after` hook may be called again after a crash or a failure, until it has returned once.
 */
export interface TenantHooks {
  beforeCreate?(context: TenantHookContext, tenant: NewTenant): Eventually<CreateTenantParams>;
  afterCreate?(context: TenantHookContext, tenant: Tenant): Eventually<void>;
  beforeUpdate?(context: TenantHookContext, id: string, changes: TenantChanges): Eventually<TenantChanges>;
  afterUpdate?(context: TenantHookContext, id: string, tenant: Tenant): Eventually<void>;
  beforeDelete?(context: TenantHookContext, id: string): Eventually<void>;
  afterDelete?(context: TenantHookContext, id: string): Eventually<void>;
}

/** The same six moments for those who need no context. */
export interface TenantEvents {
  /** May answer other data, or throw to refuse. */
  onTenantCreating?(tenant: NewTenant): Eventually<CreateTenantParams | undefined>;
  /** With the adapters over the tenant's own database; it is not served before this has returned. */
  onTenantCreated?(tenant: Tenant, ownAdapters: DataAdapters): Eventually<void>;
  /** May answer other changes, or throw to refuse. */
  onTenantUpdating?(id: string, changes: TenantChanges): Eventually<TenantChanges | undefined>;
  onTenantUpdated?(tenant: Tenant): Eventually<void>;
  /** May throw to refuse. */
  onTenantDeleting?(id: string): Eventually<void>;
  onTenantDeleted?(id: string): Eventually<void>;
}

/** Everybody who wants to know of tenants' lives, in the order in which they are asked. */
export interface TenantLife {
  creating(tenant: NewTenant): Promise<CreateTenantParams>;
  /** Undefined when nobody listens: then it is no step of a creation. */
  readonly created?: (tenant: Tenant, ownAdapters?: DataAdapters) => Promise<void>;
  updating(id: string, changes: TenantChanges): Promise<TenantChanges>;
  updated(tenant: Tenant): Promise<void>;
  deleting(id: string): Promise<void>;
  /** Undefined when nobody listens. */
  readonly deleted?: (id: string) => Promise<void>;
}

/** One after the other, each with what the one before has made of it. */
export function createTenantLife(
  context: Omit<TenantHookContext, "ownAdapters">,
  hooks: readonly TenantHooks[],
): TenantLife {
  const listening = (name: keyof TenantHooks) => hooks.some((hook) => hook[name] !== undefined);
  return {
    async creating(tenant) {
      let made: NewTenant = tenant;
      for (const hook of hooks) {
        const answer = (await hook.beforeCreate?.(context, made)) ?? made;
        // A hook that leaves the id away means the one it was told.
        made = { ...answer, id: answer.id ?? made.id };
      }
      return made;
    },
    async updating(id, changes) {
      let made = changes;
      for (const hook of hooks) made = (await hook.beforeUpdate?.(context, id, made)) ?? made;
      return made;
    },
    async updated(tenant) {
      for (const hook of hooks) await hook.afterUpdate?.(context, tenant.id, tenant);
    },
    async deleting(id) {
      for (const hook of hooks) await hook.beforeDelete?.(context, id);
    },
    ...(listening("afterCreate") && {
      async created(tenant: Tenant, ownAdapters?: DataAdapters) {
        const told = { ...context, ...(ownAdapters && { ownAdapters }) };
        for (const hook of hooks) await hook.afterCreate?.(told, tenant);
      },
    }),
    ...(listening("afterDelete") && {
      async deleted(id: string) {
        for (const hook of hooks) await hook.afterDelete?.(context, id);
      },
    }),
  };
}

/** Events as hooks. */
export function hooksOf(events: TenantEvents): TenantHooks {
  const { onTenantCreated, onTenantDeleted } = events;
  return {
    beforeCreate: async (_context, tenant) => (await events.onTenantCreating?.(tenant)) ?? tenant,
    beforeUpdate: async (_context, id, changes) => (await events.onTenantUpdating?.(id, changes)) ?? changes,
    afterUpdate: (_context, _id, tenant) => events.onTenantUpdated?.(tenant),
    beforeDelete: (_context, id) => events.onTenantDeleting?.(id),
    ...(onTenantCreated && {
      afterCreate: ({ ownAdapters, adapters }: TenantHookContext, tenant: Tenant) =>
        onTenantCreated.call(events, tenant, ownAdapters ?? adapters),
    }),
    ...(onTenantDeleted && {
      afterDelete: (_context: TenantHookContext, id: string) => onTenantDeleted.call(events, id),
    }),
  };
}
