import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { api, createTenant, furnish, managementOf, managementToken } from "../support/clients.ts";
import { type RunningServer, startServer } from "../support/server.ts";

let server: RunningServer;
let token: string;

beforeAll(async () => {
  server = await startServer();
  token = await managementToken(server);
  await createTenant(server, token, "acme");
  await createTenant(server, token, "beta");
});
afterAll(() => server?.remove());

const post = (body: unknown) => api(server, token, "/tenants", { method: "POST", body: JSON.stringify(body) });
const databases = () => {
  const directory = join(server.directory, "tenants");
  return existsSync(directory) ? readdirSync(directory).filter((name) => /^t-.*\.db$/.test(name)) : [];
};

describe("the tenants API", () => {
  it.each([
    "../x",
    "a OR b",
    "Acme",
    "ac",
    "-acme",
    "acme-",
    "a--b",
    "1acme",
    "а-cyrillic",
    "x".repeat(64),
    "www",
    "api",
    "login",
    "settings",
    "operations",
    "a.b",
    "a/b",
    "a%2fb",
    "",
    " acme2",
    "acme\u0000",
    42,
    null,
    ["acme3"],
  ])("refuses the id %j and leaves nothing behind", async (id) => {
    const before = databases();

    const answer = await post({ id, friendly_name: "Hostile" });

    expect(answer.status).toBe(400);
    expect(((await answer.json()) as { message: string }).message).toMatch(/id/);
    expect(databases()).toEqual(before);
  });

  it("names the field that is wrong or missing", async () => {
    const nameless = (await (await post({ id: "gamma" })).json()) as { message: string };
    const unknown = (await (await post({ id: "gamma", friendly_name: "G", provisioning_state: "ready" })).json()) as {
      message: string;
    };

    expect(nameless.message).toMatch(/friendly_name/);
    expect(unknown.message).toMatch(/provisioning_state/);
    expect((await api(server, token, "/tenants/gamma")).status).toBe(404);
  });

  it("makes up an id where none is given", async () => {
    const answer = await post({ friendly_name: "Nameless" });
    const { id } = (await answer.json()) as { id: string };

    expect(answer.status).toBe(201);
    expect(id).toMatch(/^[a-z][a-z0-9]{11}$/);
    expect((await api(server, token, `/tenants/${id}`, { method: "DELETE" })).status).toBe(204);
  });

  it("lists by pages, by prefix, in order, and by keyset", async () => {
    const list = async (query: string) => (await api(server, token, `/tenants?${query}`)).json();

    expect(await list("q=ac&include_totals=true")).toMatchObject({ total: 1, length: 1, tenants: [{ id: "acme" }] });
    expect(((await list("sort=id:-1")) as { id: string }[]).map(({ id }) => id)).toEqual([
      "control_plane",
      "beta",
      "acme",
    ]);
    const first = (await list("take=2")) as { tenants: { id: string }[]; next: string };
    const second = (await list(`take=2&from=${first.next}`)) as { tenants: { id: string }[]; next?: string };
    expect([...first.tenants, ...second.tenants].map(({ id }) => id)).toEqual(["acme", "beta", "control_plane"]);
    expect(second.next).toBeUndefined();
    expect(await list("q=%25")).toEqual([]);
    expect((await api(server, token, "/tenants?take=2&from=nonsense")).status).toBe(400);
    expect((await api(server, token, "/tenants?per_page=101")).status).toBe(400);
  });

  it("does not delete the control plane, and 404s what is not there", async () => {
    expect((await api(server, token, "/tenants/control_plane", { method: "DELETE" })).status).toBe(403);
    expect((await api(server, token, "/tenants/nobody", { method: "DELETE" })).status).toBe(404);
  });

  it("creates one tenant, however many ask for the same id at once", async () => {
    const answers = await Promise.all(Array.from({ length: 12 }, () => post({ id: "crowd", friendly_name: "Crowd" })));

    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, ...Array.from({ length: 11 }, () => 409)]);
    expect((await api(server, token, "/tenants/crowd", { method: "DELETE" })).status).toBe(204);
  });

  it("keeps AuthHero's settings of the request's tenant", async () => {
    const settings = (tenant: string, init?: RequestInit) =>
      api(server, token, "/tenants/settings", { ...init, headers: { "tenant-id": tenant } });

    const changed = await settings("acme", {
      method: "PATCH",
      body: JSON.stringify({ support_email: "help@acme.example" }),
    });

    expect(changed.status).toBe(200);
    expect(await (await settings("acme")).json()).toMatchObject({ support_email: "help@acme.example" });
    expect(await (await settings("beta")).json()).not.toHaveProperty("support_email");
  });
});

describe("who may", () => {
  it("asks for a token on every route, HEAD included", async () => {
    for (const method of ["GET", "HEAD"]) {
      for (const path of ["/users", "/tenants", "/tenants/acme", "/clients"]) {
        expect([method, path, (await api(server, null, path, { method })).status]).toEqual([method, path, 401]);
      }
    }
    expect((await api(server, "garbage", "/users")).status).toBe(401);
  });

  it("keeps a tenant's own token with that tenant", async () => {
    const childToken = await tokenOfChild("acme");
    const onOwn = await fetch(`http://acme.localhost:${server.port}/api/v2/users`, bearer(childToken));
    expect(onOwn.status).toBe(200);

    const elsewhere = [
      fetch(`http://beta.localhost:${server.port}/api/v2/users`, bearer(childToken)),
      api(server, childToken, "/users"),
      api(server, childToken, "/users", { headers: { "tenant-id": "beta" } }),
      api(server, childToken, "/tenants"),
      api(server, childToken, "/tenants/acme", { method: "DELETE" }),
      api(server, childToken, "/tenants", { method: "POST", body: JSON.stringify({ id: "mine", friendly_name: "x" }) }),
    ];

    expect((await Promise.all(elsewhere)).map(({ status }) => status)).toEqual([403, 403, 403, 403, 403, 403]);
  });

  it("answers contradictory tenants with 400 and unknown hosts with 404", async () => {
    const onAcme = `http://acme.localhost:${server.port}/api/v2/users`;

    expect((await fetch(onAcme, { headers: { authorization: `Bearer ${token}`, "tenant-id": "beta" } })).status).toBe(
      400,
    );
    expect((await fetch(`http://nobody.localhost:${server.port}/authorize`)).status).toBe(404);
    expect((await fetch(`http://www.localhost:${server.port}/authorize`)).status).toBe(404);
  });

  async function tokenOfChild(tenant: string): Promise<string> {
    const { clients, clientGrants } = managementOf(server, token, tenant);
    const machine = { client_id: "machine", client_secret: "a-secret-of-the-machine-0123456789" };
    await clients.create({
      ...machine,
      name: "Machine",
      app_type: "non_interactive",
      grant_types: ["client_credentials"],
    } as never);
    const audience = "urn:authhero:management";
    // Everything its tenant can hand out, the lifecycle's scopes too.
    const scope = ["read:users", "read:tenants", "create:tenants", "delete:tenants", "admin:organizations"];
    await clientGrants.create({ client_id: "machine", audience, scope } as never);
    const body = new URLSearchParams({ grant_type: "client_credentials", ...machine, audience });
    const answer = await fetch(`http://${tenant}.localhost:${server.port}/oauth/token`, { method: "POST", body });
    return ((await answer.json()) as { access_token: string }).access_token;
  }
});

describe("PATCH with the auth0 SDK", () => {
  it("changes what was sent and nothing else of an application", async () => {
    const application = await furnish(server, token, "beta", "patched");
    const { clients } = managementOf(server, token, "beta");
    const { updated_at: _before, ...before } = (await clients.get("patched")) as unknown as Record<string, unknown>;

    await clients.update("patched", { name: "Renamed" });

    const { updated_at: _after, ...after } = (await clients.get("patched")) as unknown as Record<string, unknown>;
    expect(after).toEqual({ ...before, name: "Renamed" });
    expect(after.callbacks).toEqual([application.redirectUri]);
    expect(after.client_secret).toBe(application.clientSecret);
  });

  it("keeps the lifetime of an API and the metadata of an organization", async () => {
    const { resourceServers, organizations } = managementOf(server, token, "beta");
    const made = await resourceServers.create({
      name: "API",
      identifier: "https://api.beta.example",
      token_lifetime: 111,
    });
    const organization = await organizations.create({ name: "crew", display_name: "Crew", metadata: { floor: "2" } });

    await resourceServers.update(made.id ?? "", { name: "API 2" });
    await organizations.update(organization.id ?? "", { display_name: "The crew" });

    expect(await resourceServers.get(made.id ?? "")).toMatchObject({ name: "API 2", token_lifetime: 111 });
    expect(await organizations.get(organization.id ?? "")).toMatchObject({
      display_name: "The crew",
      metadata: { floor: "2" },
    });
  });

  it("holds on the next request, although configuration is cached", async () => {
    const application = await furnish(server, token, "acme", "cached");
    const { clients } = managementOf(server, token, "acme");
    const authorize = async (redirectUri: string) => {
      const query = new URLSearchParams({
        client_id: "cached",
        redirect_uri: redirectUri,
        response_type: "code",
        state: "s",
      });
      const answer = await fetch(`${application.issuer}authorize?${query}`, { redirect: "manual" });
      return answer.status;
    };
    expect(await authorize(application.redirectUri)).toBe(302);
    expect(await authorize("http://new.localhost/callback")).not.toBe(302);

    await clients.update("cached", { callbacks: ["http://new.localhost/callback"] });

    expect(await authorize("http://new.localhost/callback")).toBe(302);
    expect(await authorize(application.redirectUri)).not.toBe(302);
  });

  it("answers 409 for a duplicate", async () => {
    const { clients, roles } = managementOf(server, token, "acme");
    const create = () => clients.create({ client_id: "twin", name: "Twin" } as never);
    await create();
    await roles.create({ name: "porter" });

    await expect(create()).rejects.toMatchObject({ statusCode: 409 });
    await expect(roles.create({ name: "porter" })).rejects.toMatchObject({ statusCode: 409 });
  });
});

const bearer = (accessToken: string) => ({ headers: { authorization: `Bearer ${accessToken}` } });
