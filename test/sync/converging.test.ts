import { afterEach, describe, expect, it } from "vitest";
import { ensureSyncLog, readHead } from "../../src/sync/log.ts";
import { API, CASES, type Case, furnish, furnishOwn, ID, ownOf, permission } from "./cases.ts";
import { CONTROL_PLANE, type Estate, fingerprintOf, MANAGEMENT, openEstate, wantedFingerprint } from "./estate.ts";

const estates: Estate[] = [];
afterEach(async () => {
  for (const estate of estates.splice(0)) await estate.close();
});

async function furnished(): Promise<Estate> {
  const estate = await openEstate();
  estates.push(estate);
  await furnish(estate);
  return estate;
}

/** Where a child may stand when the change comes. */
const STATES = ["up to date", "behind", "created later"] as const;

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

  it("never gets the administrators' role, what stays local, the management API, symmetric APIs, passwords, nor a workforce login", async () => {
    const estate = await furnished();
    await estate.own.roles.update(CONTROL_PLANE, "rol_admin", { name: "Renamed" });
    await estate.own.resourceServers.create(CONTROL_PLANE, {
      ...{ identifier: "https://symmetric.example", name: "Symmetric", scopes: [{ value: "read" }] },
      ...{ signing_alg: "HS256", signing_secret: "planted-signing-secret" },
    });
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

describe("a table of the control plane that was rebuilt", () => {
  it("gets its triggers again, and every child is looked at: what has changed meanwhile arrives", async () => {
    const estate = await furnished();
    const { database, store } = estate.controlPlane;
    const house = await estate.child("acme");
    await estate.sync(house);
    const before = await readHead(store, CONTROL_PLANE);
    const [made] = await database.batch([statement("select sql from sqlite_master where name = 'roles'")]);
    await database.batch([
      statement(String(made?.rows[0]?.sql).replace(/^CREATE TABLE "?roles"?/, "CREATE TABLE rebuilt")),
      statement("insert into rebuilt select * from roles"),
      statement("drop table roles"),
      statement("alter table rebuilt rename to roles"),
    ]);
    await estate.own.roles.update(CONTROL_PLANE, ID.editor, { name: "Author" });
    const unseen = await readHead(store, CONTROL_PLANE);

    const repaired = [await ensureSyncLog(database), await ensureSyncLog(database)];

    expect(unseen).toEqual(before);
    expect(repaired).toEqual([true, false]);
    expect((await readHead(store, CONTROL_PLANE)).epoch).not.toBe(before.epoch);
    await estate.sync(house);
    expect(await fingerprintOf(estate, house)).toBe(await wantedFingerprint(estate));
    await estate.own.roles.update(CONTROL_PLANE, ID.editor, { name: "Writer" });
    expect((await readHead(store, CONTROL_PLANE)).version).toBeGreaterThan(before.version);
  });
});

const statement = (sql: string) => ({ sql, parameters: [] });
