import type { DataAdapters } from "@authhero/adapter-interfaces";
import { PlatformError } from "../domain/errors.ts";

/** Entities that a child may have from the control plane, and what people call one. */
const SYNCED = {
  actions: "action",
  clientGrants: "client grant",
  connections: "connection",
  resourceServers: "resource server",
  roles: "role",
} as const satisfies Partial<Record<keyof DataAdapters, string>>;

export type SyncedEntity = keyof typeof SYNCED;

/** The refusal of a change to a synced row: 403 `system_resource`. */
export const systemResource = (entity: SyncedEntity) =>
  new PlatformError(
    "forbidden",
    "system_resource",
    `This ${SYNCED[entity]} is a system resource and cannot be modified. Make changes in the control plane instead.`,
  );

/** The refusal of a row that says of itself that it is synced: 400 `invalid_is_system`. */
export const claimsSystem = () =>
  new PlatformError("invalid", "invalid_is_system", "is_system: cannot be set; the control plane decides it");

/**
 * Makes the rows that the control plane owns in a child (`is_system`) read-only, with all that belongs to them: the
 * permissions of a role, the applications and the provisioning of a connection. Inside the adapters, so that no route
 * gets around it, whoever adds one. What a child only points at stays its own business: who has a synced role, which
 * synced connection an organization or an application uses. Nobody can make a row synced, on the control plane neither.
 */
export function protectSynced(adapters: DataAdapters, controlPlaneTenantId: string): DataAdapters {
  const changeable = requireChangeable(adapters, controlPlaneTenantId);
  const { actions, clientGrants, connections, resourceServers, roles } = adapters;
  return {
    ...adapters,
    actions: { ...actions, ...guarded("actions", actions, changeable) },
    clientGrants: { ...clientGrants, ...guarded("clientGrants", clientGrants, changeable) },
    connections: { ...connections, ...guarded("connections", connections, changeable) },
    resourceServers: { ...resourceServers, ...guarded("resourceServers", resourceServers, changeable) },
    roles: { ...roles, ...guarded("roles", roles, changeable) },
    ...belongings(adapters, changeable),
    transaction: (work) => adapters.transaction((inside) => work(protectSynced(inside, controlPlaneTenantId))),
  };
}

/** Throws unless this row may be changed in this tenant. A row that is not there may: that is for others to say. */
export type Changeable = (entity: SyncedEntity, tenantId: string, id: string) => Promise<void>;

/** Asks the adapters. The control plane's own rows are its own to change. */
export const requireChangeable =
  (adapters: Pick<DataAdapters, SyncedEntity>, controlPlaneTenantId: string | undefined): Changeable =>
  async (entity, tenantId, id) => {
    if (tenantId === controlPlaneTenantId) return;
    const row = await adapters[entity].get(tenantId, id);
    if (row?.is_system) throw systemResource(entity);
  };

interface Writes<I, P, R, O> {
  create(tenantId: string, input: I, options?: O): Promise<R>;
  update(tenantId: string, id: string, patch: P): Promise<boolean>;
  remove(tenantId: string, id: string): Promise<boolean>;
}

function guarded<I extends object, P extends object, R, O>(
  entity: SyncedEntity,
  own: Writes<I, P, R, O>,
  changeable: Changeable,
): Writes<I, P, R, O> {
  return {
    async create(tenantId, input, options) {
      requireUnclaimed(input);
      return await own.create(tenantId, input, options);
    },
    async update(tenantId, id, patch) {
      requireUnclaimed(patch);
      await changeable(entity, tenantId, id);
      return await own.update(tenantId, id, patch);
    },
    async remove(tenantId, id) {
      await changeable(entity, tenantId, id);
      return await own.remove(tenantId, id);
    },
  };
}

function requireUnclaimed(input: { readonly is_system?: unknown }): void {
  if (input.is_system !== undefined) throw claimsSystem();
}

type Belongings = Pick<DataAdapters, "clientConnections" | "rolePermissions" | "scimConfigurations" | "scimTokens">;

/** What belongs to a row is as protected as the row. */
function belongings(adapters: DataAdapters, changeable: Changeable): Belongings {
  const { clientConnections, rolePermissions, scimConfigurations, scimTokens } = adapters;
  return {
    rolePermissions: {
      ...rolePermissions,
      async assign(tenantId, roleId, permissions, options) {
        await changeable("roles", tenantId, roleId);
        return await rolePermissions.assign(tenantId, roleId, permissions, options);
      },
      async remove(tenantId, roleId, permissions) {
        await changeable("roles", tenantId, roleId);
        return await rolePermissions.remove(tenantId, roleId, permissions);
      },
    },
    // An application's own list (`updateByClient`) is the application's.
    clientConnections: {
      ...clientConnections,
      async addClientToConnection(tenantId, connectionId, clientId) {
        await changeable("connections", tenantId, connectionId);
        return await clientConnections.addClientToConnection(tenantId, connectionId, clientId);
      },
      async removeClientFromConnection(tenantId, connectionId, clientId) {
        await changeable("connections", tenantId, connectionId);
        return await clientConnections.removeClientFromConnection(tenantId, connectionId, clientId);
      },
    },
    ...provisioning({ scimConfigurations, scimTokens }, changeable),
  };
}

/** Who may write users into a connection (SCIM). */
function provisioning(
  { scimConfigurations, scimTokens }: Pick<DataAdapters, "scimConfigurations" | "scimTokens">,
  changeable: Changeable,
): Pick<DataAdapters, "scimConfigurations" | "scimTokens"> {
  return {
    ...(scimConfigurations && {
      scimConfigurations: {
        ...scimConfigurations,
        async create(tenantId, configuration) {
          await changeable("connections", tenantId, configuration.connection_id);
          return await scimConfigurations.create(tenantId, configuration);
        },
        async update(tenantId, connectionId, patch) {
          await changeable("connections", tenantId, connectionId);
          return await scimConfigurations.update(tenantId, connectionId, patch);
        },
        async remove(tenantId, connectionId) {
          await changeable("connections", tenantId, connectionId);
          return await scimConfigurations.remove(tenantId, connectionId);
        },
      },
    }),
    ...(scimTokens && {
      scimTokens: {
        ...scimTokens,
        async create(tenantId, token) {
          await changeable("connections", tenantId, token.connection_id);
          return await scimTokens.create(tenantId, token);
        },
        async remove(tenantId, id) {
          const token = await scimTokens.get(tenantId, id);
          if (token) await changeable("connections", tenantId, token.connection_id);
          return await scimTokens.remove(tenantId, id);
        },
      },
    }),
  };
}
