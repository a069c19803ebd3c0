import * as oidc from "openid-client";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  type Application,
  browser,
  createTenant,
  discover,
  furnish,
  logIn,
  managementOf,
  managementToken,
  redirectOf,
} from "../support/clients.ts";
import { startNameServer } from "../support/name-server.ts";
import { type RunningServer, startServer } from "../support/server.ts";

let server: RunningServer;
let names: Awaited<ReturnType<typeof startNameServer>>;
let token: string;
let application: Application;

const DOMAIN = "login.acme.test";
const own = () => `http://${DOMAIN}:${server.port}/`;

beforeAll(async () => {
  names = await startNameServer();
  server = await startServer({ env: { DNS_SERVERS: names.address } });
  token = await managementToken(server);
  await createTenant(server, token, "acme");
  application = await furnish(server, token, "acme");
});
afterAll(async () => {
  await server?.remove();
  await names?.stop();
});

const configurationAt = (issuer: string) => discover(issuer, application.clientId, application.clientSecret);

/** A login that an application begins at the tenant's sub-domain, and whose cookies the browser has. */
const startAt = (issuer: string, parameters: Record<string, string> = {}) =>
  `${issuer}authorize?${new URLSearchParams({
    ...{ client_id: application.clientId, redirect_uri: application.redirectUri, response_type: "code" },
    ...{ scope: "openid", state: "s", nonce: "n", ...parameters },
  })}`;

it("takes a tenant that is in use to a name of its own: with the auth0 SDK, and nobody's tokens are lost", async () => {
  const before = await configurationAt(application.issuer);
  const { tokens, visit } = await logIn(application, before);

  const { customDomains } = managementOf(server, token, "acme");
  const claim = await customDomains.create({ domain: DOMAIN, type: "self_managed_certs" });
  expect(claim).toMatchObject({ domain: DOMAIN, status: "pending_verification" });
  expect((await customDomains.verify(claim.custom_domain_id)).status).toBe("pending_verification");
  const { methods } = (claim as unknown as { verification: { methods: { domain: string; record: string }[] } })
    .verification;
  for (const { domain, record } of methods) names.set(domain, record);
  expect((await customDomains.verify(claim.custom_domain_id)).status).toBe("ready");
  expect(await customDomains.list()).toMatchObject([{ domain: DOMAIN, status: "ready", primary: true }]);

  const after = await configurationAt(own());
  expect(after.serverMetadata()).toMatchObject({ issuer: own(), authorization_endpoint: `${own()}authorize` });
  for (const origin of [application.issuer, own()]) {
    const userinfo = await fetch(`${origin}userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
    expect([origin, userinfo.status]).toEqual([origin, 200]);
  }
  const refreshed = await oidc.refreshTokenGrant(after, tokens.refresh_token ?? "");
  expect(refreshed.claims()).toMatchObject({ iss: own(), sub: tokens.claims()?.sub });
  // The application that has not been told yet goes on refreshing at the address it knows.
  const body = new URLSearchParams({
    ...{ grant_type: "refresh_token", refresh_token: refreshed.refresh_token ?? tokens.refresh_token ?? "" },
    ...{ client_id: application.clientId, client_secret: application.clientSecret },
  });
  expect((await fetch(`${application.issuer}oauth/token`, { method: "POST", body })).status).toBe(200);

  const hint = { id_token_hint: tokens.id_token ?? "", post_logout_redirect_uri: "http://app.localhost/" };
  const out = await visit(`${own()}oidc/logout?${new URLSearchParams(hint)}`);
  expect(redirectOf(out, own())).toBe("http://app.localhost/");

  // The session was the other name's: whoever comes back signs in once more.
  const silent = redirectOf(await visit(startAt(application.issuer, { prompt: "none" })), application.issuer);
  expect(silent).toBe(startAt(own(), { prompt: "none" }));
  const answer = await visit(silent);
  expect((answer.headers.get("location") ?? "") + (await answer.text())).toContain("login_required");
});

it("signs people in at the domain, wherever they began, and out again", async () => {
  const atDomain = { ...application, issuer: own() };
  const { tokens, visit, jar } = await logIn(atDomain, await configurationAt(own()));
  expect(tokens.claims()).toMatchObject({ iss: own() });
  expect((await jar.getCookies(own())).length).toBeGreaterThan(0);
  expect(await jar.getCookies(application.issuer)).toEqual([]);

  // An application that knows the sub-domain only: its visitor is known at the domain already.
  const moved = redirectOf(await visit(startAt(application.issuer)), application.issuer);
  expect(moved).toBe(startAt(own()));
  expect(redirectOf(await visit(moved), own())).toMatch(/^http:\/\/app\.localhost\/callback\?.*code=/);

  const logout = `v2/logout?${new URLSearchParams({ client_id: application.clientId, returnTo: "http://app.localhost/" })}`;
  const there = redirectOf(await visit(`${application.issuer}${logout}`), application.issuer);
  expect(there).toBe(`${own()}${logout}`);
  expect(redirectOf(await visit(there), own())).toBe("http://app.localhost/");
  const silent = await visit(startAt(own(), { prompt: "none" }));
  expect((silent.headers.get("location") ?? "") + (await silent.text())).toContain("login_required");
});

it("begins a login form anew that was open under another name", async () => {
  const { visit } = browser();
  const page = redirectOf(await visit(startAt(own())), own());
  const underOtherName = page.replace(own(), application.issuer);

  const sent = await visit(underOtherName, { username: application.email });
  expect(sent.status).toBe(303);
  expect(redirectOf(sent, underOtherName)).toBe(page);
  expect((await visit(page)).status).toBe(200);
});
