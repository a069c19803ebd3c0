import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@libsql/client";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { afterAll, describe, expect, it } from "vitest";
import { createAdapters, createKeyRing } from "../../src/adapter.ts";
import {
  createFileFactory,
  type FirstLogin,
  initMultiTenant,
  type MultiTenant,
  type MultiTenantConfig,
  type PlatformError,
} from "../../src/index.ts";
import { callerOf } from "../support/in-process.ts";

const root = mkdtempSync(join(tmpdir(), "multi-tenant-"));
const keyRing = createKeyRing({ current: { id: "k1", key: Buffer.alloc(32, 7) } });
const running: MultiTenant[] = [];

afterAll(async () => {
  for (const house of running) await house.close();
  rmSync(root, { recursive: true, force: true });
});

/** The options of a house on files of its own. */
function optionsIn(name: string) {
  const directory = join(root, name);
  return {
    controlPlane: { database: createClient({ url: `file:${join(root, `${name}.db`)}` }), keyRing },
    databaseIsolation: createFileFactory({ directory }),
    issuer: "http://localhost:4000/",
    logLevel: "error",
  } satisfies MultiTenantConfig;
}

async function houseWith(name: string, more: Partial<MultiTenantConfig> = {}) {
  let login: FirstLogin | undefined;
  const house = initMultiTenant({
    ...optionsIn(name),
    onFirstLogin: (told) => {
      login = told;
    },
    ...more,
  });
  running.push(house);
  await house.ready();
  if (!login) throw new Error("nobody was told the first login");
  const caller = callerOf(house.app.fetch, 4000, login);
  const token = await caller.machineToken();
  const createTenant = (id: string, extra: object = {}) =>
    caller.api("/tenants", { token, json: { id, friendly_name: id, ...extra } });
  return { house, ...caller, login, token, createTenant };
}

const databasesIn = (name: string) => {
  const tenants = join(root, name, "tenants");
  return existsSync(tenants) ? readdirSync(tenants).filter((file) => /^t-.*\.db$/.test(file)) : [];
};

const newUser = (email: string) => ({
  connection: "Username-Password-Authentication",
  email,
  password: "Corr3ct-h0rse!",
});

it("serves each tenant from its own database, and lets no administrator into another one by a header", async () => {
  const { api, made, token, createTenant, house, login, machineToken } = await houseWith("isolation");
  for (const id of ["acme", "beta"]) expect((await createTenant(id)).status).toBe(201);
  await made("/users", { token, headers: { "tenant-id": "acme" }, json: newUser("anna@acme.example") });
  await made("/users", { token, headers: { "tenant-id": "beta" }, json: newUser("bert@beta.example") });
  // The machine may act for any organization from here on.
  const grants = await made<{ id: string; client_id: string }[]>("/client-grants", { token });
  const grant = grants.find(({ client_id }) => client_id === login.clientId);
  const usage = { organization_usage: "allow", allow_any_organization: true };
  await made(`/client-grants/${grant?.id}`, { method: "PATCH", token, json: usage });
  const organizations = await made<{ id: string; name: string }[]>("/organizations", { token });
  const acmes = organizations.find(({ name }) => name === "acme")?.id ?? "";
  const teamToken = await machineToken({ organization: acmes });

  const own = await api("/users", { token: teamToken, headers: { "tenant-id": "acme" } });
  const foreign = await api("/users", { token: teamToken, headers: { "tenant-id": "beta" } });
  const atHost = await api("/users", { token: teamToken, at: "beta" });

  expect(((await own.json()) as { email: string }[]).map(({ email }) => email)).toEqual(["anna@acme.example"]);
  expect([foreign.status, atHost.status]).toEqual([403, 403]);
  expect(databasesIn("isolation")).toHaveLength(2);
  const beta = await house.getAdapters("beta");
  expect((await beta.users.list("beta")).users.map(({ email }) => email)).toEqual(["bert@beta.example"]);
  expect((await beta.users.list("acme")).users).toEqual([]);
  await expect(house.getAdapters("nobody")).rejects.toMatchObject({ reason: "tenant_not_found" });
});

it("takes the adapters of its database, and starts again without telling the login twice", async () => {
  const { databaseIsolation, controlPlane, ...rest } = optionsIn("again");
  const { database } = controlPlane;
  const dataAdapter = createAdapters(database, { keyRing });
  const { house } = await houseWith("again", { dataAdapter, controlPlane: { database, tenantId: "landlord" } });
  expect(house.controlPlaneTenantId).toBe("landlord");
  expect(await dataAdapter.tenants.get("landlord")).toMatchObject({ id: "landlord" });
  await house.close();

  const second = initMultiTenant({
    ...rest,
    databaseIsolation,
    controlPlane: { ...controlPlane, tenantId: "landlord" },
    onFirstLogin: () => {
      throw new Error("told twice");
    },
  });
  running.push(second);

  await second.ready();
});

it("is a part of another Hono app, whose requests wait until it is open", async () => {
  const house = initMultiTenant({ ...optionsIn("part"), onFirstLogin: () => {} });
  running.push(house);
  const app = new Hono();
  app.get("/hello", (c) => c.text("hello"));
  app.route("/", house.app);

  const discovery = await app.request("http://localhost:4000/.well-known/openid-configuration");

  expect(await discovery.json()).toMatchObject({ issuer: "http://localhost:4000/" });
  expect(await (await app.request("http://localhost:4000/hello")).text()).toBe("hello");
});

describe("hooks", () => {
  it("are called in order, may change what is made, and see what was made", async () => {
    const seen: string[] = [];
    const { api, made, token, createTenant } = await houseWith("hooks", {
      undeleteDays: 1,
      hooks: {
        onTenantCreating: (tenant) => {
          seen.push(`creating ${tenant.id}`);
          return { ...tenant, friendly_name: `${tenant.friendly_name}!` };
        },
        onTenantCreated: async ({ id, friendly_name }, own) => {
          seen.push(`created ${friendly_name}`);
          await own.roles.create(id, { name: "cook" });
        },
        onTenantUpdating: (id, changes) => {
          seen.push(`updating ${id} ${Object.keys(changes)}`);
          return { ...changes, support_url: "https://help.example/" };
        },
        onTenantUpdated: ({ support_url }) => void seen.push(`updated ${support_url}`),
        onTenantDeleting: (id) => void seen.push(`deleting ${id}`),
        onTenantDeleted: (id) => void seen.push(`deleted ${id}`),
        tenants: {
          beforeCreate: (_context, tenant) => {
            seen.push(`before ${tenant.friendly_name}`);
            return { ...tenant, friendly_name: `${tenant.friendly_name}?` };
          },
          afterCreate: async ({ tenantId, adapters }, { id }) => {
            seen.push(`after ${tenantId} ${(await adapters.tenants.get(id))?.id}`);
          },
        },
      },
      entityHooks: {
        tenants: [undefined, { afterDelete: (_context, id) => void seen.push(`entity ${id}`) }],
        roles: [{ beforeCreate: (_context, role) => Promise.resolve({ ...role, description: "by a hook" }) }],
      },
    });

    const answer = await createTenant("acme");
    expect(await answer.json()).toMatchObject({ id: "acme", friendly_name: "acme!?" });
    const roles = await made<{ name: string }[]>("/roles", { token, headers: { "tenant-id": "acme" } });
    expect(roles.map(({ name }) => name)).toContain("cook");
    const role = await made("/roles", { token, headers: { "tenant-id": "acme" }, json: { name: "porter" } });
    expect(role).toMatchObject({ description: "by a hook" });
    await made("/tenants/acme", { method: "PATCH", token, json: { support_email: "help@example.com" } });
    expect((await api("/tenants/acme", { method: "DELETE", token })).status).toBe(204);
    // Purging what is deleted tells nobody again.
    expect((await api("/tenants/acme?purge=true", { method: "DELETE", token })).status).toBe(204);

    expect(seen).toEqual([
      "creating acme",
      "before acme!",
      "created acme!?",
      "after control_plane acme",
      "updating acme support_email",
      "updated https://help.example/",
      "deleting acme",
      "deleted acme",
      "entity acme",
    ]);
    expect((await createTenant("beta")).status).toBe(201);
    expect((await api("/tenants/beta?purge=true", { method: "DELETE", token })).status).toBe(204);
    expect(seen.slice(-3)).toEqual(["deleting beta", "deleted beta", "entity beta"]);
  });

  it("refuse by throwing, and nothing has been made, changed or deleted", async () => {
    const refusal = () => {
      throw new HTTPException(403, { message: "not today" });
    };
    const { api, made, token, createTenant } = await houseWith("refusing", {
      hooks: {
        onTenantCreating: (tenant) => (tenant.id === "acme" ? refusal() : undefined),
        onTenantUpdating: refusal,
        onTenantDeleting: refusal,
      },
    });

    expect((await createTenant("acme")).status).toBe(403);
    expect((await api("/tenants/acme", { token })).status).toBe(404);
    expect(databasesIn("refusing")).toEqual([]);
    const organizations = await made<{ name: string }[]>("/organizations", { token });
    expect(organizations.map(({ name }) => name)).not.toContain("acme");

    expect((await createTenant("beta")).status).toBe(201);
    const patch = { method: "PATCH", token, json: { friendly_name: "Other" } };
    expect((await api("/tenants/beta", patch)).status).toBe(403);
    expect((await api("/tenants/beta", { method: "DELETE", token })).status).toBe(403);
    expect(await made("/tenants/beta", { token })).toMatchObject({ friendly_name: "beta", state: "ready" });
  });

  it("whose answer can be no tenant refuse, too", async () => {
    const { api, token, createTenant } = await houseWith("nonsense", {
      hooks: {
        onTenantCreating: (tenant) => ({ ...tenant, id: "../x" }),
        onTenantUpdating: () => ({ provisioning_state: "failed" }),
      },
    });

    const answer = await createTenant("acme");

    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      errorCode: "invalid_hook_answer",
      message: expect.stringMatching(/id:/),
    });
    expect((await api("/tenants/acme", { token })).status).toBe(404);
  });

  it("that fail after the creation are called again, and nobody gets in before", async () => {
    const atCalls: string[] = [];
    const { house, api, made, token, createTenant } = await houseWith("failing", {
      hooks: {
        async onTenantCreated({ id }) {
          const { reason } = await house.getAdapters(id).then(
            () => ({ reason: "served" }),
            (error: PlatformError) => error,
          );
          atCalls.push(reason);
          if (atCalls.length === 1) throw new Error("out of order");
        },
      },
    });

    expect((await createTenant("acme")).status).toBe(500);
    // Unless the schedule was faster: then there is nothing to resume.
    const resumed = await api("/tenants/acme/operations", { token, json: { kind: "provision" } });
    expect([200, 409]).toContain(resumed.status);

    expect(await made("/tenants/acme", { token })).toMatchObject({ state: "ready" });
    expect(atCalls).toEqual(["tenant_not_ready", "tenant_not_ready"]);
  });
});

it("asks for a role by name, and gives it with the first rights", async () => {
  const options = { ...optionsIn("rights"), onFirstLogin: () => {}, defaultRoles: ["nobody's"] };
  const house = initMultiTenant(options);
  running.push(house);

  await expect(house.ready()).rejects.toMatchObject({ reason: "unknown_default_role" });

  const answer = await house.app.request("http://localhost:4000/.well-known/openid-configuration");
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({ errorCode: "not_ready" });
});

it("asks the resolver it is given whose a custom domain is", async () => {
  const records = new Map<string, string>();
  const resolveTxt = async (name: string) => [[records.get(name) ?? ""]];
  const { api, made, send, token, createTenant } = await houseWith("domains", { resolveTxt });
  await createTenant("acme");
  const as = { token, headers: { "tenant-id": "acme" } };
  const claim = await made<{
    custom_domain_id: string;
    verification: { methods: readonly { domain: string; record: string }[] };
  }>("/custom-domains", { ...as, json: { domain: "login.acme.example", type: "self_managed_certs" } });
  for (const { domain, record } of claim.verification.methods) records.set(domain, record);

  const verified = await api(`/custom-domains/${claim.custom_domain_id}/verify`, { ...as, method: "POST" });

  expect(await verified.json()).toMatchObject({ status: "ready", primary: true });
  const discovery = await send("login.acme.example:4000", "/.well-known/openid-configuration");
  expect(await discovery.json()).toMatchObject({ issuer: "http://login.acme.example:4000/" });
});

it("asks whose a label is, where no other tenant is the issuer, and keeps what is reserved for nobody", async () => {
  const owners: Record<string, string> = { acme: "acme", beta: "beta", shop: "acme", other: "control_plane" };
  const { made, send, token, createTenant } = await houseWith("labels", {
    subdomainRouting: {
      reservedSubdomains: ["Status"],
      resolveSubdomain: (label, c) => (c.req.header("x-closed") ? null : owners[label]),
    },
  });
  for (const id of ["acme", "beta"]) expect((await createTenant(id)).status).toBe(201);
  const at = async (label: string, headers = {}) =>
    await send(`${label}.localhost:4000`, "/.well-known/openid-configuration", { headers });
  expect(await (await at("shop")).json()).toMatchObject({ issuer: "http://acme.localhost:4000/" });
  const page = await send("shop.localhost:4000", "/authorize?client_id=x");
  expect(page.headers.get("location")).toBe("http://acme.localhost:4000/authorize?client_id=x");
  await made("/users", { token, headers: { "tenant-id": "acme" }, json: newUser("anna@acme.example") });
  expect(await made<object[]>("/users", { token, at: "shop" })).toHaveLength(1);
  const refused = await Promise.all([at("gamma"), at("other"), at("acme", { "x-closed": "1" })]);
  expect(refused.map(({ status }) => status)).toEqual([404, 404, 404]);
  owners.beta = "acme";
  expect((await at("beta")).status).toBe(404);

  expect(await (await at("status")).json()).toMatchObject({ errorCode: "unknown_host" });
  expect(await (await createTenant("status")).json()).toMatchObject({
    statusCode: 400,
    errorCode: "reserved_tenant_id",
  });
});

it("makes no control plane whose login nobody hears", async () => {
  const options = optionsIn("unheard");
  const house = initMultiTenant(options);
  running.push(house);

  await expect(house.ready()).rejects.toMatchObject({ reason: "first_login_unheard" });

  expect(await createAdapters(options.controlPlane.database).tenants.get("control_plane")).toBeNull();
});

it("ends everything when it is closed", async () => {
  const { house, api, createTenant, token } = await houseWith("closing");
  await createTenant("acme");
  const own = await house.getAdapters("acme");

  await house.close();
  await house.close();

  expect((await api("/tenants", { token })).status).toBe(503);
  await expect(own.users.list("acme")).rejects.toMatchObject({ reason: "pool_closed" });
  await expect(house.getAdapters("acme")).rejects.toMatchObject({ reason: "closed" });
  await expect(house.ready()).rejects.toMatchObject({ reason: "closed" });
});

describe("options", () => {
  const base = optionsIn("options");
  const { databaseIsolation, ...withoutDatabases } = base;
  const elsewhere = createClient({ url: ":memory:" });
  const REFUSED: Readonly<Record<string, [unknown, RegExp]>> = {
    "an unknown one": [{ ...base, databaseIsolaton: 1 }, /databaseIsolaton is not an option; remove it/],
    "an unknown one within": [
      { ...base, controlPlane: { ...base.controlPlane, name: "x" } },
      /controlPlane\.name is not/,
    ],
    "an unknown hook": [{ ...base, hooks: { onTenantCreate: () => {} } }, /hooks\.onTenantCreate is not an option/],
    "an unknown entity": [{ ...base, entityHooks: { users: [] } }, /entityHooks\.users is not an option/],
    "what is missing": [withoutDatabases, /databaseIsolation: /],
    "what is of the wrong kind": [{ ...base, requireOrganizationMatch: "no" }, /requireOrganizationMatch: /],
    "resolveControlPlane alone": [
      { databaseIsolation, resolveControlPlane: () => undefined },
      /resolveControlPlane: makes no sense without controlPlane/,
    ],
    "a kind of entity that is not synced": [{ ...base, sync: { clients: true } }, /sync\.clients is not an option/],
    "settingsInheritance without names": [{ ...base, settingsInheritance: {} }, /settingsInheritance\.inheritedKeys/],
    "a fallback's client that is none": [
      { ...base, controlPlane: { ...base.controlPlane, clientId: "" } },
      /controlPlane\.clientId: /,
    ],
    "adapters beside a registry": [{ ...base, getAdapters: () => null }, /getAdapters: is in place of the registry/],
    "what Rowhouse decides": [{ ...base, signingKeyMode: "control-plane" }, /signingKeyMode: cannot be chosen/],
    "an issuer with a path": [{ ...base, issuer: "http://localhost/auth" }, /issuer: must have no path/],
    "a resolver that is none": [{ ...base, resolveTxt: "9.9.9.9" }, /resolveTxt: must be a function/],
    "a wrong proxy": [{ ...base, trustedProxies: ["everybody"] }, /trustedProxies: must be IP addresses/],
    "somebody else's adapters": [
      { ...base, dataAdapter: createAdapters(elsewhere, { keyRing }) },
      /dataAdapter: must be createAdapters\(controlPlane\.database\)/,
    ],
    "adapters that seal nothing": [
      { ...base, dataAdapter: createAdapters(base.controlPlane.database) },
      /dataAdapter: has no keyRing/,
    ],
    "a factory of somebody else's": [
      { ...base, databaseIsolation: { getAdapters() {}, provision() {}, deprovision() {} } },
      /databaseIsolation: must be made by toDatabaseFactory/,
    ],
    "a factory with another registry": [
      { ...base, databaseIsolation: createFileFactory({ directory: root, database: elsewhere, keyRing }) },
      /databaseIsolation: has a registry in another database/,
    ],
    "routers in place of ours": [
      { ...base, managementApiExtensions: ["/tenants", "/hosts"].map((path) => ({ path, router: new Hono() })) },
      /managementApiExtensions\.0\.path: is a path of Rowhouse's own[\s\S]*managementApiExtensions\.1\.path: is a path/,
    ],
  };

  it.each(Object.entries(REFUSED))("that are %s are refused by name", (_what, [options, message]) => {
    expect(() => initMultiTenant(options as MultiTenantConfig)).toThrow(message);
  });
});
