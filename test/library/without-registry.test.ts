import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@libsql/client";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAdapters, createKeyRing, migrateToLatest } from "../../src/adapter.ts";
import {
  createFileFactory,
  type DatabaseFactory,
  type FirstLogin,
  initMultiTenant,
  type MultiTenantConfig,
} from "../../src/index.ts";
import { callerOf } from "../support/in-process.ts";

const root = mkdtempSync(join(tmpdir(), "without-registry-"));
const keyRing = createKeyRing({ current: { id: "k1", key: Buffer.alloc(32, 7) } });
const closing: (() => Promise<void> | void)[] = [];

afterAll(async () => {
  for (const close of closing.reverse()) await close();
  rmSync(root, { recursive: true, force: true });
});

/** A house over files, whose control plane is known by its adapters alone. */
async function houseWith(name: string, more: Partial<MultiTenantConfig> = {}) {
  const database = createClient({ url: `file:${join(root, `${name}.db`)}` });
  await migrateToLatest(database);
  const controlPlane = createAdapters(database, { keyRing });
  const databases = createFileFactory({ directory: join(root, name) });
  let login: FirstLogin | undefined;
  const house = initMultiTenant({
    dataAdapter: controlPlane,
    databaseIsolation: databases,
    issuer: "http://localhost:4000/",
    logLevel: "error",
    onFirstLogin: (told) => {
      login = told;
    },
    ...more,
  });
  closing.push(() => database.close(), databases.close, house.close);
  await house.ready();
  if (!login) throw new Error("nobody was told the first login");
  const caller = callerOf(house.app.fetch, 4000, login);
  const token = await caller.machineToken();
  const createTenant = (id: string) => caller.api("/tenants", { token, json: { id, friendly_name: id } });
  const files = () => {
    const directory = join(root, name, "tenants");
    return existsSync(directory) ? readdirSync(directory).filter((file) => /^t-.*\.db$/.test(file)) : [];
  };
  return { house, controlPlane, databases, ...caller, login, token, createTenant, files };
}

type House = Awaited<ReturnType<typeof houseWith>>;

const CONNECTION = "Username-Password-Authentication";
const PASSWORD = "Corr3ct-h0rse!";
const newUser = (email: string) => ({ connection: CONNECTION, email, password: PASSWORD });
const in_ = (tenant: string) => ({ headers: { "tenant-id": tenant } });

/** A token of a tenant's organization, for a machine that may act for any. */
async function teamToken({ made, login, token, machineToken }: House, tenant: string) {
  const grants = await made<{ id: string; client_id: string }[]>("/client-grants", { token });
  const grant = grants.find(({ client_id }) => client_id === login.clientId);
  const usage = { organization_usage: "allow", allow_any_organization: true };
  await made(`/client-grants/${grant?.id}`, { method: "PATCH", token, json: usage });
  const organizations = await made<{ id: string; name: string }[]>("/organizations", { token });
  const organization = organizations.find(({ name }) => name === tenant)?.id ?? "";
  return { organization, token: await machineToken({ organization }) };
}

describe("tenants without a registry", () => {
  let house: House;

  beforeAll(async () => {
    house = await houseWith("two");
    for (const id of ["acme", "beta"]) expect((await house.createTenant(id)).status).toBe(201);
    await house.made("/users", { token: house.token, ...in_("acme"), json: newUser("anna@acme.example") });
    await house.made("/users", { token: house.token, ...in_("beta"), json: newUser("bert@beta.example") });
  });

  it("have their rows in their own databases only", async () => {
    const { databases, controlPlane, files } = house;
    const [acme, beta] = [await databases.getAdapters("acme"), await databases.getAdapters("beta")];
    const emails = async (adapters: typeof acme, id: string) =>
      (await adapters.users.list(id)).users.map(({ email }) => email);

    expect(files()).toHaveLength(2);
    expect(await emails(acme, "acme")).toEqual(["anna@acme.example"]);
    expect(await emails(beta, "beta")).toEqual(["bert@beta.example"]);
    expect([await emails(acme, "beta"), await emails(beta, "acme")]).toEqual([[], []]);
    expect([await emails(controlPlane, "acme"), await emails(controlPlane, "beta")]).toEqual([[], []]);
    expect((await (await house.house.getAdapters("acme")).users.list("acme")).users).toHaveLength(1);
    await expect(house.house.getAdapters("nobody")).rejects.toMatchObject({ reason: "tenant_not_found" });
  });

  it("let nobody of one into another, by header or by host", async () => {
    const { api, made, token } = house;
    const { token: acmes } = await teamToken(house, "acme");
    const child = await made<{ client_id: string; client_secret: string }>("/clients", {
      ...{ token, ...in_("acme") },
      json: { name: "machine", app_type: "non_interactive", grant_types: ["client_credentials"] },
    });
    await made("/client-grants", {
      ...{ token, ...in_("acme") },
      json: { client_id: child.client_id, audience: "urn:authhero:management", scope: ["read:users"] },
    });
    const { client_id, client_secret } = child;
    const childs = await house.machineToken({ client_id, client_secret }, "acme");

    const own = await Promise.all([
      api("/users", { token: acmes, ...in_("acme") }),
      api("/users", { token: childs, at: "acme" }),
    ]);
    for (const answer of own) {
      expect(((await answer.json()) as { email: string }[]).map(({ email }) => email)).toEqual(["anna@acme.example"]);
    }
    const foreign = await Promise.all(
      [acmes, childs].flatMap((each) => [
        api("/users", { token: each, ...in_("beta") }),
        api("/users", { token: each, at: "beta" }),
        api("/users", { token: each, ...in_("control_plane") }),
        api("/tenants/beta", { token: each }),
        api("/tenants", { token: each, json: { id: "gamma", friendly_name: "Gamma" } }),
      ]),
    );
    expect(foreign.map(({ status }) => status)).toEqual(Array(10).fill(403));
    const listed = await made<{ id: string }[]>("/tenants", { token: acmes });
    expect(listed.map(({ id }) => id)).toEqual(["acme"]);
  });

  it("cannot be taken over through their organizations", async () => {
    const { api, token } = house;
    const { organization } = await teamToken(house, "acme");
    const patch = { method: "PATCH", token, json: { name: "other" } };

    expect((await api(`/organizations/${organization}`, patch)).status).toBe(403);
    expect((await api(`/organizations/${organization}`, { method: "DELETE", token })).status).toBe(403);
    expect((await api("/organizations", { token, json: { name: "beta" } })).status).toBe(409);
  });

  it("are known, or refused on every route", async () => {
    const { send, api, token } = house;
    const discovery = "/.well-known/openid-configuration";

    expect(await (await send("acme.localhost:4000", discovery)).json()).toMatchObject({
      issuer: "http://acme.localhost:4000/",
    });
    expect((await send("nobody.localhost:4000", discovery)).status).toBe(404);
    expect((await send("login.acme.example:4000", discovery)).status).toBe(404);
    expect((await api("/users", { token, ...in_("nobody") })).status).toBe(404);
    expect((await api("/users", { token: "nonsense", ...in_("acme") })).status).toBe(401);
  });

  it("sign with keys of their own", async () => {
    const keyIds = async (label?: string) => {
      const answer = await house.send(house.hostOf(label), "/.well-known/jwks.json");
      return ((await answer.json()) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
    };

    const all = [...(await keyIds("acme")), ...(await keyIds("beta")), ...(await keyIds())];
    expect(new Set(all).size).toBe(3);
  });

  it("sign their people in at their own host only", async () => {
    const { made, ask, send, hostOf, token } = house;
    const redirect_uri = "https://app.example/callback";
    const { client_id, client_secret } = await made<{ client_id: string; client_secret: string }>("/clients", {
      ...{ token, ...in_("acme") },
      json: { name: "app", app_type: "regular_web", callbacks: [redirect_uri], web_origins: ["https://app.example"] },
    });
    const credentials = {
      credential_type: "http://auth0.com/oauth/grant-type/password-realm",
      ...{ client_id, realm: CONNECTION, username: "anna@acme.example", password: PASSWORD },
    };
    const signIn = (at: string) =>
      send(hostOf(at), "/co/authenticate", {
        method: "POST",
        headers: { "content-type": "application/json", origin: "https://app.example" },
        body: JSON.stringify(credentials),
      });
    const signedIn = await signIn("acme");
    const { login_ticket } = (await signedIn.json()) as { login_ticket: string };
    const query = new URLSearchParams({
      ...{ client_id, redirect_uri, login_ticket, response_type: "code", scope: "openid email", realm: CONNECTION },
    });
    const redirected = await send(hostOf("acme"), `/authorize?${query}`);
    const code = new URL(redirected.headers.get("location") ?? "").searchParams.get("code") ?? "";
    const answer = await ask(
      { grant_type: "authorization_code", client_id, client_secret, code, redirect_uri },
      "acme",
    );
    const tokens = (await answer.json()) as { access_token: string };

    const found = "/users-by-email?email=anna@acme.example";
    const [anna] = await made<{ user_id: string }[]>(found, { token, ...in_("acme") });
    const claims = { iss: "http://acme.localhost:4000/", sub: anna?.user_id, tenant_id: "acme" };
    expect(decodeJwt(tokens.access_token)).toMatchObject(claims);
    // The application is not known where the request is not acme's.
    expect((await signIn("beta")).status).toBe(403);
  });

  it("are refused what needs the registry, by name", async () => {
    const { api, token } = house;
    const { token: acmes } = await teamToken(house, "acme");
    const answers = await Promise.all([
      api("/tenant-members", { token: acmes, ...in_("acme") }),
      api("/operations", { token }),
      api("/tenants/acme/suspend", { method: "POST", token }),
      api("/tenants/acme/undelete", { method: "POST", token }),
      api("/tenants/acme/database", { token }),
      api("/tenants/acme/operations", { token, json: { kind: "migrate" } }),
      api("/tenants", { token, headers: { "idempotency-key": "k" }, json: { id: "gamma", friendly_name: "Gamma" } }),
      api("/custom-domains", {
        token,
        ...in_("acme"),
        json: { domain: "login.acme.example", type: "self_managed_certs" },
      }),
    ]);
    for (const answer of answers) {
      expect([answer.status, await answer.json()]).toEqual([
        400,
        expect.objectContaining({
          errorCode: "needs_registry",
          message: expect.stringContaining("controlPlane.database"),
        }),
      ]);
    }
  });
});

describe("the life of a tenant without a registry", () => {
  it("tells hooks, and ends with its database, its organization and its tokens", async () => {
    const seen: string[] = [];
    const life = await houseWith("life", {
      hooks: {
        onTenantCreating: ({ id }) => void seen.push(`creating ${id}`),
        onTenantCreated: async ({ id }, own) => {
          await own.roles.create(id, { name: "cook" });
          seen.push(`created ${id}`);
        },
        onTenantDeleting: (id) => void seen.push(`deleting ${id}`),
        onTenantDeleted: (id) => void seen.push(`deleted ${id}`),
      },
    });
    const { api, made, token, createTenant, files, controlPlane } = life;
    expect((await createTenant("acme")).status).toBe(201);
    const roles = await made<{ name: string }[]>("/roles", { token, ...in_("acme") });
    expect(roles.map(({ name }) => name)).toContain("cook");
    const keyOf = async (id: string) =>
      (await controlPlane.keys.list({ q: `tenant_id:${id}` })).signingKeys.find((each) => !each.revoked_at)?.kid;
    const key = await keyOf("acme");
    const before = await teamToken(life, "acme");
    expect((await api("/users", { token: before.token, ...in_("acme") })).status).toBe(200);

    expect((await api("/tenants/acme", { method: "DELETE", token })).status).toBe(204);

    expect(seen).toEqual(["creating acme", "created acme", "deleting acme", "deleted acme"]);
    expect(files()).toEqual([]);
    expect(await controlPlane.tenants.get("acme")).toBeNull();
    expect((await api("/users", { token, ...in_("acme") })).status).toBe(404);
    // Who comes after has nothing of the one before.
    expect((await createTenant("acme")).status).toBe(201);
    expect((await api("/users", { token: before.token, ...in_("acme") })).status).toBe(403);
    expect(await keyOf("acme")).not.toBe(key);
  });

  it("begins with nothing when its database cannot be made", async () => {
    const files = createFileFactory({ directory: join(root, "failing-files") });
    closing.push(files.close);
    let isBroken = true;
    const failing: DatabaseFactory = {
      getAdapters: files.getAdapters,
      deprovision: files.deprovision,
      async provision(id) {
        if (isBroken) throw new Error("no space left");
        await files.provision(id);
      },
    };
    const { createTenant, controlPlane, api, made, token } = await houseWith("failing", { databaseIsolation: failing });

    expect((await createTenant("acme")).status).toBe(500);

    expect(await controlPlane.tenants.get("acme")).toBeNull();
    expect((await api("/tenants/acme", { token })).status).toBe(404);
    const organizations = await made<{ name: string }[]>("/organizations", { token });
    expect(organizations.map(({ name }) => name)).not.toContain("acme");
    isBroken = false;
    expect((await createTenant("acme")).status).toBe(201);
    expect((await createTenant("acme")).status).toBe(409);
  });

  it("is refused before anything is made: by a hook, by a reserved label, or without a database", async () => {
    const files = createFileFactory({ directory: join(root, "opened-files") });
    closing.push(files.close);
    const { createTenant, controlPlane, made, token } = await houseWith("opened", {
      databaseIsolation: undefined as never,
      getAdapters: (id) => files.getAdapters(id),
      subdomainRouting: { reservedSubdomains: ["status"] },
      hooks: {
        onTenantCreating: ({ id }) => {
          if (id === "never") throw new Error("not this one");
        },
      },
    });
    const answers = [await createTenant("never"), await createTenant("status"), await createTenant("acme")];

    expect(answers.map(({ status }) => status)).toEqual([500, 400, 404]);
    for (const id of ["never", "status", "acme"]) expect(await controlPlane.tenants.get(id)).toBeNull();
    // Databases of getAdapters are made elsewhere.
    await files.provision("acme");
    expect((await createTenant("acme")).status).toBe(201);
    await made("/users", { token, ...in_("acme"), json: newUser("anna@acme.example") });
    expect((await (await files.getAdapters("acme")).users.list("acme")).users).toHaveLength(1);
  });
});

describe("options without a registry", () => {
  const dataAdapter = createAdapters(createClient({ url: ":memory:" }), { keyRing });
  const base = { dataAdapter, databaseIsolation: createFileFactory({ directory: join(root, "options") }) };
  const REFUSED: Readonly<Record<string, [object, RegExp]>> = {
    "nothing at all": [{}, /dataAdapter: is missing.*; databaseIsolation: is missing/],
    "no databases": [{ dataAdapter }, /databaseIsolation: is missing; give it, or getAdapters/],
    "days to undelete": [{ ...base, undeleteDays: 3 }, /undeleteDays: needs the registry; give controlPlane\.database/],
    "tenants to wait for": [{ ...base, sync: { inlineTenants: 3 } }, /sync\.inlineTenants: needs the registry/],
    "a resolver of domains": [{ ...base, resolveTxt: () => [] }, /resolveTxt: needs the registry/],
    "a key ring for nothing": [{ ...base, controlPlane: { keyRing } }, /controlPlane\.keyRing: is for/],
    "adapters that deliver nothing": [
      { ...base, dataAdapter: { ...dataAdapter, outbox: undefined } },
      /dataAdapter: has no outbox/,
    ],
  };

  it.each(Object.entries(REFUSED))("that are %s are refused by name", (_what, [options, message]) => {
    expect(() => initMultiTenant(options as MultiTenantConfig)).toThrow(message);
  });
});
