import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRolePermissions } from "../../src/entities/role-permissions.ts";
import { createRoles } from "../../src/entities/roles.ts";
import { createUserPermissions } from "../../src/entities/user-permissions.ts";
import { createUserRoles } from "../../src/entities/user-roles.ts";
import { type FreshStore, freshStore } from "../support/store.ts";

let fresh: FreshStore;
let now: Date;

beforeEach(async () => {
  now = new Date("2026-01-01T00:00:00.000Z");
  fresh = await freshStore({ clock: () => now });
});

afterEach(() => fresh.close());

const importMetadata = { created_at: "2020-01-01T00:00:00.000Z" };
const api = (permission_name: string) => ({ resource_server_identifier: "https://api", permission_name });

describe("roles", () => {
  it("are unique by name, system or unmarked, and counted by the page until the total is asked for", async () => {
    const roles = createRoles(fresh.store);
    const admin = await roles.create("acme", { name: "admin", is_system: true, metadata: { nothing: null } });
    await roles.create("acme", { name: "user", is_system: false });

    await expect(roles.create("acme", { name: "admin" })).rejects.toMatchObject({ status: 409 });

    expect(await roles.get("acme", admin.id)).toEqual(admin);
    expect(admin).toMatchObject({ is_system: true, metadata: { nothing: null } });
    const { roles: [, user] = [] } = await roles.list("acme", { sort: { sort_by: "name", sort_order: "asc" } });
    expect(user).not.toHaveProperty("is_system");
    expect(await roles.list("acme", { per_page: 1 })).toMatchObject({ start: 0, limit: 1, length: 1 });
    expect(await roles.list("acme", { per_page: 1, include_totals: true })).toMatchObject({ length: 2 });
    expect((await roles.list("other")).roles).toEqual([]);
  });

  it("take along who had them and what they allowed", async () => {
    const { id } = await createRoles(fresh.store).create("acme", { name: "admin" });
    await createUserRoles(fresh.store).create("acme", "auth2|a", id);
    await createRolePermissions(fresh.store).assign("acme", id, [{ role_id: id, ...api("read") }]);

    expect(await createRoles(fresh.store).remove("acme", id)).toBe(true);

    expect((await createUserRoles(fresh.store).listUsers("acme", id)).userIds).toEqual([]);
    expect(await createRolePermissions(fresh.store).list("acme", id)).toEqual([]);
  });
});

describe("permissions of a role", () => {
  const permission = (name: string, role_id = "r1") => ({ role_id, ...api(name) });

  it("are assigned and removed as often as one likes", async () => {
    const permissions = createRolePermissions(fresh.store);
    const names = async () => (await permissions.list("acme", "r1")).map(({ permission_name }) => permission_name);

    expect(await permissions.assign("acme", "r1", [])).toBe(true);
    expect(await permissions.assign("acme", "r1", [permission("write"), permission("read")])).toBe(true);
    expect(await permissions.assign("acme", "r1", [permission("read")])).toBe(true);
    expect(await names()).toEqual(["read", "write"]);

    expect(await permissions.remove("acme", "r1", [api("write"), api("never")])).toBe(true);
    expect(await permissions.remove("acme", "r1", [])).toBe(true);
    expect(await permissions.remove("other", "r1", [api("read")])).toBe(true);
    expect(await names()).toEqual(["read"]);
  });

  it("are not assigned at all when one names another role", async () => {
    const permissions = createRolePermissions(fresh.store);

    expect(await permissions.assign("acme", "r1", [permission("read"), permission("write", "r2")])).toBe(false);

    expect(await permissions.list("acme", "r1")).toEqual([]);
  });

  it("are paged by 50 unless asked otherwise, and keep an import's time", async () => {
    const permissions = createRolePermissions(fresh.store);
    const many = Array.from({ length: 60 }, (_, n) => permission(`p${n}`));

    await permissions.assign("acme", "r1", many, { importMetadata });

    expect(await permissions.list("acme", "r1")).toHaveLength(50);
    expect(await permissions.list("acme", "r1", { per_page: 1000 })).toHaveLength(60);
    expect(await permissions.list("acme", "r1", { page: 1, per_page: 50 })).toHaveLength(10);
    expect((await permissions.list("acme", "r1", { per_page: 1 }))[0]).toMatchObject(importMetadata);
  });

  it("show the API's name, stored by identifier or by id, else what was stored", async () => {
    const id = "api_1";
    const row = { tenant_id: "acme", id, identifier: "https://api", name: "The API", created_at: 0, updated_at: 0 };
    await fresh.store.db.insertInto("resource_servers").values(row).execute();
    const permissions = createRolePermissions(fresh.store);
    const byId = { role_id: "r1", resource_server_identifier: id, permission_name: "b" };
    const gone = { role_id: "r1", resource_server_identifier: "gone", permission_name: "c" };

    await permissions.assign("acme", "r1", [permission("a"), byId, gone]);

    const shown = await permissions.list("acme", "r1");
    const names = shown.map((one) => [one.permission_name, "resource_server_name" in one && one.resource_server_name]);
    expect(Object.fromEntries(names)).toEqual({ a: "The API", b: "The API", c: "gone" });
  });
});

describe.each([
  ["roles", "user_roles"],
  ["permissions", "user_permissions"],
])("%s of a user", (kind) => {
  /** Both adapters as one: give, take, and the names found in a scope. */
  const scoped = async () => {
    const { store } = fresh;
    if (kind === "permissions") {
      const permissions = createUserPermissions(store);
      return {
        give: (name: string, org?: string) => permissions.create("acme", "u", { user_id: "u", ...api(name) }, org),
        take: (name: string, org?: string) => permissions.remove("acme", "u", api(name), org),
        found: async (org?: string) =>
          (await permissions.list("acme", "u", {}, org)).map(({ permission_name }) => permission_name),
      };
    }
    const userRoles = createUserRoles(store);
    for (const name of ["both", "global", "scoped"]) await createRoles(store).create("acme", { id: name, name });
    return {
      give: (name: string, org?: string) => userRoles.create("acme", "u", name, org),
      take: (name: string, org?: string) => userRoles.remove("acme", "u", name, org),
      found: async (org?: string) => (await userRoles.list("acme", "u", {}, org)).map(({ id }) => id),
    };
  };

  it("keep to their scope: undefined is all of them, '' the tenant's, an id that organization's", async () => {
    const { give, take, found } = await scoped();
    await give("global");
    await give("both", "");
    await give("both", "org_1");
    await give("scoped", "org_1");

    expect(new Set(await found())).toEqual(new Set(["both", "global", "scoped"]));
    expect(await found("")).toEqual(["both", "global"]);
    expect(await found("org_1")).toEqual(["both", "scoped"]);
    expect(await found("org_2")).toEqual([]);

    await take("both");
    await take("scoped", "org_1");
    expect(await found("")).toEqual(["global"]);
    expect(await found("org_1")).toEqual(["both"]);
  });

  it("are given twice and taken twice without complaint", async () => {
    const { give, take, found } = await scoped();

    expect([await give("both"), await give("both")]).toEqual([true, true]);
    expect(await found()).toEqual(["both"]);
    expect([await take("both"), await take("both")]).toEqual([true, true]);
    expect(await found()).toEqual([]);
  });
});

describe("permissions of a user", () => {
  it("show their scope only where it is an organization, and are listed whole", async () => {
    const permissions = createUserPermissions(fresh.store);
    const many = Array.from({ length: 60 }, (_, n) => ({ user_id: "u", ...api(`p${n}`) }));
    for (const one of many) await permissions.create("acme", "u", one);
    await permissions.create("acme", "u", { user_id: "u", ...api("in org") }, "org_1", { importMetadata });

    expect(await permissions.list("acme", "u")).toHaveLength(61);
    expect((await permissions.list("acme", "u", {}, ""))[0]).not.toHaveProperty("organization_id");
    expect(await permissions.list("acme", "u", {}, "org_1")).toEqual([
      {
        user_id: "u",
        resource_server_name: "https://api",
        organization_id: "org_1",
        ...api("in org"),
        ...importMetadata,
      },
    ]);
    expect(await permissions.list("other", "u")).toEqual([]);
  });
});

describe("users of a role", () => {
  beforeEach(async () => {
    const userRoles = createUserRoles(fresh.store);
    for (const user of ["c", "a", "b"]) await userRoles.create("acme", user, "r1");
    await userRoles.create("acme", "a", "r1", "org_1");
    await userRoles.create("other", "z", "r1");
  });

  it("are each listed once, in order, with the total", async () => {
    const userRoles = createUserRoles(fresh.store);

    expect(await userRoles.listUsers("acme", "r1", { per_page: 2 })).toEqual({
      userIds: ["a", "b"],
      start: 0,
      limit: 2,
      length: 3,
    });
  });

  it("are walked by checkpoint", async () => {
    const userRoles = createUserRoles(fresh.store);

    const first = await userRoles.listUsers("acme", "r1", { take: 2 });
    const second = await userRoles.listUsers("acme", "r1", { take: 2, ...(first.next && { from: first.next }) });

    expect([first.userIds, second.userIds]).toEqual([["a", "b"], ["c"]]);
    expect(second).not.toHaveProperty("next");
  });
});
