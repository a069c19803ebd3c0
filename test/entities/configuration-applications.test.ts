import { randomBytes } from "node:crypto";
import type { Client, ClientInsert, ConnectionInsert } from "@authhero/adapter-interfaces";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createKeyRing } from "../../src/db/seal.ts";
import { clients } from "../../src/entities/clients.ts";
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
const client = (client_id: string, rest: Partial<ClientInsert> = {}): ClientInsert => ({
  client_id,
  name: `The ${client_id}`,
  ...rest,
});
const connection = (id: string, rest: Partial<ConnectionInsert> = {}) =>
  ({ id, name: `name of ${id}`, strategy: "oidc", options: {}, ...rest }) as ConnectionInsert;

describe("clients", () => {
  it("show every list, object and flag, and nothing else that was not set", async () => {
    const created = await all.clients.create("acme", { name: "App" });

    expect(created.client_id).toMatch(/^[\w-]{21}$/);
    expect(created).toMatchObject({
      is_first_party: true,
      oidc_conformant: true,
      auth0_conformant: true,
      sso: false,
      global: false,
      callbacks: [],
      connections: [],
      client_metadata: {},
      refresh_token: {},
    });
    expect(created).not.toHaveProperty("client_secret");
    expect(created).not.toHaveProperty("registration_metadata");
    expect(await all.clients.get("acme", created.client_id)).toEqual(created);
    await expect(all.clients.create("acme", created)).rejects.toMatchObject({ status: 409 });
  });

  it("keep their secret sealed", async () => {
    await all.clients.create("acme", client("app", { client_secret: "s3cret" }));

    expect(await all.clients.get("acme", "app")).toMatchObject({ client_secret: "s3cret" });
    expect((await stored("clients", "client_secret")).join()).toMatch(/^rh1\./);
  });

  it("replace a field as a whole, leave the others alone, and clear what is null", async () => {
    await all.clients.create("acme", client("app", { client_metadata: { a: "1", b: "2" }, logo_uri: "https://logo" }));
    later();

    const patch = { client_metadata: { b: "3" }, logo_uri: null as never, connections: null as never, sso: true };
    expect(await all.clients.update("acme", "app", patch)).toBe(true);

    const changed = await all.clients.get("acme", "app");
    expect(changed).toMatchObject({ client_metadata: { b: "3" }, connections: [], sso: true, name: "The app" });
    expect(changed).not.toHaveProperty("logo_uri");
    expect(changed?.updated_at).toBe("2026-01-01T00:00:01.000Z");
    expect(await all.clients.update("other", "app", { sso: false })).toBe(false);
  });

  it("can be written back whole, and cleared whole: more fields than SQLite nests", async () => {
    const made = await all.clients.create("acme", client("app", { sso: true, callbacks: ["https://a"] }));
    const { client_id: _id, name: _name, created_at: _created, updated_at: _updated, ...fields } = made;
    const optional = Object.keys(clients.columns).filter((field) => clients.columns[field]?.home === "doc");

    expect(await all.clients.update("acme", "app", fields)).toBe(true);
    expect(await all.clients.get("acme", "app")).toEqual(made);

    const nothing = Object.fromEntries(optional.map((field) => [field, null])) as Partial<Client>;
    expect(optional.length).toBeGreaterThan(40);
    expect(await all.clients.update("acme", "app", nothing)).toBe(true);
    expect(await all.clients.get("acme", "app")).toMatchObject({ name: "The app", sso: false, callbacks: [] });
  });

  it("are found by their id alone while one tenant has it, and by nobody's guess after that", async () => {
    await all.clients.create("acme", client("default", { client_secret: "acme's" }));

    expect(await all.clients.getByClientId("default")).toMatchObject({ tenant_id: "acme", client_secret: "acme's" });
    expect(await all.clients.getByClientId("unknown")).toBeNull();
    await all.clients.create("other", client("default"));
    expect(await all.clients.getByClientId("default")).toBeNull();
  });

  it("are listed by 10, newest first, with their totals one level down", async () => {
    for (let n = 0; n < 12; n++) {
      await all.clients.create("acme", client(`c${n}`));
      later();
    }
    const ids = (list: { clients: { client_id: string }[] }) => list.clients.map(({ client_id }) => client_id);

    const { clients: page, ...rest } = await all.clients.list("acme");
    expect(page[0]).toMatchObject({ client_id: "c11" });
    expect(rest).toEqual({ totals: { start: 0, limit: 10, length: 10, total: 10 } });
    const second = await all.clients.list("acme", { page: 1, include_totals: true });
    expect(second).toMatchObject({ totals: { start: 10, limit: 10, length: 2, total: 12 } });
    const byName = { sort: { sort_by: "name", sort_order: "asc" as const }, per_page: 2 };
    expect(ids(await all.clients.list("acme", byName))).toEqual(["c0", "c1"]);
    const bySecret = { sort: { sort_by: "client_secret", sort_order: "asc" as const }, per_page: 1 };
    expect(ids(await all.clients.list("acme", bySecret))).toEqual(["c11"]);
  });

  it("are walked by checkpoint, each once, also when all are of one moment", async () => {
    for (let n = 0; n < 7; n++) await all.clients.create("acme", client(`c${n}`));
    const seen: string[] = [];

    let from: string | undefined;
    do {
      const { clients: page, totals } = await all.clients.list("acme", { take: 3, ...(from && { from }) });
      expect(totals).toMatchObject({ start: 0, limit: 3, length: page.length });
      expect(totals).not.toHaveProperty("total");
      seen.push(...page.map(({ client_id }) => client_id));
      from = totals?.next;
    } while (from);

    expect(seen).toEqual(["c6", "c5", "c4", "c3", "c2", "c1", "c0"]);
  });

  it("are searched for by name or id with the whole of q, or by owner and registration exactly", async () => {
    const owned = { owner_user_id: "auth2|a", registration_type: "open_dcr" as const };
    await all.clients.create("acme", client("a", { name: "Shop: north wing", ...owned }));
    await all.clients.create("acme", client("b", { name: "north" }));
    await all.clients.create("other", client("c", { name: "Shop: north wing", ...owned }));
    const found = async (q: string) =>
      (await all.clients.list("acme", { q })).clients.map(({ client_id }) => client_id);

    expect(await found("shop: north")).toEqual(["a"]);
    expect(await found("name:north")).toEqual([]);
    expect(await found('owner_user_id:"auth2|a"')).toEqual(["a"]);
    expect(await found("registration_type:open_dcr")).toEqual(["a"]);
    expect(await found("tenant_id:other")).toEqual([]);
    expect(await found("%")).toEqual([]);
  });

  it("take along their grants and tokens", async () => {
    await all.clients.create("acme", client("app"));
    await all.clientGrants.create("acme", { client_id: "app", audience: "https://api" });
    await all.clientGrants.create("other", { client_id: "app", audience: "https://api" });
    await all.grants?.create("acme", { user_id: "auth2|a", clientID: "app", scope: ["read"] });
    await all.clientRegistrationTokens?.create("acme", {
      id: "t1",
      token_hash: "h",
      type: "rat",
      client_id: "app",
      single_use: false,
    });

    expect(await all.clients.remove("acme", "app")).toBe(true);
    expect(await all.clients.remove("acme", "app")).toBe(false);

    expect(await stored("client_grants", "tenant_id")).toEqual(["other"]);
    expect(await stored("grants", "id")).toEqual([]);
    expect(await stored("client_registration_tokens", "id")).toEqual([]);
  });
});

describe("connections of a client", () => {
  const idsOf = async (clientId = "app") =>
    (await all.clientConnections.listByClient("acme", clientId)).map(({ id }) => id);

  beforeEach(async () => {
    await all.clients.create("acme", client("app"));
    for (const id of ["a", "b", "c"]) await all.connections.create("acme", connection(id, { options: { scope: id } }));
  });

  it("keep the order they are given in; what leads nowhere is passed over", async () => {
    expect(await idsOf()).toEqual([]);
    expect(await all.clientConnections.updateByClient("acme", "app", ["c", "gone", "a", "c"])).toBe(true);

    expect(await idsOf()).toEqual(["c", "a"]);
    expect((await all.clientConnections.listByClient("acme", "app"))[0]).toMatchObject({ options: { scope: "c" } });
    expect(await all.clients.get("acme", "app")).toMatchObject({ connections: ["c", "gone", "a"] });
  });

  it("are added once at the end, removed without a trace, and move the client's time", async () => {
    await all.clientConnections.updateByClient("acme", "app", ["c"]);
    later();

    expect(await all.clientConnections.addClientToConnection("acme", "a", "app")).toBe(true);
    expect(await all.clientConnections.addClientToConnection("acme", "c", "app")).toBe(true);
    expect(await idsOf()).toEqual(["c", "a"]);
    expect((await all.clients.get("acme", "app"))?.updated_at).toBe("2026-01-01T00:00:01.000Z");

    expect(await all.clientConnections.removeClientFromConnection("acme", "c", "app")).toBe(true);
    expect(await all.clientConnections.removeClientFromConnection("acme", "c", "app")).toBe(true);
    expect(await idsOf()).toEqual(["a"]);
  });

  it("do not get lost when many change at once", async () => {
    await Promise.all(["a", "b", "c"].map((id) => all.clientConnections.addClientToConnection("acme", id, "app")));

    expect((await idsOf()).sort()).toEqual(["a", "b", "c"]);
  });

  it("are known from the connection's side, of this tenant only", async () => {
    await all.clients.create("acme", client("second"));
    await all.clients.create("other", client("foreign"));
    await all.clientConnections.updateByClient("acme", "app", ["b", "a"]);
    await all.clientConnections.updateByClient("acme", "second", ["a"]);
    await all.clientConnections.updateByClient("other", "foreign", ["a"]);

    expect(await all.clientConnections.listByConnection("acme", "a")).toEqual(["app", "second"]);
    expect(await all.clientConnections.listByClient("other", "foreign")).toEqual([]);
  });

  it("are none of an unknown client, who cannot be given any", async () => {
    expect(await idsOf("unknown")).toEqual([]);
    expect(await all.clientConnections.updateByClient("acme", "unknown", ["a"])).toBe(false);
    expect(await all.clientConnections.addClientToConnection("acme", "a", "unknown")).toBe(false);
    expect(await all.clientConnections.removeClientFromConnection("other", "a", "app")).toBe(false);
  });
});

describe("connections", () => {
  it("are unique by name within a tenant, drop enabled_clients, and are system or unmarked", async () => {
    const created = await all.connections.create("acme", {
      ...connection("a", { is_system: true }),
      enabled_clients: ["app"],
    });
    await all.connections.create("acme", connection("b", { is_system: false }));

    expect(created).not.toHaveProperty("enabled_clients");
    expect(created).toMatchObject({ is_system: true, options: {} });
    expect(await all.connections.get("acme", "b")).not.toHaveProperty("is_system");
    await expect(all.connections.create("acme", connection("c", { name: "name of a" }))).rejects.toMatchObject({
      status: 409,
    });
    await all.connections.create("other", connection("a"));
    const generated = await all.connections.create("acme", { ...connection(""), id: undefined, name: "n" });
    expect(generated.id).toMatch(/^con_[0-9a-z]{17}$/);
  });

  it("seal their options as one, and replace them as one", async () => {
    await all.connections.create("acme", connection("a", { options: { client_secret: "s3cret", scope: "openid" } }));
    expect((await stored("connections", "options")).join()).toMatch(/^rh1\./);

    await all.connections.update("acme", "a", { options: { client_id: "id" } as never });

    expect(await all.connections.get("acme", "a")).toMatchObject({ options: { client_id: "id" } });
    expect((await all.connections.get("acme", "a"))?.options).not.toHaveProperty("client_secret");
  });

  it("are found by name", async () => {
    await all.connections.create("acme", connection("a", { name: "Username-Password-Authentication" }));
    await all.connections.create("acme", connection("b"));

    const { connections } = await all.connections.list("acme", { q: 'name:"Username-Password-Authentication"' });

    expect(connections.map(({ id }) => id)).toEqual(["a"]);
    expect(await all.connections.list("acme", { include_totals: true })).toMatchObject({ limit: 50, length: 2 });
  });

  it("leave clients, organizations and provisioning when they go", async () => {
    await all.connections.create("acme", connection("a"));
    await all.clients.create("acme", client("app", { connections: ["b", "a", "c"] }));
    await all.clients.create("other", client("app", { connections: ["a"] }));
    await all.organizationConnections.create("acme", "org_1", { connection_id: "a" });
    await all.scimConfigurations?.create("acme", { connection_id: "a" } as never);
    await all.scimTokens?.create("acme", { connection_id: "a", token_id: "t", token_hash: "h" } as never);
    await all.scimExternalIds?.create("acme", { connection_id: "a", user_id: "u", external_id: "e" });

    expect(await all.connections.remove("acme", "a")).toBe(true);
    expect(await all.connections.remove("acme", "a")).toBe(false);

    expect(await all.clients.get("acme", "app")).toMatchObject({ connections: ["b", "c"] });
    expect(await all.clients.get("other", "app")).toMatchObject({ connections: ["a"] });
    for (const table of ["organization_connections", "scim_configurations", "scim_tokens", "scim_external_ids"])
      expect(await stored(table, "connection_id"), table).toEqual([]);
  });
});
