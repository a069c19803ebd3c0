import { randomBytes } from "node:crypto";
import type { CustomDomain, ProxyRouteInsert, SigningKey, Tenant } from "@authhero/adapter-interfaces";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createKeyRing } from "../../src/db/seal.ts";
import { createConnections } from "../../src/entities/connections.ts";
import { createCustomDomains } from "../../src/entities/custom-domains.ts";
import { createEntities } from "../../src/entities/index.ts";
import { createKeys } from "../../src/entities/keys.ts";
import { createProxyRoutes } from "../../src/entities/proxy-routes.ts";
import { createTenants, tenantInsert, tenantPurge } from "../../src/entities/tenants.ts";
import { type FreshStore, freshStore } from "../support/store.ts";

let fresh: FreshStore;
let now: Date;

beforeEach(async () => {
  now = new Date("2026-01-01T00:00:00.000Z");
  const keyRing = createKeyRing({ current: { id: "k1", key: randomBytes(32) } });
  fresh = await freshStore({ clock: () => now, keyRing });
});

afterEach(() => fresh.close());

const HOUR_MS = 3_600_000;
const inHours = (hours: number) => new Date(now.getTime() + hours * HOUR_MS).toISOString();

/** What stands in the database, unread by any codec. */
const stored = async (table: string, column: string): Promise<unknown[]> => {
  const { rows } = await sql<{ value: unknown }>`
    select ${sql.ref(column)} as value from ${sql.table(table)} order by 1
  `.execute(fresh.store.db);
  return rows.map(({ value }) => value);
};

describe("tenants", () => {
  const tenants = () => createTenants(fresh.store, ["connections"]);

  it("are made with an id of the caller's, of an import, or of their own that is a host label", async () => {
    const given = await tenants().create({ id: "acme", friendly_name: "Acme" });
    const imported = await tenants().create(
      { id: "ignored", friendly_name: "Old" },
      { importMetadata: { id: "old", created_at: "2020-01-01T00:00:00.000Z" } },
    );
    const generated = await tenants().create({ friendly_name: "New" });

    expect(given).toEqual({
      id: "acme",
      friendly_name: "Acme",
      deployment_type: "shared",
      provisioning_state: "ready",
      created_at: "2026-01-01T00:00:00.000Z",
      updated_at: "2026-01-01T00:00:00.000Z",
    });
    expect(imported).toMatchObject({
      id: "old",
      created_at: "2020-01-01T00:00:00.000Z",
      updated_at: "2020-01-01T00:00:00.000Z",
    });
    expect(generated.id).toMatch(/^[a-z][a-z0-9]{11}$/);
    await expect(tenants().create({ id: "acme", friendly_name: "Again" })).rejects.toMatchObject({ status: 409 });
  });

  it("are changed field by field: null clears, undefined and nulls inside of values stay", async () => {
    await tenants().create({ id: "acme", friendly_name: "Acme", audience: "urn:acme", sender_name: "Acme Mail" });
    const nested = { enabled: true, deeper: { nothing: null } } as unknown as Tenant["mfa"];
    now = new Date(now.getTime() + 1000);

    await tenants().update("acme", {
      audience: null as never,
      sender_name: undefined,
      mfa: nested,
      created_at: "1999-01-01T00:00:00.000Z",
      id: "other",
    });

    const changed = await tenants().get("acme");
    expect(changed).not.toHaveProperty("audience");
    expect(changed).toMatchObject({
      id: "acme",
      sender_name: "Acme Mail",
      mfa: { enabled: true, deeper: { nothing: null } },
      created_at: "2026-01-01T00:00:00.000Z",
      updated_at: "2026-01-01T00:00:01.000Z",
    });
    await tenants().update("unknown", { friendly_name: "Nobody" });
    expect(await tenants().get("unknown")).toBeNull();
  });

  it("never keep whether they are the control plane, and refuse what a tenant does not have", async () => {
    await tenants().create({ id: "acme", friendly_name: "Acme" });

    await tenants().update("acme", { is_control_plane: true });

    expect(await tenants().get("acme")).not.toHaveProperty("is_control_plane");
    await expect(tenants().update("acme", { colour: "red" } as never)).rejects.toMatchObject({
      reason: "unknown_field",
    });
  });

  it("are listed by page, by sort and by a word, with totals only when asked for", async () => {
    for (const id of ["beta", "acme", "gamma"]) await tenants().create({ id, friendly_name: `${id} Ltd` });
    const ids = (list: { tenants: Tenant[] }) => list.tenants.map(({ id }) => id);

    expect(Object.keys(await tenants().list())).toEqual(["tenants"]);
    expect(ids(await tenants().list())).toEqual(["acme", "beta", "gamma"]);
    expect(ids(await tenants().list({ sort: { sort_by: "friendly_name", sort_order: "desc" }, per_page: 2 }))).toEqual([
      "gamma",
      "beta",
    ]);
    expect(ids(await tenants().list({ q: "ACM" }))).toEqual(["acme"]);
    const totals = { start: 2, limit: 2, length: 3 };
    expect(await tenants().list({ page: 1, per_page: 2, include_totals: true })).toMatchObject({ totals, ...totals });
  });

  it("take everything that is theirs along, except for the record of what was done to them", async () => {
    const all = createEntities(fresh.store);
    for (const id of ["acme", "other"]) {
      await all.tenants.create({ id, friendly_name: id });
      await all.connections.create(id, { name: "google", strategy: "google-oauth2", options: {} });
      await all.branding.set(id, { logo_url: "https://logo" });
      await all.keys.create(key(`key-${id}`, { tenant_id: id }));
      await all.customDomains.create(id, { domain: `${id}.example`, type: "auth0_managed_certs" });
      await all.tenantOperations?.create({ tenant_id: id, kind: "migrate", engine: "inline" } as never);
    }

    expect(await all.tenants.remove("acme")).toBe(true);
    expect(await all.tenants.remove("acme")).toBe(false);

    for (const table of ["connections", "tenant_singletons", "signing_keys", "custom_domains"])
      expect(await stored(table, "tenant_id"), table).toEqual(["other"]);
    expect(await stored("tenants", "id")).toEqual(["other"]);
    expect(await stored("tenant_operations", "tenant_id")).toEqual(["acme", "other"]);
  });

  it("can begin and end in a batch with other statements", async () => {
    await fresh.store.batch([tenantInsert(fresh.store, { id: "acme", friendly_name: "Acme" })]);
    await createKeys(fresh.store).create(key("k", { tenant_id: "acme" }));
    await createConnections(fresh.store).create("acme", { name: "google", strategy: "google-oauth2", options: {} });

    expect(await tenants().get("acme")).toMatchObject({ friendly_name: "Acme", provisioning_state: "ready" });
    await fresh.store.batch(tenantPurge(fresh.store, "acme"));

    expect(await tenants().get("acme")).toBeNull();
    expect(await stored("signing_keys", "kid")).toEqual([]);
    expect(await stored("connections", "name")).toEqual(["google"]);
  });
});

const key = (kid: string, rest: Partial<SigningKey> = {}): SigningKey => ({
  kid,
  cert: "-----BEGIN CERTIFICATE-----",
  fingerprint: `fingerprint ${kid}`,
  thumbprint: `thumbprint ${kid}`,
  pkcs7: `private ${kid}`,
  current_since: "2026-01-01T00:00:00.000Z",
  type: "jwt_signing",
  ...rest,
});

describe("keys", () => {
  const keys = () => createKeys(fresh.store);
  const kids = async (q?: string) => (await keys().list({ ...(q && { q }) })).signingKeys.map(({ kid }) => kid);

  it("come back as they went in, their private half sealed for their own id", async () => {
    await keys().create(key("a", { tenant_id: "acme", current: true }));
    await keys().create(key("b"));

    const { signingKeys } = await keys().list();

    expect(signingKeys).toEqual([key("a", { tenant_id: "acme", current: true }), key("b")]);
    expect((await stored("signing_keys", "pkcs7")).join()).not.toContain("private");
    await sql`update signing_keys set pkcs7 = (select pkcs7 from signing_keys where kid = 'a') where kid = 'b'`.execute(
      fresh.store.db,
    );
    await expect(keys().list()).rejects.toMatchObject({ reason: "unseal_failed" });
    await expect(keys().create(key("a"))).rejects.toMatchObject({ status: 409 });
  });

  it("are found by the queries AuthHero asks", async () => {
    await keys().create(key("control"));
    await keys().create(key("acme", { tenant_id: "acme" }));
    await keys().create(key("saml", { type: "saml_encryption" }));

    expect(await kids("type:jwt_signing AND -_exists_:tenant_id")).toEqual(["control"]);
    expect(await kids("type:jwt_signing AND tenant_id:acme")).toEqual(["acme"]);
    expect(await kids("type:jwt_signing AND kid:control")).toEqual(["control"]);
    expect(await kids("type:saml_encryption")).toEqual(["saml"]);
  });

  it("vanish from the list when their revocation has come, and not before", async () => {
    await keys().create(key("a"));
    await keys().create(key("b"));

    expect(await keys().update("a", { revoked_at: inHours(24) })).toBe(true);
    expect(await keys().update("unknown", { revoked_at: inHours(24) })).toBe(false);
    expect(await kids()).toEqual(["a", "b"]);

    now = new Date(now.getTime() + 24 * HOUR_MS);
    expect(await kids()).toEqual(["b"]);
    await keys().update("a", { revoked_at: null as never });
    expect(await kids()).toEqual(["a", "b"]);
  });

  it("are listed by 100, sorted by when they were made", async () => {
    await keys().create(key("new"));
    await keys().create(key("old"), { importMetadata: { created_at: "2020-01-01T00:00:00.000Z" } });

    expect(await kids()).toEqual(["old", "new"]);
    const sort = { sort_by: "created_at", sort_order: "desc" as const };
    expect((await keys().list({ sort })).signingKeys.map(({ kid }) => kid)).toEqual(["new", "old"]);
    expect(await keys().list()).toMatchObject({ start: 0, limit: 0, length: 0 });
    expect(await keys().list({ include_totals: true })).toMatchObject({ start: 0, limit: 100, length: 2 });
  });
});

describe("custom domains", () => {
  const domains = () => createCustomDomains(fresh.store);
  const claim = (tenantId: string, domain: string) =>
    domains().create(tenantId, { domain, type: "auth0_managed_certs" });
  const verify = (tenantId: string, { custom_domain_id }: CustomDomain) =>
    domains().update(tenantId, custom_domain_id, { status: "ready" });

  it("lead to their tenant once they are verified, in whatever case they are written", async () => {
    const claimed = await claim("acme", "Login.ACME.example");

    expect(claimed).toEqual({
      custom_domain_id: expect.any(String),
      domain: "login.acme.example",
      type: "auth0_managed_certs",
      status: "pending",
      primary: false,
    });
    expect(await domains().getByDomain("login.acme.example")).toBeNull();
    await verify("acme", claimed);
    expect(await domains().getByDomain("LOGIN.acme.example")).toMatchObject({ tenant_id: "acme", status: "ready" });
    expect(await domains().list("acme")).toEqual([{ ...claimed, status: "ready" }]);
    expect(await domains().list("other")).toEqual([]);
  });

  it("may be claimed by several tenants, and verified by one", async () => {
    const [acme, other] = [await claim("acme", "login.example"), await claim("other", "login.example")];
    await expect(claim("acme", "LOGIN.example")).rejects.toMatchObject({ status: 409 });

    await verify("acme", acme);

    await expect(verify("other", other)).rejects.toMatchObject({ status: 409 });
    expect(await domains().getByDomain("login.example")).toMatchObject({ tenant_id: "acme" });
    await domains().remove("acme", acme.custom_domain_id);
    expect(await verify("other", other)).toBe(true);
  });

  it("take their routes along, and only theirs", async () => {
    const routes = createProxyRoutes(fresh.store);
    const { custom_domain_id } = await claim("acme", "login.example");
    await routes.create("acme", route(custom_domain_id));
    await routes.create("acme", route("another"));

    await domains().remove("acme", custom_domain_id);

    expect((await routes.list("acme")).proxy_routes.map((one) => one.custom_domain_id)).toEqual(["another"]);
  });
});

/** A route as a caller gives it: the priority may be missing, whatever the type that comes out of the schema says. */
const route = (custom_domain_id: string, rest: Partial<ProxyRouteInsert> = {}) =>
  ({ custom_domain_id, handlers: [{ type: "http", options: {} }], match: { path: "/*" }, ...rest }) as ProxyRouteInsert;

describe("proxy routes", () => {
  it("are listed by priority, of one domain or of all, and stay with their domain", async () => {
    const routes = createProxyRoutes(fresh.store);
    const last = await routes.create("acme", route("d1"));
    await routes.create("acme", route("d1", { id: "first", priority: 1 }));
    await routes.create("acme", route("d2", { id: "elsewhere" }));

    expect(last).toMatchObject({ priority: 100, tenant_id: "acme" });
    const page = await routes.list("acme", { custom_domain_id: "d1" });
    expect(page.proxy_routes.map(({ id }) => id)).toEqual(["first", last.id]);
    expect(page).toMatchObject({ start: 0, limit: 50, length: 2 });
    expect(await routes.update("acme", "first", { priority: 5, custom_domain_id: "d2" } as never)).toBe(true);
    expect(await routes.get("acme", "first")).toMatchObject({ id: "first", custom_domain_id: "d1", priority: 5 });
    expect(await routes.update("other", "first", { priority: 7 })).toBe(false);
  });
});
