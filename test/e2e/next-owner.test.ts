import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type * as oidc from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Application,
  api,
  authorize,
  browser,
  createTenant,
  discover,
  furnish,
  logIn,
  managementToken,
  redirectOf,
} from "../support/clients.ts";
import { startNameServer } from "../support/name-server.ts";
import { type RunningServer, startServer } from "../support/server.ts";

let server: RunningServer;
let names: Awaited<ReturnType<typeof startNameServer>>;
let token: string;

beforeAll(async () => {
  names = await startNameServer();
  server = await startServer({ env: { DNS_SERVERS: names.address } });
  token = await managementToken(server);
  await allowOrganizations();
});
afterAll(async () => {
  await server?.remove();
  await names?.stop();
});

type Body = Record<string, unknown>;

const ask = async (method: string, path: string, body?: object, as = token, headers = {}) => {
  const answer = await api(server, as, path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  const text = await answer.text();
  return { status: answer.status, body: (text ? JSON.parse(text) : {}) as Body };
};

/** The management client may ask for tokens of organizations. */
async function allowOrganizations(): Promise<void> {
  const grants = (await ask("GET", "/client-grants")).body as unknown as Body[];
  for (const { id, client_id } of grants) {
    if (client_id !== server.clientId) continue;
    await ask("PATCH", `/client-grants/${id}`, { organization_usage: "allow", allow_any_organization: true });
  }
}

async function organizationOf(tenantId: string): Promise<string> {
  const found = (await ask("GET", `/organizations?q=name:${tenantId}`)).body as unknown as Body[];
  return String(found.find(({ name }) => name === tenantId)?.id);
}

const membersOf = async (organizationId: string) =>
  ((await ask("GET", `/organizations/${organizationId}/members`)).body as unknown as Body[]).map(
    ({ user_id }) => user_id,
  );

async function tokenFor(organization: string) {
  const answer = await fetch(`${server.issuer}oauth/token`, {
    method: "POST",
    body: new URLSearchParams({
      ...{ grant_type: "client_credentials", audience: "urn:authhero:management", organization },
      ...{ client_id: server.clientId, client_secret: server.clientSecret },
    }),
  });
  return { status: answer.status, token: String(((await answer.json()) as Body).access_token) };
}

/** Everything by which somebody gets at a tenant: handed out in one life of it. */
async function lifeOf(tenantId: string) {
  await createTenant(server, token, tenantId);
  const application = await furnish(server, token, tenantId);
  const configuration = await discover(application.issuer, application.clientId, application.clientSecret);
  const { tokens, visit } = await logIn(application, configuration);
  const { code, verifier } = await authorize(application, configuration);
  const organizationId = await organizationOf(tenantId);
  // A machine that makes a tenant is no member of it, and nobody is left over.
  expect(await membersOf(organizationId)).toEqual([]);
  const [administrator] = (await ask("GET", "/users")).body as unknown as Body[];
  await ask("POST", `/organizations/${organizationId}/members`, { members: [administrator?.user_id] });
  return {
    ...{ application, tokens, visit, code, verifier, organizationId },
    loginPage: redirectOf(await browser().visit(startOf(application)), application.issuer),
    scoped: (await tokenFor(organizationId)).token,
    members: await membersOf(organizationId),
  };
}

const startOf = ({ issuer, redirectUri }: Application, prompt?: string) =>
  `${issuer}authorize?${new URLSearchParams({
    ...{
      client_id: "default",
      response_type: "code",
      scope: "openid",
      state: "s",
      nonce: "n",
      redirect_uri: redirectUri,
    },
    ...(prompt && { prompt }),
    ...{ code_challenge_method: "S256", code_challenge: createHash("sha256").update("v").digest("base64url") },
  })}`;

/** What each of the things of a life still opens. */
async function reachOf({
  application,
  tokens,
  visit,
  code,
  verifier,
  loginPage,
  ...life
}: Awaited<ReturnType<typeof lifeOf>>) {
  const { issuer, clientId, clientSecret, redirectUri } = application;
  const redeem = (grant: Record<string, string>) =>
    fetch(`${issuer}oauth/token`, {
      method: "POST",
      body: new URLSearchParams({ ...grant, client_id: clientId, client_secret: clientSecret }),
    });
  const silent = await visit(startOf(application, "none"));
  const userinfo = await fetch(`${issuer}userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
  const refreshed = await redeem({ grant_type: "refresh_token", refresh_token: tokens.refresh_token ?? "" });
  return {
    accessToken: userinfo.ok,
    refreshToken: refreshed.ok,
    code: (await redeem({ grant_type: "authorization_code", code, code_verifier: verifier, redirect_uri: redirectUri }))
      .ok,
    cookie: /[?&#]code=/.test((silent.headers.get("location") ?? "") + (await silent.text())),
    loginPage: (await browser().visit(loginPage)).status === 200,
    organizationToken: (await ask("GET", "/tenants/twice", undefined, life.scoped)).status === 200,
    organization:
      (await tokenFor(life.organizationId)).status === 200 &&
      (await ask("GET", `/organizations/${life.organizationId}`)).status === 200,
  };
}

const EVERYTHING = {
  ...{ accessToken: true, refreshToken: true, code: true, cookie: true, loginPage: true },
  ...{ organizationToken: true, organization: true },
};
const NOTHING = Object.fromEntries(Object.keys(EVERYTHING).map((way) => [way, false]));

function filesHolding(text: string): string[] {
  const names = readdirSync(server.directory, { recursive: true, encoding: "utf8" });
  const paths = names.map((name) => join(server.directory, name)).filter((path) => statSync(path).isFile());
  return paths.filter((path) => readFileSync(path).includes(text));
}

describe("an id that is made, deleted, purged and made again for somebody else", () => {
  it("brings back everything while it can be undeleted, and leaves nothing of the first owner after the purge", async () => {
    const first = await lifeOf("twice");
    expect(first.members).toHaveLength(1);

    expect((await ask("DELETE", "/tenants/twice")).status).toBe(204);
    expect(await reachOf({ ...first, code: "spent" })).toMatchObject({
      accessToken: false,
      cookie: false,
      loginPage: false,
    });
    expect((await ask("POST", "/tenants/twice/undelete")).status).toBe(200);

    expect(await reachOf(first)).toEqual(EVERYTHING);
    expect(await membersOf(first.organizationId)).toEqual(first.members);

    const unspent = await authorize(
      first.application,
      await discover(first.application.issuer, first.application.clientId, first.application.clientSecret),
    );
    expect((await ask("DELETE", "/tenants/twice")).status).toBe(204);
    expect((await ask("POST", "/tenants/twice/operations", { kind: "purge" })).status).toBe(200);
    expect(await reachOf({ ...first, ...unspent })).toEqual(NOTHING);

    const second = await lifeOf("twice");

    expect(await reachOf({ ...first, ...unspent })).toEqual(NOTHING);
    expect(second.organizationId).not.toBe(first.organizationId);
    expect(await reachOf(second)).toEqual(EVERYTHING);
    const { tokens } = await logIn(second.application, await oidcOf(second.application));
    expect(tokens.claims()?.sub).not.toBe(first.tokens.claims()?.sub);
    for (const trace of [
      first.organizationId,
      String(first.tokens.claims()?.sub),
      String(first.tokens.refresh_token),
    ]) {
      expect(filesHolding(trace).filter((path) => !path.includes("control-plane.db"))).toEqual([]);
    }
  });
});

/** Claims a domain for a tenant, sets the record in DNS, and proves it. */
async function verifiedDomain(tenantId: string, domain: string) {
  const as = { "tenant-id": tenantId };
  const { body } = await ask("POST", "/custom-domains", { domain, type: "self_managed_certs" }, token, as);
  const { methods } = body.verification as { methods: { domain: string; record: string }[] };
  for (const method of methods) names.set(method.domain, method.record);
  return await ask("POST", `/custom-domains/${body.custom_domain_id}/verify`, {}, token, as);
}

describe("a domain of the first owner's", () => {
  const at = () => `http://login.moved.test:${server.port}/`;
  const issuerAt = async (origin: string) => {
    const answer = await fetch(`${origin}.well-known/openid-configuration`);
    return [answer.status, ((await answer.json()) as Body).issuer];
  };
  const statusWith = async (accessToken: string, origin: string) =>
    (await fetch(`${origin}userinfo`, { headers: { authorization: `Bearer ${accessToken}` } })).status;

  it("comes back with the tenant that is brought back, and leads nowhere after the purge", async () => {
    await createTenant(server, token, "moved");
    expect(await verifiedDomain("moved", "login.moved.test")).toMatchObject({ status: 200, body: { status: "ready" } });
    const application = { ...(await furnish(server, token, "moved")), issuer: at() };
    const { tokens, visit } = await logIn(application, await oidcOf(application));
    expect(tokens.claims()?.iss).toBe(at());

    expect((await ask("DELETE", "/tenants/moved")).status).toBe(204);
    expect(await issuerAt(at())).toEqual([404, undefined]);
    expect((await visit(startOf(application))).status).toBe(404);
    expect((await ask("POST", "/tenants/moved/undelete")).status).toBe(200);
    expect(await issuerAt(at())).toEqual([200, at()]);
    expect(await statusWith(tokens.access_token, at())).toBe(200);
    expect((await visit(startOf(application, "none"))).headers.get("location") ?? "").toMatch(/[?&]code=/);

    expect((await ask("DELETE", "/tenants/moved?purge=true")).status).toBe(204);
    await createTenant(server, token, "moved");
    const second = await furnish(server, token, "moved");

    expect(await issuerAt(at())).toEqual([404, undefined]);
    expect(await issuerAt(second.issuer)).toEqual([200, second.issuer]);
    expect((await ask("GET", "/custom-domains", undefined, token, { "tenant-id": "moved" })).body).toEqual([]);
    expect((await visit(startOf(application, "none"))).status).toBe(404);
    expect(await statusWith(tokens.access_token, second.issuer)).toBe(401);
  });

  it("is somebody else's who proves it", async () => {
    await createTenant(server, token, "other");
    expect(await verifiedDomain("other", "login.moved.test")).toMatchObject({ status: 200, body: { status: "ready" } });

    expect(await issuerAt(at())).toEqual([200, at()]);
    const application = { ...(await furnish(server, token, "other")), issuer: at() };
    const { tokens } = await logIn(application, await oidcOf(application));
    expect(tokens.claims()?.iss).toBe(at());
    expect(await statusWith(tokens.access_token, `http://moved.localhost:${server.port}/`)).toBe(401);
  });
});

const oidcOf = ({ issuer, clientId, clientSecret }: Application): Promise<oidc.Configuration> =>
  discover(issuer, clientId, clientSecret);
