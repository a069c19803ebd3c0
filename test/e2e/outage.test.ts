import { createClient } from "@libsql/client";
import * as oidc from "openid-client";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { OUTAGE_MS, WARM_MS } from "../../provisioning/outage.ts";
import { createLogger } from "../../src/log/logger.ts";
import {
  type Application,
  api,
  createTenant,
  discover,
  furnish,
  logIn,
  managementOf,
  managementToken,
} from "../support/clients.ts";
import { openOnLoopback } from "../support/on-loopback.ts";
import { type Sqld, sqldMissing, startSqld } from "../support/sqld.ts";
import { createZone } from "../support/zone.ts";

/** Far longer than anything here takes; a machine may be busy. */
const PATIENCE_MS = 120_000;

const WARM = ["acme", "beta", "own"] as const;
type Warm = (typeof WARM)[number];

/** The tenant that people reach at a domain of its own. */
const OWN = { id: "own", domain: "login.own.test" } as const;

/** AuthHero keeps what it has read for a minute. */
const AUTHHERO_KEEPS_MS = 61_000;

/** Each tenant has a client of this id. */
const MACHINE = { client_id: "machine", client_secret: "machineSecret0123456789abcdefgh" };

let sqld: Sqld;
let house: Awaited<ReturnType<typeof openOnLoopback>>;
let aheadMs = 0;
const zone = createZone();
const logged: { readonly event: string }[] = [];
let token: string;
const applications = {} as Record<Warm | "cold", Application>;
const configurations = {} as Record<Warm | "cold", oidc.Configuration>;
const refreshTokens = {} as Record<Warm, string>;
let elsewhere: ReturnType<typeof createClient>;

const clock = () => new Date(Date.now() + aheadMs);
const log = createLogger({ level: "info", output: { write: (line) => void logged.push(JSON.parse(line)) } });
const eventsOf = (event: string) => logged.filter((entry) => entry.event === event);

/** A tenant with a person whose name says whose they are, and a program. */
async function furnished(id: Warm | "cold") {
  await createTenant(house, token, id);
  const application = await furnish(house, token, id);
  const management = managementOf(house, token, id);
  const [person] = (await management.users.list()).data;
  await management.users.update(person?.user_id ?? "", { name: `Resident of ${id}` });
  const audience = `https://api.${id}.example/`;
  await management.resourceServers.create({ identifier: audience, name: "API", scopes: [{ value: "read:things" }] });
  await management.clients.create({
    ...MACHINE,
    name: "Machine",
    app_type: "non_interactive",
    grant_types: ["client_credentials"],
    token_endpoint_auth_method: "client_secret_post",
  } as Parameters<typeof management.clients.create>[0]);
  await management.clientGrants.create({ client_id: MACHINE.client_id, audience, scope: ["read:things"] });
  const issuer = id === OWN.id ? await takenToItsDomain() : application.issuer;
  applications[id] = { ...application, issuer };
  configurations[id] = await discover(issuer, application.clientId, application.clientSecret);
}

async function takenToItsDomain(): Promise<string> {
  const { customDomains } = managementOf(house, token, OWN.id);
  const claim = await customDomains.create({ domain: OWN.domain, type: "self_managed_certs" });
  const { verification } = claim as unknown as {
    verification: { methods: readonly { domain: string; record: string }[] };
  };
  for (const { domain, record } of verification.methods) zone.set(domain, record);
  expect((await customDomains.verify(claim.custom_domain_id)).status).toBe("ready");
  return `http://${OWN.domain}:${house.port}/`;
}

/** Somebody signs in with a password, the session is refreshed, and a program gets a token: each of its own tenant. */
async function everyFlow(id: Warm) {
  const { tokens } = await logIn(applications[id], configurations[id]);
  expect(tokens.claims()).toMatchObject({ iss: applications[id].issuer, name: `Resident of ${id}` });
  const kept = refreshTokens[id];
  if (kept) expect((await oidc.refreshTokenGrant(configurations[id], kept)).access_token).toBeTruthy();
  const refreshed = await oidc.refreshTokenGrant(configurations[id], tokens.refresh_token ?? "");
  const { name } = await oidc.fetchUserInfo(configurations[id], refreshed.access_token, oidc.skipSubjectCheck);
  expect(name).toBe(`Resident of ${id}`);
  refreshTokens[id] = refreshed.refresh_token ?? tokens.refresh_token ?? "";

  const answer = await machine(id);
  expect(answer.status).toBe(200);
  const { access_token } = (await answer.json()) as { access_token: string };
  const claims = JSON.parse(Buffer.from(access_token.split(".")[1] ?? "", "base64url").toString());
  expect(claims).toMatchObject({ iss: applications[id].issuer, aud: `https://api.${id}.example/` });
}

const machine = (id: Warm | "cold") =>
  fetch(`${applications[id].issuer}oauth/token`, {
    method: "POST",
    body: new URLSearchParams({
      ...MACHINE,
      grant_type: "client_credentials",
      audience: `https://api.${id}.example/`,
    }),
  });

const authorization = (id: Warm | "cold", more: Readonly<Record<string, string>> = {}) => {
  const { issuer, clientId, redirectUri } = applications[id];
  const query = {
    client_id: clientId,
    response_type: "code",
    scope: "openid",
    state: "mine",
    redirect_uri: redirectUri,
  };
  return fetch(`${issuer}authorize?${new URLSearchParams({ ...query, ...more })}`, { redirect: "manual" });
};

/** Time passes, and this process hears that nothing has happened. */
async function pass(ms: number) {
  aheadMs += ms;
  const now = clock().toISOString();
  const heard = async () => {
    const { rows } = await elsewhere.execute("select max(lease_until) as until from rh_processes");
    expect(String(rows[0]?.until) > now).toBe(true);
  };
  await vi.waitFor(heard, { timeout: PATIENCE_MS, interval: 50 });
}

describe.skipIf(sqldMissing)("while the control plane's database is away", () => {
  beforeAll(async () => {
    sqld = await startSqld([], { namespaces: false });
    elsewhere = createClient({ url: sqld.url });
    const variables = { CONTROL_PLANE_DATABASE_URL: sqld.url, ENCRYPTION_KEY: "0a".repeat(32) };
    // A server takes back a transaction of five seconds, and a busy machine needs more for a first start.
    house = await vi.waitFor(() => openOnLoopback(variables, { clock, log, resolveTxt: zone.resolveTxt }), {
      timeout: PATIENCE_MS,
    });
    token = await managementToken(house);
    const social = {
      name: "google-oauth2",
      strategy: "google-oauth2",
      options: { client_id: "lent", client_secret: "lent-secret" },
    };
    expect((await api(house, token, "/connections", { method: "POST", body: JSON.stringify(social) })).status).toBe(
      201,
    );
    for (const id of ["cold", ...WARM] as const) await furnished(id);
    expect((await authorization("acme", { connection: "google-oauth2" })).headers.get("location")).toMatch(/google/);
    await pass(WARM_MS + 60_000);
    for (const id of WARM) await everyFlow(id);
    await sqld.kill();
  }, 3 * PATIENCE_MS);
  afterAll(async () => {
    await house?.close();
    elsewhere?.close();
    await sqld?.stop();
  }, PATIENCE_MS);

  it(
    "people and programs of tenants that were there lately go on, each in its own tenant",
    async () => {
      for (let round = 0; round < 2; round++) {
        for (const id of WARM) await everyFlow(id);
        aheadMs += AUTHHERO_KEEPS_MS;
      }
      const refreshed = await oidc.refreshTokenGrant(configurations.own, refreshTokens.own);
      expect(refreshed.claims()?.iss).toBe(applications.own.issuer);
      expect((await fetch(`http://login.nobody.test:${house.port}/authorize`)).status).toBe(503);
    },
    PATIENCE_MS,
  );

  it(
    "tenants that were not are refused, and so is who never was one",
    async () => {
      for (const answer of [await authorization("cold"), await machine("cold")]) {
        expect(answer.status).toBe(503);
        expect(answer.headers.get("retry-after")).toBe("1");
        expect(await answer.text()).toContain("tenant_unavailable");
      }
      expect((await fetch(`http://nobody.localhost:${house.port}/authorize`)).status).toBe(503);
    },
    PATIENCE_MS,
  );

  it(
    "whoever comes from a social login, or wants to, is refused: its state could lead nowhere",
    async () => {
      const answer = await authorization("acme", { connection: "google-oauth2" });

      expect(answer.status).toBe(503);
      expect(answer.headers.get("location")).toBeNull();
      const returning = `http://localhost:${house.port}/login/callback?code=c&state=s`;
      expect((await fetch(returning, { redirect: "manual" })).status).toBe(503);
    },
    PATIENCE_MS,
  );

  it(
    "nobody manages anything, whoever the token is from",
    async () => {
      const users = { method: "POST", body: JSON.stringify({ connection: "Username-Password-Authentication" }) };
      for (const [path, init] of [
        ["/users", { headers: { "tenant-id": "acme" } }],
        ["/users", { ...users, headers: { "tenant-id": "acme" } }],
        ["/tenants", {}],
        ["/tenants/acme", { method: "DELETE" }],
        ["/operations", {}],
      ] as const) {
        const answer = await api(house, token, path, init);
        expect([path, answer.status, answer.headers.get("retry-after")]).toEqual([path, 503, "1"]);
      }
      expect((await api(house, null, "/spec")).status).toBe(200);
      expect((await api(house, null, "/users")).status).toBe(503);
    },
    PATIENCE_MS,
  );

  it(
    "the control plane's own people are refused: theirs is the database that is away",
    async () => {
      const grant = { grant_type: "client_credentials", audience: "urn:authhero:management" };
      const client = { client_id: house.clientId, client_secret: house.clientSecret };
      const body = new URLSearchParams({ ...grant, ...client });

      expect((await fetch(`${house.issuer}oauth/token`, { method: "POST", body })).status).toBe(503);
    },
    PATIENCE_MS,
  );

  it("it is told once that it is away", () => {
    expect(eventsOf("control_plane.unreachable")).toHaveLength(1);
    expect(eventsOf("control_plane.reachable")).toEqual([]);
  });

  it(
    "after an hour nobody is served any more",
    async () => {
      aheadMs += OUTAGE_MS;

      for (const id of WARM) {
        for (const answer of [await authorization(id), await machine(id)]) {
          expect(answer.status).toBe(503);
          expect(await answer.text()).toContain("tenant_unavailable");
        }
      }
    },
    PATIENCE_MS,
  );

  it(
    "when it is back everything is, and what others have changed meanwhile holds",
    async () => {
      await sqld.restart();
      await elsewhere.execute(
        "update rh_placements set state = 'suspended', epoch = epoch + 1 where tenant_id = 'beta'",
      );
      await vi.waitFor(() => expect(eventsOf("control_plane.reachable")).toHaveLength(1), { timeout: PATIENCE_MS });
      await vi.waitFor(async () => expect((await machine("beta")).status).toBe(403), { timeout: PATIENCE_MS });

      await everyFlow("acme");
      expect((await machine("cold")).status).toBe(200);
      expect((await authorization("acme", { connection: "google-oauth2" })).headers.get("location")).toMatch(/google/);
      token = await managementToken(house);
      expect((await api(house, token, "/users", { headers: { "tenant-id": "acme" } })).status).toBe(200);
      expect((await api(house, token, "/tenants/beta/reactivate", { method: "POST" })).status).toBe(200);
      await everyFlow("beta");
      expect(eventsOf("control_plane.unreachable")).toHaveLength(1);
    },
    PATIENCE_MS,
  );
});
