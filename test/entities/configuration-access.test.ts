import { randomBytes } from "node:crypto";
import type { ClientRegistrationTokenInsert } from "@authhero/adapter-interfaces";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createKeyRing } from "../../src/db/seal.ts";
import { createEntities } from "../../src/entities/index.ts";
import { type FreshStore, freshStore } from "../support/store.ts";

let fresh: FreshStore;
let now: Date;
let all: ReturnType<typeof createEntities>;

beforeEach(async () => {
  now = new Date("2026-01-01T00:00:00.000Z");
  const keyRing = createKeyRing({ current: { id: "k1", key: randomBytes(32) } });
  fresh = await freshStore({ clock: () => now, keyRing });
  all = createEntities(fresh.store);
});

afterEach(() => fresh.close());

const later = (seconds = 1) => {
  now = new Date(now.getTime() + seconds * 1000);
};

const stored = async (table: string, column: string): Promise<unknown[]> => {
  const { rows } = await sql<{ value: unknown }>`
    select ${sql.ref(column)} as value from ${sql.table(table)} order by 1
  `.execute(fresh.store.db);
  return rows.map(({ value }) => value);
};

/** Fields that AuthHero's schemas fill in may be missing here, whatever the type that comes out of them says. */
const token = (id: string, rest: Partial<ClientRegistrationTokenInsert> = {}) =>
  ({ id, token_hash: `hash of ${id}`, type: "rat", ...rest }) as ClientRegistrationTokenInsert;

describe("client grants", () => {
  it("are one per client and API, and found by both", async () => {
    const grant = await all.clientGrants.create("acme", { client_id: "app", audience: "https://api" });
    await all.clientGrants.create("acme", { client_id: "app", audience: "urn:b", allow_any_organization: true });
    const found = async (q: string) =>
      (await all.clientGrants.list("acme", { q })).client_grants.map(({ audience }) => audience).sort();

    expect(grant).toMatchObject({
      scope: [],
      authorization_details_types: [],
      allow_any_organization: false,
      is_system: false,
    });
    await expect(all.clientGrants.create("acme", { client_id: "app", audience: "https://api" })).rejects.toMatchObject({
      status: 409,
    });
    expect(await found('client_id:"app"')).toEqual(["https://api", "urn:b"]);
    expect(await found('audience:"https://api"')).toEqual(["https://api"]);
    expect(await found("allow_any_organization:true")).toEqual(["urn:b"]);
    expect((await all.clientGrants.list("other", { q: "tenant_id:acme" })).client_grants).toEqual([]);
  });

  it("are walked by checkpoint", async () => {
    for (const audience of ["a", "b", "c"]) await all.clientGrants.create("acme", { client_id: "app", audience });

    const { client_grants, ...counters } = await all.clientGrants.list("acme", { take: 2 });

    expect(counters).toMatchObject({ start: 0, limit: 2, length: 2, next: expect.any(String) });
    const rest = await all.clientGrants.list("acme", { take: 2, from: counters.next ?? "" });
    expect(rest).not.toHaveProperty("next");
    expect([...client_grants, ...rest.client_grants].map(({ audience }) => audience).sort()).toEqual(["a", "b", "c"]);
  });
});

describe("client registration tokens", () => {
  it("are used once and revoked once, however many ask", async () => {
    const tokens = all.clientRegistrationTokens;
    await tokens?.create("acme", token("t1", { constraints: { domain: null } }));
    const at = now.toISOString();
    const ask = (one: () => Promise<boolean> | undefined) => Promise.all(Array.from({ length: 8 }, one));

    const used = await ask(() => tokens?.markUsed("acme", "t1", at));
    const revoked = await ask(() => tokens?.revoke("acme", "t1", at));

    expect(used.filter(Boolean)).toHaveLength(1);
    expect(revoked.filter(Boolean)).toHaveLength(1);
    expect(await tokens?.getByHash("acme", "hash of t1")).toMatchObject({
      id: "t1",
      used_at: at,
      revoked_at: at,
      single_use: false,
      constraints: { domain: null },
    });
    expect(await tokens?.getByHash("other", "hash of t1")).toBeNull();
    await expect(tokens?.create("acme", token("t2", { token_hash: "hash of t1" }))).rejects.toMatchObject({
      status: 409,
    });
  });

  it("of a client are listed newest first and revoked together, those that were not yet", async () => {
    const tokens = all.clientRegistrationTokens;
    for (const id of ["t1", "t2", "t3"]) {
      await tokens?.create("acme", token(id, { client_id: id === "t3" ? "second" : "app" }));
      later();
    }
    await tokens?.revoke("acme", "t1", "2026-01-01T00:00:00.000Z");

    expect((await tokens?.listByClient("acme", "app"))?.map(({ id }) => id)).toEqual(["t2", "t1"]);
    expect(await tokens?.revokeByClient("acme", "app", now.toISOString())).toBe(1);
    expect((await tokens?.get("acme", "t1"))?.revoked_at).toBe("2026-01-01T00:00:00.000Z");
    expect(await tokens?.get("acme", "t3")).not.toHaveProperty("revoked_at");
  });
});

describe("resource servers", () => {
  const api = (rest: object = {}) => ({ name: "The API", identifier: "https://api", ...rest });

  it("have their lifetimes and lists set or not, and one per identifier", async () => {
    const created = await all.resourceServers.create("acme", api({ signing_secret: "s3cret" }));

    expect(created).toMatchObject({
      id: expect.stringMatching(/^api_[0-9a-z]{17}$/),
      scopes: [],
      options: {},
      token_lifetime: 86_400,
      token_lifetime_for_web: 7_200,
      signing_secret: "s3cret",
    });
    expect(created).not.toHaveProperty("is_system");
    expect((await stored("resource_servers", "signing_secret")).join()).toMatch(/^rh1\./);
    await expect(all.resourceServers.create("acme", api())).rejects.toMatchObject({ status: 409 });
    expect(await all.resourceServers.get("acme", "https://api")).toBeNull();
  });

  it("merge the top level of their options; what is inside of one is replaced, nulls and all", async () => {
    const options = { enforce_policies: true, token_dialect: "access_token", inner: { a: 1 } };
    const { id = "" } = await all.resourceServers.create("acme", api({ options }));

    const patch = { token_dialect: "access_token_authz", inner: { b: null }, "dotted.key": 1 };
    expect(await all.resourceServers.update("acme", id, { name: "Renamed", options: patch as never })).toBe(true);

    expect(await all.resourceServers.get("acme", id)).toMatchObject({
      name: "Renamed",
      options: { enforce_policies: true, ...patch },
    });
    expect((await all.resourceServers.get("acme", id))?.options).toEqual({ enforce_policies: true, ...patch });
    await all.resourceServers.update("acme", id, { options: null as never });
    expect((await all.resourceServers.get("acme", id))?.options).toEqual({});
    expect(await all.resourceServers.update("other", id, { options: {} })).toBe(false);
  });

  it("are searched for by part of name or identifier", async () => {
    await all.resourceServers.create("acme", api());
    await all.resourceServers.create("acme", { name: "Second", identifier: "urn:second" });
    const found = async (q: string) =>
      (await all.resourceServers.list("acme", { q })).resource_servers.map(({ name }) => name);

    expect(await found("identifier:https://api")).toEqual(["The API"]);
    expect(await found("name:econ")).toEqual(["Second"]);
    expect(await found("second")).toEqual(["Second"]);
  });

  it("take their permissions along, named by identifier or by id", async () => {
    const { id = "" } = await all.resourceServers.create("acme", api());
    const permission = (resource_server_identifier: string) => ({
      role_id: "r",
      resource_server_identifier,
      permission_name: "read",
    });
    await all.rolePermissions.assign("acme", "r", ["https://api", id, "urn:other"].map(permission));
    await all.userPermissions.create("acme", "auth2|a", { user_id: "auth2|a", ...permission("https://api") });
    await all.userPermissions.create("other", "auth2|a", { user_id: "auth2|a", ...permission("https://api") });

    expect(await all.resourceServers.remove("acme", id)).toBe(true);

    expect(await stored("role_permissions", "resource_server_identifier")).toEqual(["urn:other"]);
    expect(await stored("user_permissions", "tenant_id")).toEqual(["other"]);
  });
});
