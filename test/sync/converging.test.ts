import { afterEach, describe, expect, it } from "vitest";
import { readHead } from "../../src/sync/log.ts";
import type { SyncOptions } from "../../src/sync/rules.ts";
import {
  CONTROL_PLANE,
  type Estate,
  fingerprintOf,
  type House,
  MANAGEMENT,
  openEstate,
  wantedFingerprint,
} from "./estate.ts";

const estates: Estate[] = [];
afterEach(async () => {
  for (const estate of estates.splice(0)) await estate.close();
});

const API = "https://api.example";
const ID = { api: "api_orders", editor: "rol_editor", viewer: "rol_viewer", google: "con_google", work: "con_work" };

const permission = (role_id: string, permission_name: string, resource_server_identifier = API) => ({
  role_id,
  resource_server_identifier,
  permission_name,
});

/** A control plane that shares an API, two roles and a social login, and has what is nobody else's business. */
async function furnished(): Promise<Estate> {
  const estate = await openEstate();
  estates.push(estate);
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
  return estate;
}

interface Case {
  readonly change: (estate: Estate) => Promise<unknown>;
  /** As the start after the change has them. */
  readonly options?: SyncOptions;
  /** What is there before, where the change is that it goes. */
  readonly before?: SyncOptions;
}

/** Every kind of change that a control plane may go through. */
const CASES: Readonly<Record<string, Case>> = {
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

/** Where a child may stand when the change comes. */
const STATES = ["up to date", "behind", "created later"] as const;

/** What a child has of its own, and must find again as it was. */
async function furnishOwn({ adapters, tenantId }: House) {
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

async function ownOf({ database }: House) {
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

describe("a child", () => {
  const table = Object.keys(CASES).flatMap((name) => STATES.map((state) => [name, state] as const));

  it.each(table)("has what the control plane has when %s, being %s; its own is untouched", async (name, state) => {
    const { change, options, before } = CASES[name] as Case;
    const estate = await furnished();
    const house = await estate.child("acme");
    await furnishOwn(house);
    const own = await ownOf(house);
    if (state === "up to date") await estate.sync(house, before);
    if (state === "behind") {
      await estate.sync(house, before);
      await estate.own.roles.create(CONTROL_PLANE, { name: "Missed" });
      await estate.own.roles.update(CONTROL_PLANE, ID.viewer, { description: "Missed, too" });
    }

    await change(estate);
    const { collisions } = await estate.sync(house, options);

    expect(collisions).toEqual([]);
    expect(await fingerprintOf(estate, house, options)).toBe(await wantedFingerprint(estate, options));
    expect(await ownOf(house)).toEqual(own);
    expect((await estate.sync(house, options)).changes).toEqual([]);
  });

  it("never gets the administrators' role, what stays local, the management API, passwords, nor a workforce login", async () => {
    const estate = await furnished();
    await estate.own.roles.update(CONTROL_PLANE, "rol_admin", { name: "Renamed" });
    await estate.own.rolePermissions.assign(CONTROL_PLANE, "rol_admin", [
      permission("rol_admin", "admin:organizations", MANAGEMENT),
    ]);
    const house = await estate.child("acme");

    await estate.sync(house);

    const { roles } = await house.adapters.roles.list("acme");
    const { connections } = await house.adapters.connections.list("acme");
    const { resource_servers } = await house.adapters.resourceServers.list("acme");
    expect(roles.map(({ name }) => name).sort()).toEqual(["Editor", "Viewer"]);
    expect(connections.map(({ name }) => name)).toEqual(["google"]);
    expect(resource_servers.map(({ identifier }) => identifier)).toEqual([API]);
  });

  it("gets a role without its rights over other tenants, and without those on APIs it has not", async () => {
    const estate = await furnished();
    await estate.own.rolePermissions.assign(CONTROL_PLANE, ID.viewer, [
      permission(ID.viewer, "create:tenants", MANAGEMENT),
      permission(ID.viewer, "read:users", MANAGEMENT),
      permission(ID.viewer, "read", "https://nowhere.example"),
    ]);
    const house = await estate.child("acme");

    await estate.sync(house);

    const granted = await house.adapters.rolePermissions.list("acme", ID.viewer);
    expect(granted.map(({ permission_name }) => permission_name)).toEqual(["read:users"]);
  });

  it("gets connections and APIs without what is secret about them", async () => {
    const estate = await furnished();
    const house = await estate.child("acme");

    await estate.sync(house);

    const google = await house.adapters.connections.get("acme", ID.google);
    expect(google).toMatchObject({ name: "google", strategy: "google-oauth2", is_system: true });
    expect(google?.options).toEqual({ scope: "openid email" });
    const api = await house.adapters.resourceServers.get("acme", ID.api);
    expect(api).toMatchObject({ identifier: API, is_system: true });
    expect(api?.signing_secret).toBeUndefined();
  });

  it("loses with a role, an API and a connection what was given by them", async () => {
    const estate = await furnished();
    const house = await estate.child("acme");
    const { userRoles, userPermissions, users, clients } = house.adapters;
    await estate.sync(house);
    await users.create("acme", { user_id: "auth2|1", provider: "auth2", connection: "own", email: "a@b.c" } as never);
    await userRoles.create("acme", "auth2|1", ID.editor);
    await userPermissions.create("acme", "auth2|1", {
      user_id: "auth2|1",
      resource_server_identifier: API,
      permission_name: "read",
    });
    await clients.create("acme", { client_id: "app", name: "App", connections: ["own", ID.google] } as never);

    await estate.own.roles.remove(CONTROL_PLANE, ID.editor);
    await estate.own.resourceServers.remove(CONTROL_PLANE, ID.api);
    await estate.own.connections.remove(CONTROL_PLANE, ID.google);
    await estate.sync(house);

    expect(await userRoles.list("acme", "auth2|1", undefined, "")).toEqual([]);
    expect(await userPermissions.list("acme", "auth2|1")).toEqual([]);
    expect((await clients.get("acme", "app"))?.connections).toEqual(["own"]);
  });

  it("keeps users in a role that is renamed", async () => {
    const estate = await furnished();
    const house = await estate.child("acme");
    const { userRoles, users } = house.adapters;
    await estate.sync(house);
    await users.create("acme", { user_id: "auth2|1", provider: "auth2", connection: "own", email: "a@b.c" } as never);
    await userRoles.create("acme", "auth2|1", ID.editor);

    await estate.own.roles.update(CONTROL_PLANE, ID.editor, { name: "Author" });
    await estate.sync(house);

    expect(await userRoles.list("acme", "auth2|1", undefined, "")).toMatchObject([{ name: "Author" }]);
  });
});

describe("a child's own entity of the same name", () => {
  async function colliding() {
    const estate = await furnished();
    const house = await estate.child("acme");
    await house.adapters.roles.create("acme", { id: "mine", name: "Editor", description: "Mine" });
    await house.adapters.connections.create("acme", {
      id: "con_mine",
      name: "google",
      strategy: "github",
      options: {},
    });
    return { estate, house };
  }

  it("is kept and reported, and everything else arrives", async () => {
    const { estate, house } = await colliding();

    const { collisions } = await estate.sync(house);

    expect(collisions).toEqual([
      { kind: "role", originId: ID.editor, localId: "mine", label: "Editor" },
      { kind: "connection", originId: ID.google, localId: "con_mine", label: "google" },
    ]);
    expect(await house.adapters.roles.get("acme", "mine")).toMatchObject({ name: "Editor", description: "Mine" });
    expect((await house.adapters.roles.get("acme", "mine"))?.is_system).toBeUndefined();
    expect(await house.adapters.roles.get("acme", ID.viewer)).toMatchObject({ name: "Viewer", is_system: true });
    await estate.own.roles.remove(CONTROL_PLANE, ID.editor);
    await estate.sync(house);
    expect(await house.adapters.roles.get("acme", "mine")).not.toBeNull();
  });

  it("is taken over by who asks for that, unless it is another login", async () => {
    const { estate, house } = await colliding();

    const { collisions } = await estate.sync(house, { onCollision: "adopt" });

    expect(collisions.map(({ kind }) => kind)).toEqual(["connection"]);
    expect(await house.adapters.roles.get("acme", "mine")).toMatchObject({ name: "Editor", is_system: true });
    expect(await house.adapters.rolePermissions.list("acme", "mine")).toHaveLength(2);
  });

  it("lets a shared one keep its old name, and whoever wants that; all arrive when it is gone", async () => {
    const estate = await furnished();
    const house = await estate.child("acme");
    await estate.sync(house);
    await house.adapters.roles.create("acme", { id: "mine", name: "Author" });
    await estate.own.roles.update(CONTROL_PLANE, ID.editor, { name: "Author", description: "Writes" });
    await estate.own.roles.update(CONTROL_PLANE, ID.viewer, { name: "Editor" });

    const { collisions } = await estate.sync(house);

    expect(collisions.map(({ originId }) => originId).sort()).toEqual([ID.editor, ID.viewer].sort());
    expect(await house.adapters.roles.get("acme", ID.editor)).toMatchObject({ name: "Editor", description: "Writes" });
    await house.adapters.roles.remove("acme", "mine");
    expect((await estate.sync(house)).collisions).toEqual([]);
    expect(await fingerprintOf(estate, house)).toBe(await wantedFingerprint(estate));
  });
});

describe("the version of what is shared", () => {
  it("rises with every change, whoever makes it, and begins a new epoch when the rules change", async () => {
    const estate = await furnished();
    const head = () => readHead(estate.controlPlane.store, CONTROL_PLANE);
    await estate.shared();
    const first = await head();

    await estate.controlPlane.database.batch([
      { sql: "update roles set name = name where id = 'rol_editor'", parameters: [] },
    ]);
    const second = await head();
    await estate.shared();
    await estate.shared({ filters: { roles: () => false } });
    const third = await head();

    expect(second.version).toBeGreaterThan(first.version);
    expect(second.epoch).toBe(first.epoch);
    expect(third.epoch).not.toBe(first.epoch);
  });
});
