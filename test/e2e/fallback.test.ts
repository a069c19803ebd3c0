import * as oidc from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Application,
  api,
  browser,
  connectionUrl,
  createTenant,
  discover,
  furnish,
  logInAt,
  managementToken,
} from "../support/clients.ts";
import { type IdentityProvider, startIdentityProvider } from "../support/identity-provider.ts";
import { startListener } from "../support/listener.ts";
import { freePort } from "../support/program.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { tracesIn } from "../support/traces.ts";

const CONTROL_PLANE = "control_plane";
const GOOGLE = "google-oauth2";
/** A connection of the tenant's own, beside its copy of the control plane's. */
const OWN = "acme-google";

let server: RunningServer;
let port: number;
/** One redirect URI for all tenants, on the control plane's host. */
const callback = () => `http://localhost:${port}/login/callback`;
let token: string;
let application: Application;
let google: IdentityProvider;
let workforce: IdentityProvider;
let attacker: Awaited<ReturnType<typeof startListener>>;
let platforms: string;

/** A call of the Management API. */
async function ask(tenantId: string, method: string, path: string, body?: unknown) {
  const answer = await api(server, token, path, {
    method,
    headers: { "tenant-id": tenantId },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const parsed: unknown = /^[[{]/.test(text) ? JSON.parse(text) : null;
  return { status: answer.status, text, body: parsed as Record<string, unknown> };
}

interface Connection {
  readonly strategy: string;
  readonly options: object;
  readonly metadata?: object;
}

/** Makes, or changes, the one connection of that name in a tenant. */
async function connection(tenantId: string, name: string, values: Connection) {
  const found = (await ask(tenantId, "GET", "/connections")).body as unknown as { id: string; name: string }[];
  const id = found.find((each) => each.name === name)?.id;
  if (id) await ask(tenantId, "DELETE", `/connections/${id}`);
  const made = await ask(tenantId, "POST", "/connections", { name, ...values });
  expect(made.status).toBe(201);
  return made.body as { id: string };
}

const configurationOf = ({ issuer, clientId, clientSecret }: Application) => discover(issuer, clientId, clientSecret);

/** Where a login at this connection sends the browser first; empty when it goes nowhere. */
async function firstStop(name: string, at = application): Promise<string> {
  const start = await connectionUrl(name, at, await configurationOf(at), oidc.randomPKCECodeVerifier());
  const answer = await browser().visit(start.href);
  return answer.headers.get("location") ?? "";
}

/** Google's own page is where it would be if its name meant loopback. */
const logInBy = (name: string, at = application) =>
  logInAt(name, at, (url) => url.replace("https://accounts.google.com/o/oauth2/v2", google.issuer));

beforeAll(async () => {
  port = await freePort();
  google = await startIdentityProvider([callback()], "person@google.example", "client_secret_basic");
  workforce = await startIdentityProvider([callback()], "operator@street.example");
  attacker = await startListener();
  platforms = google.options.client_secret ?? "";
  server = await startServer({
    port,
    env: {
      NODE_OPTIONS: `--import ${new URL("../support/rerouted.mjs", import.meta.url).href}`,
      REROUTED: JSON.stringify({ "https://oauth2.googleapis.com": google.issuer }),
    },
  });
  token = await managementToken(server);
  await createTenant(server, token, "acme");
  application = await furnish(server, token, "acme");
  const { client_id, client_secret } = google.options;
  await connection(CONTROL_PLANE, GOOGLE, {
    strategy: GOOGLE,
    options: { client_id, client_secret, callback_url: callback(), scope: "openid email" },
  });
  await connection(CONTROL_PLANE, "workforce", { strategy: "oidc", options: workforce.options });
});
afterAll(async () => {
  await Promise.all([google?.close(), workforce?.close(), attacker?.close()]);
  await server?.remove();
});

describe("a tenant's connection without credentials", () => {
  it("signs people in with the control plane's, at a provider that demands the secret", async () => {
    await connection("acme", OWN, { strategy: GOOGLE, options: {} });

    const tokens = await logInBy(OWN);

    expect(tokens.claims()).toMatchObject({ email: google.email, iss: application.issuer });
    expect(google.asked).toHaveLength(1);
  });

  it("tells the hooks, the tenant's own and those it inherits, who it was and no secret", async () => {
    const hook = { trigger_id: "post-user-login", enabled: true, synchronous: true };
    const lent = { ...hook, url: `${attacker.origin}/lent`, metadata: { inheritable: true } };
    await ask(CONTROL_PLANE, "POST", "/hooks", lent);
    await ask("acme", "POST", "/hooks", { ...hook, url: `${attacker.origin}/own` });
    attacker.received.length = 0;

    // The login itself may come to its end or not: what was sent is what counts.
    await logInBy(OWN).catch(() => undefined);

    const received = attacker.received.map((each) => each.split("\n")[0]);
    expect(received.sort()).toEqual(["/lent", "/own"]);
    expect(tracesIn({ hooks: attacker.received.join("\n") }, google.email)).toEqual(["hooks"]);
    expect(tracesIn({ hooks: attacker.received.join("\n") }, platforms)).toEqual([]);
    expect((await ask("acme", "GET", "/hooks")).text).not.toContain("/lent");
  });

  it("keeps what is harmless of its own", async () => {
    await connection("acme", OWN, { strategy: GOOGLE, options: { scope: "openid profile" } });

    const stop = new URL(await firstStop(OWN));

    expect(stop.searchParams.get("client_id")).toBe(google.options.client_id);
    expect(stop.searchParams.get("scope")).toBe("openid profile");
  });

  it("follows a change on the control plane at once", async () => {
    await connection("acme", OWN, { strategy: GOOGLE, options: {} });
    const before = new URL(await firstStop(OWN)).searchParams.get("client_id");
    const [{ id = "" } = {}] = (
      (await ask(CONTROL_PLANE, "GET", "/connections")).body as unknown as {
        id: string;
        name: string;
      }[]
    ).filter(({ name }) => name === GOOGLE);

    await ask(CONTROL_PLANE, "PATCH", `/connections/${id}`, { options: { client_id: "another" } });
    const after = new URL(await firstStop(OWN)).searchParams.get("client_id");
    const options = { client_id: google.options.client_id, callback_url: callback(), scope: "openid email" };
    await ask(CONTROL_PLANE, "PATCH", `/connections/${id}`, { options });

    expect([before, after]).toEqual([google.options.client_id, "another"]);
  });

  it("signs in again afterwards: the secret was kept where it belongs", async () => {
    expect((await logInBy(OWN)).claims()).toMatchObject({ email: google.email });
  });
});

describe("a copy of the control plane's own login", () => {
  let beta: Application;
  beforeAll(async () => {
    const options = { ...workforce.options, callback_url: callback() };
    // Tenants that are made from here on have it, because its owner has said so.
    await connection(CONTROL_PLANE, "partner", { strategy: "oidc", options, metadata: { sync: true } });
    await createTenant(server, token, "beta");
    beta = await furnish(server, token, "beta");
  });

  it("holds no credential, and signs people in at a provider that demands the secret", async () => {
    const copies = (await ask("beta", "GET", "/connections")).body as unknown as { name: string; options: object }[];
    const tokens = await logInBy("partner", beta);

    expect(copies.find(({ name }) => name === "partner")?.options).toEqual({ scope: "openid profile email" });
    expect(tokens.claims()).toMatchObject({ email: workforce.email, iss: beta.issuer });
    expect(workforce.asked).toHaveLength(1);
  });

  it("is not lent any more when its owner has changed their mind", async () => {
    const found = (await ask(CONTROL_PLANE, "GET", "/connections")).body as unknown as { id: string; name: string }[];
    const { id = "" } = found.find(({ name }) => name === "partner") ?? {};
    await ask(CONTROL_PLANE, "PATCH", `/connections/${id}`, { metadata: { sync: true, inheritable: false } });
    const stop = await firstStop("partner", beta);
    await ask(CONTROL_PLANE, "PATCH", `/connections/${id}`, { metadata: { sync: true } });

    expect(stop).not.toContain(workforce.issuer);
    expect(await firstStop("partner", beta)).toContain(workforce.issuer);
  });
});

describe("the control plane's secret", () => {
  it.each([
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "jwks_uri",
    "discovery_url",
    "issuer",
    "callback_url",
    "client_id",
    "client_secret",
    "app_secret",
    "kid",
    "realms",
  ])("does not go with a tenant's own %s: the whole connection is the tenant's", async (key) => {
    await connection("acme", OWN, { strategy: GOOGLE, options: { [key]: `${attacker.origin}/${key}` } });

    const stop = await firstStop(OWN);

    expect(stop).not.toContain(`client_id=${google.options.client_id}`);
  });

  it.each(["workforce", OWN])("never reaches a token endpoint that a tenant types in (%s)", async (name) => {
    const options = { ...attacker.options, client_id: "tenants-own" };
    await connection("acme", name, { strategy: "oidc", options });
    attacker.received.length = 0;
    const stop = new URL(await firstStop(name));

    const back = `${application.issuer}login/callback?code=c&state=${stop.searchParams.get("state")}`;
    await browser().visit(back);

    expect(stop.origin).toBe(attacker.origin);
    expect(attacker.received.filter((each) => each.startsWith("/token"))).toHaveLength(1);
    const received = { attacker: attacker.received.join("\n") };
    expect(tracesIn(received, "tenants-own")).toEqual(["attacker"]);
    expect(tracesIn(received, platforms)).toEqual([]);
    expect(tracesIn(received, workforce.options.client_secret ?? "")).toEqual([]);
  });

  it("of the operators' own login is lent to nobody by strategy", async () => {
    const before = workforce.asked.length;
    await connection("acme", "workforce", { strategy: "oidc", options: {} });

    expect(await firstStop("workforce")).not.toContain(workforce.issuer);
    expect(workforce.asked).toHaveLength(before);
  });
});
