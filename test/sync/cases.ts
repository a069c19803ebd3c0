import type { SyncOptions } from "../../src/sync/rules.ts";
import { CONTROL_PLANE, type Estate, type House, MANAGEMENT } from "./estate.ts";

export const API = "https://api.example";
export const ID = {
  api: "api_orders",
  editor: "rol_editor",
  viewer: "rol_viewer",
  google: "con_google",
  work: "con_work",
};

export const permission = (role_id: string, permission_name: string, resource_server_identifier = API) => ({
  role_id,
  resource_server_identifier,
  permission_name,
});

/** Lets a control plane share an API, two roles and a social login, and have what is nobody else's business. */
export async function furnish(estate: Estate): Promise<void> {
  const { resourceServers, roles, rolePermissions, connections } = estate.own;
  await resourceServers.create(CONTROL_PLANE, {
    id: ID.api,
    identifier: API,
    name: "Orders",
    scopes: [{ value: "read" }, { value: "write" }],
    signing_secret: "planted-signing-secret",
  });
  await resourceServers.create(CONTROL_PLANE, { identifier: MANAGEMENT, name: "Management", scopes: [] });
  await roles.create(CONTROL_PLANE, { id: ID.editor, name: "Editor" });
  await roles.create(CONTROL_PLANE, { id: ID.viewer, name: "Viewer", description: "Looks" });
  await roles.create(CONTROL_PLANE, { id: "rol_admin", name: "Tenant Admin" });
  await roles.create(CONTROL_PLANE, { id: "rol_local", name: "Local", metadata: { sync: false } });
  await rolePermissions.assign(CONTROL_PLANE, ID.editor, [
    permission(ID.editor, "read"),
    permission(ID.editor, "write"),
  ]);
  await connections.create(CONTROL_PLANE, {
    id: ID.google,
    name: "google",
    strategy: "google-oauth2",
    options: { client_id: "planted-id", client_secret: "planted-secret", scope: "openid email" },
  });
  await connections.create(CONTROL_PLANE, {
    id: ID.work,
    name: "work",
    strategy: "oidc",
    options: { client_secret: "s" },
  });
  await connections.create(CONTROL_PLANE, { name: "passwords", strategy: "auth0", options: {} });
}

export interface Case {
  readonly change: (estate: Estate) => Promise<unknown>;
  /** As the start after the change has them. */
  readonly options?: SyncOptions;
  /** What is there before, where the change is that it goes. */
  readonly before?: SyncOptions;
}

/** Every kind of change that a control plane may go through. */
export const CASES: Readonly<Record<string, Case>> = {
  "a role is created": { change: ({ own }) => own.roles.create(CONTROL_PLANE, { id: "rol_new", name: "New" }) },
  "a role with spaces and quotes is created": {
    change: ({ own }) =>
      own.roles.create(CONTROL_PLANE, { id: "rol_odd", name: `Bob's "own" role; --`, description: "'" }),
  },
  "a role is renamed": { change: ({ own }) => own.roles.update(CONTROL_PLANE, ID.editor, { name: "Author" }) },
  "two roles exchange their names": {
    async change({ own: { roles } }) {
      await roles.update(CONTROL_PLANE, ID.editor, { name: "?" });
      await roles.update(CONTROL_PLANE, ID.viewer, { name: "Editor" });
      await roles.update(CONTROL_PLANE, ID.editor, { name: "Viewer" });
    },
  },
  "a role is deleted": { change: ({ own }) => own.roles.remove(CONTROL_PLANE, ID.editor) },
  "a role is deleted and made again under its name": {
    async change({ own: { roles } }) {
      await roles.remove(CONTROL_PLANE, ID.editor);
      await roles.create(CONTROL_PLANE, { id: "rol_again", name: "Editor" });
    },
  },
  "a permission is added": {
    change: ({ own }) => own.rolePermissions.assign(CONTROL_PLANE, ID.viewer, [permission(ID.viewer, "read")]),
  },
  "a permission is removed": {
    change: ({ own }) => own.rolePermissions.remove(CONTROL_PLANE, ID.editor, [permission(ID.editor, "write")]),
  },
  "a scope is added": {
    change: ({ own }) =>
      own.resourceServers.update(CONTROL_PLANE, ID.api, {
        scopes: [{ value: "read" }, { value: "write" }, { value: "delete" }],
      }),
  },
  "a scope is removed": {
    change: ({ own }) => own.resourceServers.update(CONTROL_PLANE, ID.api, { scopes: [{ value: "read" }] }),
  },
  "an API gets another identifier": {
    change: ({ own }) => own.resourceServers.update(CONTROL_PLANE, ID.api, { identifier: "https://orders.example" }),
  },
  "an API is deleted": { change: ({ own }) => own.resourceServers.remove(CONTROL_PLANE, ID.api) },
  "an API is deleted and made again, and its permissions given again": {
    async change({ own: { resourceServers, rolePermissions } }) {
      await resourceServers.remove(CONTROL_PLANE, ID.api);
      await resourceServers.create(CONTROL_PLANE, { id: "api_again", identifier: API, name: "Orders", scopes: [] });
      await rolePermissions.assign(CONTROL_PLANE, ID.editor, [
        permission(ID.editor, "read"),
        permission(ID.editor, "write"),
      ]);
    },
  },
  "a connection is created": {
    change: ({ own }) => own.connections.create(CONTROL_PLANE, { name: "gh", strategy: "github", options: {} }),
  },
  "a connection shows another name": {
    change: ({ own }) => own.connections.update(CONTROL_PLANE, ID.google, { display_name: "Google!" }),
  },
  "a connection is deleted": { change: ({ own }) => own.connections.remove(CONTROL_PLANE, ID.google) },
  "an enterprise connection opts in": {
    change: ({ own }) => own.connections.update(CONTROL_PLANE, ID.work, { metadata: { sync: true } }),
  },
  "a role opts out": { change: ({ own }) => own.roles.update(CONTROL_PLANE, ID.editor, { metadata: { sync: false } }) },
  "an API opts out, with the permissions on it": {
    change: ({ own }) => own.resourceServers.update(CONTROL_PLANE, ID.api, { metadata: { sync: false } }),
  },
  "a role opts in": { change: ({ own }) => own.roles.update(CONTROL_PLANE, "rol_local", { metadata: {} }) },
  "a filter begins to refuse": {
    change: () => Promise.resolve(),
    options: { filters: { roles: ({ name }) => name !== "Editor" } },
  },
  "a filter no longer refuses": {
    change: () => Promise.resolve(),
    before: { filters: { roles: ({ name }) => name !== "Editor", connections: () => false } },
  },
};

/** What a child has of its own, and must find again as it was. */
export async function furnishOwn({ adapters, tenantId }: House) {
  const { roles, resourceServers, rolePermissions, userRoles, connections, clients, users } = adapters;
  await roles.create(tenantId, { id: "own_role", name: "Cook", description: "Cooks" });
  await resourceServers.create(tenantId, {
    identifier: "https://own.example",
    name: "Own",
    scopes: [{ value: "cook" }],
  });
  await rolePermissions.assign(tenantId, "own_role", [permission("own_role", "cook", "https://own.example")]);
  const { id } = await connections.create(tenantId, {
    name: "own",
    strategy: "github",
    options: { client_secret: "own" },
  });
  await clients.create(tenantId, { client_id: "own_client", name: "Own", connections: [id ?? ""] } as never);
  await users.create(tenantId, { user_id: "auth2|1", provider: "auth2", connection: "own", email: "a@b.c" } as never);
  await userRoles.create(tenantId, "auth2|1", "own_role");
}

export async function ownOf({ database }: House) {
  const [roles, apis, permissions, held, connections] = await database.batch(
    [
      "select * from roles where is_system is null order by id",
      "select * from resource_servers where is_system is null order by id",
      "select * from role_permissions where role_id = 'own_role'",
      "select * from user_roles where role_id = 'own_role'",
      "select * from connections where is_system is null order by id",
    ].map((sql) => ({ sql, parameters: [] })),
  );
  return [roles, apis, permissions, held, connections].map((result) => result?.rows);
}
