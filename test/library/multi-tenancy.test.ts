import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@libsql/client";
import { seed } from "authhero";
import { Hono } from "hono";
import { afterAll, describe, expect, it } from "vitest";
import { createAdapters, migrateToLatest } from "../../src/adapter.ts";
import { managementScopes } from "../../src/auth/management-api.ts";
import {
  createAccessControlHooks,
  createDatabaseHooks,
  createFileFactory,
  createMultiTenancy,
  createMultiTenancyHooks,
  createMultiTenancyPlugin,
  createProvisioningHooks,
  createTenantsOpenAPIRouter,
  type MultiTenancyConfig,
  type MultiTenancyEnv,
  setupMultiTenancy,
  type VerifiedClaims,
} from "../../src/index.ts";

const CONTROL_PLANE = "control_plane";
const root = mkdtempSync(join(tmpdir(), "multi-tenancy-"));
const ending: (() => Promise<void>)[] = [];

afterAll(async () => {
  for (const end of ending) await end();
  rmSync(root, { recursive: true, force: true });
});

const SCOPES = managementScopes().map(({ value }) => value);
const operator: VerifiedClaims = { tenant_id: CONTROL_PLANE, sub: "auth2|operator", permissions: SCOPES };

/** An app of somebody's own around the parts: who asks stands in a header here. */
async function composed(name: string, own: Omit<MultiTenancyConfig, "databaseIsolation"> = {}) {
  const database = createClient({ url: `file:${join(root, `${name}.db`)}` });
  await migrateToLatest(database);
  const controlPlane = createAdapters(database);
  await seed(controlPlane, {
    adminUsername: "admin",
    adminPassword: "change-me-1",
    isControlPlane: true,
    debug: false,
  });
  const databaseIsolation = createFileFactory({ directory: join(root, name) });
  ending.push(databaseIsolation.close);
  const config = { databaseIsolation, ...own };
  const app = new Hono<MultiTenancyEnv>();
  app.use(async (c, next) => {
    const claims = c.req.header("claims");
    if (claims) c.set("user", JSON.parse(claims));
    const tenant = c.req.header("tenant");
    if (tenant) c.set("tenant_id", tenant);
    await next();
  });
  app.route("/tenants", createTenantsOpenAPIRouter(config, createMultiTenancyHooks(config)));
  const ask = (method: string, path: string, claims: VerifiedClaims | null, json?: object, tenant?: string) => {
    const headers = {
      ...(claims && { claims: JSON.stringify(claims) }),
      ...(json && { "content-type": "application/json" }),
      ...(tenant && { tenant }),
    };
    const init = { method, headers, ...(json && { body: JSON.stringify(json) }) };
    return Promise.resolve(app.request(`/tenants${path}`, init, { data: controlPlane }));
  };
  const create = (id: string, more: object = {}) => ask("POST", "", operator, { id, friendly_name: id, ...more });
  const organizations = async () => (await controlPlane.organizations.list(CONTROL_PLANE)).organizations;
  return { controlPlane, databaseIsolation, ask, create, organizations };
}

const databasesIn = (name: string) => {
  const tenants = join(root, name, "tenants");
  return existsSync(tenants) ? readdirSync(tenants).filter((file) => /^t-.*\.db$/.test(file)) : [];
};

async function bodyOf(answer: Promise<Response>) {
  const response = await answer;
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe("createTenantsOpenAPIRouter", () => {
  it("makes a tenant with database, key, defaults and organization, and removes all of it", async () => {
    const { controlPlane, databaseIsolation, ask, create, organizations } = await composed("whole");

    expect(await bodyOf(create("acme"))).toMatchObject({ status: 201, body: { id: "acme", state: "ready" } });
    const own = await databaseIsolation.getAdapters("acme");
    expect((await own.connections.list("acme")).connections).toHaveLength(1);
    const { signingKeys } = await controlPlane.keys.list({ q: "tenant_id:acme" });
    expect(signingKeys).toHaveLength(1);
    expect((await organizations()).map(({ name }) => name)).toContain("acme");
    expect((await create("acme")).status).toBe(409);

    const patch = { support_email: "help@example.com" };
    expect(await bodyOf(ask("PATCH", "/acme", operator, patch))).toMatchObject({ status: 200, body: patch });
    expect((await ask("DELETE", "/acme", operator)).status).toBe(204);
    expect((await ask("GET", "/acme", operator)).status).toBe(404);
    expect((await organizations()).map(({ name }) => name)).not.toContain("acme");
    expect(databasesIn("whole")).toEqual([]);
    expect((await create("acme")).status).toBe(201);
  });

  it("lets a creator that is a user into the organization, with the team's role", async () => {
    const { controlPlane, ask } = await composed("creator");
    const [admin] = (await controlPlane.users.list(CONTROL_PLANE)).users;
    const claims = { ...operator, sub: admin?.user_id ?? "" };

    await ask("POST", "", claims, { id: "acme", friendly_name: "Acme" });

    const { organizations } = await controlPlane.userOrganizations.listUserOrganizations(CONTROL_PLANE, claims.sub);
    const acme = organizations.find(({ name }) => name === "acme");
    const roles = await controlPlane.userRoles.list(CONTROL_PLANE, claims.sub, undefined, acme?.id ?? "none");
    expect(roles.map(({ name }) => name)).toEqual(["Team Administrator"]);
  });

  it("lets nobody in but tokens of the control plane, with the route's scope, on what they reach", async () => {
    const { ask, create } = await composed("guarded");
    for (const id of ["acme", "beta"]) await create(id);
    const team = { ...operator, org_id: "org_1", org_name: "acme" };
    const child = { ...operator, tenant_id: "acme" };
    const clerk = { ...operator, permissions: SCOPES.filter((scope) => scope !== "admin:organizations") };
    const reader = { ...operator, permissions: ["admin:organizations", "read:tenants"] };
    const status = async (...asked: Parameters<typeof ask>) => (await ask(...asked)).status;
    const gamma = { id: "gamma", friendly_name: "Gamma" };

    expect(await status("GET", "", null)).toBe(401);
    expect(await status("GET", "/acme", child)).toBe(403);
    expect(await status("GET", "/acme", operator, undefined, "acme")).toBe(403);
    expect(await status("GET", "/acme", team)).toBe(200);
    expect(await status("GET", "/beta", team)).toBe(403);
    expect(await status("GET", "/nobody", team)).toBe(403);
    expect(await status("POST", "", team, gamma)).toBe(403);
    expect(await status("GET", "/acme", { ...team, org_id: undefined })).toBe(403);
    expect(await status("GET", "/acme", clerk)).toBe(403);
    expect(await status("DELETE", "/acme", reader)).toBe(403);
    expect(await status("HEAD", "/acme", null)).toBe(401);
    expect(await status("POST", "", reader, gamma)).toBe(403);
    const list = (await (await ask("GET", "?q=b", reader)).json()) as { id: string }[];
    expect(list.map(({ id }) => id)).toEqual(["beta"]);
    expect(await (await ask("GET", "", team)).json()).toEqual([]);
  });

  it("refuses by name what needs the registry", async () => {
    const { ask, create } = await composed("registry");
    await create("acme");

    const asked = [
      await bodyOf(ask("GET", "/acme/database", operator)),
      await bodyOf(create("beta", { admin: { email: "a@example.com" } })),
      await bodyOf(create("beta", { database: { region: "fra" } })),
    ];

    for (const answer of asked) expect(answer).toMatchObject({ status: 400, body: { errorCode: "needs_registry" } });
    expect((await ask("GET", "/beta", operator)).status).toBe(404);
  });

  it("adopts no organization that somebody has made before, and removes none", async () => {
    const { controlPlane, create, organizations } = await composed("adoption");
    await controlPlane.organizations.create(CONTROL_PLANE, { name: "acme", display_name: "Mine" });

    expect(await bodyOf(create("acme"))).toMatchObject({ status: 409, body: { errorCode: "organization_exists" } });

    expect((await organizations()).map(({ display_name }) => display_name)).toContain("Mine");
    expect(await controlPlane.tenants.get("acme")).toBeNull();
    expect(databasesIn("adoption")).toEqual([]);
  });
});

describe("hooks of composed apps", () => {
  it("are called in order, with the new tenant's own adapters", async () => {
    const seen: string[] = [];
    const { ask, create, databaseIsolation } = await composed("order", {
      hooks: {
        onTenantCreating: (tenant) => ({ ...tenant, friendly_name: "Changed" }),
        onTenantCreated: async ({ id, friendly_name }, own) => {
          seen.push(`created ${friendly_name}`);
          await own.roles.create(id, { name: "cook" });
        },
        onTenantUpdated: ({ friendly_name }) => void seen.push(`updated ${friendly_name}`),
        onTenantDeleting: (id) => void seen.push(`deleting ${id}`),
        onTenantDeleted: (id) => void seen.push(`deleted ${id}`),
        tenants: {
          beforeUpdate: (_context, _id, changes) => ({ ...changes, friendly_name: "Again" }),
          afterCreate: ({ tenantId }) => void seen.push(`after ${tenantId}`),
        },
      },
    });

    await create("acme");
    const own = await databaseIsolation.getAdapters("acme");
    expect((await own.roles.list("acme")).roles.map(({ name }) => name)).toEqual(["cook"]);
    await ask("PATCH", "/acme", operator, { support_email: "help@example.com" });
    await ask("DELETE", "/acme", operator);

    expect(seen).toEqual(["created Changed", "after control_plane", "updated Again", "deleting acme", "deleted acme"]);
  });

  it("take a creation back when they fail behind it, so that it can be asked for again", async () => {
    let failures = 1;
    const { controlPlane, create, organizations } = await composed("taken-back", {
      hooks: {
        onTenantCreated: () => {
          if (failures-- > 0) throw new Error("out of order");
        },
      },
    });

    expect((await create("acme")).status).toBe(500);
    expect(await controlPlane.tenants.get("acme")).toBeNull();
    expect((await organizations()).map(({ name }) => name)).not.toContain("acme");
    expect(databasesIn("taken-back")).toEqual([]);

    expect((await create("acme")).status).toBe(201);
  });

  it("that fail in a deletion are called again when it is asked for again", async () => {
    let failures = 1;
    const { controlPlane, ask, create } = await composed("deleting", {
      hooks: {
        onTenantDeleted: () => {
          if (failures-- > 0) throw new Error("out of order");
        },
      },
    });
    await create("acme");

    expect((await ask("DELETE", "/acme", operator)).status).toBe(500);
    expect(await controlPlane.tenants.get("acme")).not.toBeNull();
    expect((await ask("DELETE", "/acme", operator)).status).toBe(204);
    expect(await controlPlane.tenants.get("acme")).toBeNull();
  });
});

it("setupMultiTenancy: calls of a tenant go to its own database, and look-ups without one to the request's", async () => {
  const { controlPlane, databaseIsolation } = await composed("setup");
  const { middleware, wrapAdapters, config, app } = setupMultiTenancy({
    subdomainRouting: { baseDomain: "example.com" },
    databaseIsolation,
  });
  for (const id of ["acme", "beta"]) {
    await databaseIsolation.provision(id);
    await controlPlane.tenants.create({ id, friendly_name: id });
  }
  const data = wrapAdapters(controlPlane);
  const client = { client_id: "shop", name: "Shop", client_secret: "s" };
  await data.clients.create("acme", { ...client, name: "Acme's" });
  await data.clients.create("beta", { ...client, name: "Beta's" });
  const outer = new Hono<MultiTenancyEnv>();
  outer.use(middleware);
  outer.get("/client", async (c) => c.json(await data.clients.getByClientId("shop")));
  const at = async (host: string) =>
    await (await outer.request(`http://${host}/client`, {}, { data: controlPlane })).json();

  expect(await at("acme.example.com")).toMatchObject({ name: "Acme's", tenant_id: "acme" });
  expect(await at("beta.example.com")).toMatchObject({ name: "Beta's", tenant_id: "beta" });
  expect(await at("example.com")).toBeNull();
  expect(await controlPlane.clients.get("acme", "shop")).toBeNull();
  expect(config.controlPlaneTenantId).toBe(CONTROL_PLANE);
  expect((await app.request("http://example.com/tenants", {}, { data: controlPlane })).status).toBe(401);
});

it("createMultiTenancy and createMultiTenancyPlugin hold the same parts", async () => {
  const { controlPlane } = await composed("plugin");
  const config = { subdomainRouting: { baseDomain: "example.com" } };
  const outer = new Hono<MultiTenancyEnv>();
  outer.use(async (c, next) => {
    c.set("user", operator);
    await next();
  });
  outer.route("/", createMultiTenancy(config));
  const plugin = createMultiTenancyPlugin(config);

  expect((await outer.request("http://example.com/tenants", {}, { data: controlPlane })).status).toBe(200);
  expect((await outer.request("http://other.com/tenants", {}, { data: controlPlane })).status).toBe(404);
  expect(plugin.routes.map(({ path }) => path)).toEqual(["/tenants"]);
  expect(plugin.wrapAdapters(controlPlane)).toBe(controlPlane);
});

describe("settingsInheritance", () => {
  const settingsInheritance = { inheritedKeys: ["support_url"], lockedKeys: ["support_email"] } as const;
  const lent = { support_url: "https://help.example/", support_email: "help@example.com" };

  it("is shown with where a setting is from, and refuses what is locked", async () => {
    const { controlPlane, ask, create } = await composed("inherited", { settingsInheritance });
    await controlPlane.tenants.update(CONTROL_PLANE, lent);
    await create("acme");

    expect((await bodyOf(ask("GET", "/acme/effective-settings", operator))).body).toMatchObject({
      support_url: { value: lent.support_url, source: "control_plane", locked: false },
      support_email: { value: lent.support_email, source: "control_plane", locked: true },
    });
    expect(await bodyOf(ask("PATCH", "/acme", operator, { support_email: "own@acme.example" }))).toMatchObject({
      status: 409,
      body: { errorCode: "setting_locked" },
    });
    await ask("PATCH", "/acme", operator, { support_url: "https://acme.example/" });
    expect((await bodyOf(ask("GET", "/acme/effective-settings", operator))).body).toMatchObject({
      support_url: { value: "https://acme.example/", source: "own" },
    });
  });

  it("holds in the adapters of wrapAdapters, which store nothing of it", async () => {
    const { controlPlane, create } = await composed("wrapped", { settingsInheritance });
    await controlPlane.tenants.update(CONTROL_PLANE, lent);
    await create("acme");

    const { tenants } = setupMultiTenancy({ settingsInheritance }).wrapAdapters(controlPlane);

    expect(await tenants.get("acme")).toMatchObject(lent);
    await tenants.update("acme", { ...lent, friendly_name: "Renamed" });
    const row = await controlPlane.tenants.get("acme");
    expect([row?.friendly_name, row?.support_url, row?.support_email]).toEqual(["Renamed", undefined, undefined]);
    await expect(tenants.update("acme", { support_email: "own@acme.example" })).rejects.toMatchObject({ status: 409 });
  });
});

it("createAccessControlHooks and createDatabaseHooks answer what the middlewares ask", async () => {
  const { databaseIsolation } = await composed("questions");
  await databaseIsolation.provision("acme");
  const { onTenantAccessValidation: may } = createAccessControlHooks();
  const { resolveDataAdapters } = createDatabaseHooks({ databaseIsolation });

  expect(may(operator, "acme")).toBe(true);
  expect(may({ tenant_id: CONTROL_PLANE, org_id: "org_1", org_name: "acme" }, "beta")).toBe(false);
  expect((await (await resolveDataAdapters("acme")).roles.list("acme")).roles).toEqual([]);
  await expect(resolveDataAdapters("nobody")).rejects.toMatchObject({ reason: "tenant_not_found" });
});

it("options that nobody knows, or that this version does not have, are refused by name", () => {
  const unknown = { subdomainRoutng: {} } as MultiTenancyConfig;
  for (const make of [setupMultiTenancy, createMultiTenancy, createMultiTenancyHooks, createMultiTenancyPlugin]) {
    expect(() => make(unknown)).toThrow(/subdomainRoutng is not an option; remove it/);
  }
  expect(() => createTenantsOpenAPIRouter(unknown)).toThrow(/subdomainRoutng is not an option/);
  expect(() => createTenantsOpenAPIRouter({}, { tenant: {} } as object)).toThrow(/tenant is not an option/);
  expect(() => createProvisioningHooks(unknown)).toThrow(/subdomainRoutng is not an option/);
  expect(() => setupMultiTenancy({ settingsInheritance: {} } as object)).toThrow(/settingsInheritance\.inheritedKeys/);
  expect(() => setupMultiTenancy({ hooks: { onTenantMade: () => {} } } as object)).toThrow(
    /hooks\.onTenantMade is not/,
  );
});
