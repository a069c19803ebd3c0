import type { DataAdapters } from "@authhero/adapter-interfaces";
import { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PlatformError } from "../../src/domain/errors.ts";
import { createDataAdapters } from "../../src/entities/adapters.ts";
import { createAccessControlMiddleware } from "../../src/http/middleware/access-control.ts";
import { createDatabaseMiddleware } from "../../src/http/middleware/database.ts";
import type { MultiTenancyEnv, VerifiedClaims } from "../../src/http/middleware/env.ts";
import { createMultiTenancyMiddleware } from "../../src/http/middleware/multi-tenancy.ts";
import { createSubdomainMiddleware } from "../../src/http/middleware/subdomain.ts";
import { validateTenantAccess } from "../../src/tenancy/access.ts";
import { type FreshStore, freshStore } from "../support/store.ts";

const CONTROL_PLANE = "control_plane";

let stores: FreshStore[];
let shared: DataAdapters;
let acme: DataAdapters;

beforeAll(async () => {
  stores = [await freshStore(), await freshStore()];
  const [first, second] = stores.map(({ store }) => createDataAdapters(store));
  if (!first || !second) throw new Error("no stores");
  [shared, acme] = [first, second];
  await shared.tenants.create({ id: "acme", friendly_name: "Acme", audience: "a", sender_name: "", sender_email: "" });
  await acme.roles.create("acme", { name: "of acme's own" });
});
afterAll(async () => {
  for (const store of stores) await store.close();
});

/** An app of somebody else's behind a middleware: it says whose request it is, and counts how often it was reached. */
function appBehind(
  middleware: ReturnType<typeof createMultiTenancyMiddleware>,
  user?: VerifiedClaims,
  tenantId?: string,
) {
  let reached = 0;
  const app = new Hono<MultiTenancyEnv>();
  app.use(async (c, next) => {
    if (user) c.set("user", user);
    if (tenantId) c.set("tenant_id", tenantId);
    await next();
  });
  app.use(middleware);
  app.get("/", async (c) => {
    reached += 1;
    const { roles } = (await c.env.data?.roles.list(c.get("tenant_id") ?? "")) ?? { roles: [] };
    return c.json({ tenant: c.get("tenant_id"), roles: roles.map(({ name }) => name) });
  });
  return {
    reached: () => reached,
    ask: (host = "acme.auth.example", env: object = {}) => app.request(`http://${host}/`, { headers: { host } }, env),
  };
}

const errorOf = async (answer: Response) => {
  const body = (await answer.json()) as { errorCode?: string };
  return [answer.status, body.errorCode];
};

describe("validateTenantAccess", () => {
  it.each([
    [undefined, CONTROL_PLANE, undefined, true],
    [undefined, "acme", undefined, false],
    [undefined, "acme", "acme", false],
    ["org_1", "acme", "acme", true],
    ["org_1", "acme", "ACME", true],
    ["org_1", "Acme", "acme", true],
    ["ACME", "acme", undefined, true],
    ["org_1", "beta", "acme", false],
    ["org_1", CONTROL_PLANE, "acme", false],
    ["org_1", CONTROL_PLANE, CONTROL_PLANE, false],
    ["", CONTROL_PLANE, undefined, false],
    ["", "", "", false],
  ])("organization %s on %s, named %s: %s", (organization, target, name, expected) => {
    expect(validateTenantAccess(organization, target, CONTROL_PLANE, name)).toBe(expected);
  });
});

describe("createSubdomainMiddleware", () => {
  const app = appBehind(createSubdomainMiddleware({ baseDomain: "auth.example", reservedSubdomains: ["Shop"] }));

  it.each([
    ["acme.auth.example", "acme"],
    ["ACME.Auth.Example.:8080", "acme"],
    ["auth.example", CONTROL_PLANE],
  ])("%s is %s", async (host, tenant) => {
    const answer = await app.ask(host);

    expect(await answer.json()).toMatchObject({ tenant });
  });

  it.each([
    ["www.auth.example", "unknown_host"],
    ["shop.auth.example", "unknown_host"],
    ["a.acme.auth.example", "unknown_host"],
    ["acme.auth.example.evil", "unknown_host"],
    ["evilauth.example", "unknown_host"],
    ["127.0.0.1", "unknown_host"],
    ["a--b.auth.example", "tenant_not_found"],
  ])("%s is %s", async (host, reason) => {
    const before = app.reached();

    expect(await errorOf(await app.ask(host))).toEqual([404, reason]);
    expect(app.reached()).toBe(before);
  });

  it("asks the adapters where there are some, or the resolver", async () => {
    const data = { data: shared };
    const resolving = appBehind(
      createSubdomainMiddleware({
        baseDomain: "auth.example",
        resolveSubdomain: (label) => (label === "ac-me" ? "acme" : null),
      }),
    );

    expect(await errorOf(await app.ask("beta.auth.example", data))).toEqual([404, "tenant_not_found"]);
    expect((await app.ask("acme.auth.example", data)).status).toBe(200);
    expect(await (await resolving.ask("ac-me.auth.example")).json()).toMatchObject({ tenant: "acme" });
    expect(await errorOf(await resolving.ask("acme.auth.example"))).toEqual([404, "tenant_not_found"]);
  });

  it("refuses a request that was for another tenant already", async () => {
    const other = appBehind(createSubdomainMiddleware({ baseDomain: "auth.example" }), undefined, "beta");

    expect(await errorOf(await other.ask())).toEqual([400, "tenant_conflict"]);
  });
});

describe("createAccessControlMiddleware", () => {
  const asked = (user: VerifiedClaims | undefined, target: string | undefined, options = {}) =>
    appBehind(createAccessControlMiddleware(options), user, target).ask();
  const operator = (claims: VerifiedClaims = {}) => ({ tenant_id: CONTROL_PLANE, ...claims });

  it.each([
    ["a tenant's own token", { tenant_id: "acme" }, "acme"],
    ["an operator's on the control plane", operator(), CONTROL_PLANE],
    ["an organization's on its tenant", operator({ org_id: "org_1", org_name: "Acme" }), "acme"],
    ["a global administrator's", operator({ permissions: ["admin:organizations"] }), "acme"],
    ["one with the scope", operator({ scope: "read:users admin:organizations" }), "acme"],
  ])("lets %s through", async (_what, user, target) => {
    expect((await asked(user, target)).status).toBe(200);
  });

  it.each([
    ["another tenant's token", { tenant_id: "beta" }, "acme"],
    [
      "a tenant's token on the control plane",
      { tenant_id: "acme", permissions: ["admin:organizations"] },
      CONTROL_PLANE,
    ],
    ["a token that does not say whose it is", { permissions: ["admin:organizations"] }, "acme"],
    ["an operator's without organization", operator(), "acme"],
    ["another organization's", operator({ org_id: "org_1", org_name: "beta" }), "acme"],
    [
      "an organization's with the scope",
      operator({ org_id: "o", org_name: "beta", scope: "admin:organizations" }),
      "acme",
    ],
    ["an organization's on the control plane", operator({ org_id: "org_1", org_name: "acme" }), CONTROL_PLANE],
  ])("refuses %s", async (_what, user, target) => {
    expect(await errorOf(await asked(user, target))).toEqual([403, "tenant_forbidden"]);
  });

  it("refuses without claims, and without a tenant", async () => {
    expect(await errorOf(await asked(undefined, "acme"))).toEqual([401, "invalid_token"]);
    expect(await errorOf(await asked(operator(), undefined))).toEqual([400, "tenant_missing"]);
  });

  it("lets every operator in when told so, organizations' not", async () => {
    const options = { requireOrganizationMatch: false };

    expect((await asked(operator(), "acme", options)).status).toBe(200);
    const other = operator({ org_id: "org_1", org_name: "beta" });
    expect(await errorOf(await asked(other, "acme", options))).toEqual([403, "tenant_forbidden"]);
  });
});

describe("createDatabaseMiddleware", () => {
  const middleware = createDatabaseMiddleware({ getAdapters: (tenantId) => (tenantId === "acme" ? acme : null) });

  it("hands the tenant's adapters to this request only", async () => {
    const env = { data: shared };

    const answer = await appBehind(middleware, undefined, "acme").ask("any.example", env);

    expect(await answer.json()).toEqual({ tenant: "acme", roles: ["of acme's own"] });
    expect(env.data).toBe(shared);
  });

  it("leaves the control plane what it has, and refuses where it has nothing", async () => {
    const app = appBehind(middleware, undefined, CONTROL_PLANE);

    expect((await app.ask("any.example", { data: shared })).status).toBe(200);
    expect(await errorOf(await app.ask("any.example"))).toEqual([400, "tenant_missing"]);
  });

  it("never falls back to other adapters", async () => {
    const env = { data: shared };
    const failing = (error: Error) => createDatabaseMiddleware({ getAdapters: () => Promise.reject(error) });
    const gone = failing(new PlatformError("not_found", "tenant_not_found", "no"));

    expect(await errorOf(await appBehind(middleware, undefined, "beta").ask("x", env))).toEqual([
      404,
      "tenant_not_found",
    ]);
    expect(await errorOf(await appBehind(gone, undefined, "acme").ask("x", env))).toEqual([404, "tenant_not_found"]);
    const broken = await appBehind(failing(new Error("secret host")), undefined, "acme").ask("x", env);
    expect(broken.headers.get("retry-after")).toBe("1");
    expect(await broken.clone().text()).not.toContain("secret host");
    expect(await errorOf(broken)).toEqual([503, "tenant_unavailable"]);
    expect(await errorOf(await appBehind(middleware).ask("x", env))).toEqual([400, "tenant_missing"]);
  });
});

describe("createMultiTenancyMiddleware", () => {
  it("goes host, access, database, and reaches the route once", async () => {
    const asked: string[] = [];
    const middleware = createMultiTenancyMiddleware({
      databaseIsolation: {
        getAdapters(tenantId) {
          asked.push(tenantId);
          return acme;
        },
      },
      accessControl: {},
      subdomainRouting: { baseDomain: "auth.example" },
    });
    const own = appBehind(middleware, { tenant_id: "acme" });
    const foreign = appBehind(middleware, { tenant_id: "beta" });

    expect(await (await own.ask()).json()).toEqual({ tenant: "acme", roles: ["of acme's own"] });
    expect(own.reached()).toBe(1);
    expect(await errorOf(await foreign.ask())).toEqual([403, "tenant_forbidden"]);
    expect(await errorOf(await foreign.ask("evil.example"))).toEqual([404, "unknown_host"]);
    expect(foreign.reached()).toBe(0);
    // Who is refused costs no database.
    expect(asked).toEqual(["acme"]);
  });

  it.each([
    [{}, /give at least one of/],
    [{ subdomainRouting: { baseDomain: "auth.example:3000" } }, /subdomainRouting\.baseDomain: must be a domain/],
    [
      { subdomainRouting: { basedomain: "x" } },
      /subdomainRouting\.baseDomain: .*; subdomainRouting\.basedomain is not/,
    ],
    [{ databaseIsolation: {} }, /databaseIsolation\.getAdapters: must be a function/],
    [{ accessControl: { requireOrganizationMatch: "no" } }, /accessControl\.requireOrganizationMatch: /],
    [
      { controlPlaneTenantId: "a", accessControl: { controlPlaneTenantId: "b" } },
      /accessControl\.controlPlaneTenantId: differs/,
    ],
  ])("refuses %j by name", (options, message) => {
    expect(() => Reflect.apply(createMultiTenancyMiddleware, undefined, [options])).toThrow(message);
  });
});
