import * as oidc from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Application,
  browser,
  createTenant,
  discover,
  furnish,
  managementOf,
  managementToken,
} from "../support/clients.ts";
import { type IdentityProvider, startIdentityProvider } from "../support/identity-provider.ts";
import { type RunningServer, startServer } from "../support/server.ts";

let server: RunningServer;
let provider: IdentityProvider;
let application: Application;
let configuration: oidc.Configuration;

beforeAll(async () => {
  server = await startServer();
  const token = await managementToken(server);
  await createTenant(server, token, "acme");
  application = await furnish(server, token, "acme");
  configuration = await discover(application.issuer, application.clientId, application.clientSecret);
  // One redirect URI for all tenants, on the control plane's host.
  provider = await startIdentityProvider([`${server.issuer}login/callback`], "person@elsewhere.example");
  await managementOf(server, token, "acme").connections.create({
    name: "elsewhere",
    strategy: "oidc",
    options: { ...provider.options, callback_url: `${server.issuer}login/callback` },
  } as never);
});
afterAll(async () => {
  await provider?.close();
  await server?.remove();
});

/** The addresses a browser goes through, up to the one that leads nowhere further. */
async function follow(start: string): Promise<string[]> {
  const { visit } = browser();
  const trail = [start];
  for (let url = start; trail.length < 15 && !url.startsWith(application.redirectUri); ) {
    const location = (await visit(url)).headers.get("location");
    if (location === null) break;
    url = new URL(location, url).href;
    trail.push(url);
  }
  return trail;
}

describe("a login at an identity provider", () => {
  it("comes back through the shared host to the tenant that asked", async () => {
    const verifier = oidc.randomPKCECodeVerifier();
    const start = oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: application.redirectUri,
      scope: "openid email",
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state: "mine",
      connection: "elsewhere",
    });

    const trail = await follow(start.href);

    const hosts = trail.map((url) => new URL(url).host);
    const shared = hosts.indexOf(`localhost:${server.port}`);
    expect(trail[shared]).toMatch(/^http:\/\/localhost:\d+\/login\/callback\?code=/);
    expect(trail[shared + 1]).toBe(trail[shared]?.replace("//localhost", "//acme.localhost"));
    const tokens = await oidc.authorizationCodeGrant(configuration, new URL(trail.at(-1) ?? ""), {
      pkceCodeVerifier: verifier,
      expectedState: "mine",
    });
    expect(tokens.claims()).toMatchObject({ email: provider.email, iss: application.issuer });
  });

  it("is refused in words when nobody waits for it", async () => {
    const answer = await fetch(`${server.issuer}login/callback?code=c&state=${"x".repeat(43)}`, { redirect: "manual" });

    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain("sign in again");
  });
});
