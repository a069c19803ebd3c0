import { ManagementClient } from "auth0";
import makeFetchCookie from "fetch-cookie";
import * as oidc from "openid-client";
import { CookieJar } from "tough-cookie";
import type { ServerAddress } from "./server.ts";

const MANAGEMENT_AUDIENCE = "urn:authhero:management";

/** openid-client's view of an issuer, over plain http. */
export const discover = (issuer: string, clientId: string, clientSecret: string): Promise<oidc.Configuration> =>
  oidc.discovery(new URL(issuer), clientId, clientSecret, oidc.ClientSecretPost(clientSecret), {
    execute: [oidc.allowInsecureRequests],
  });

/** A token for the management API, by client_credentials of the management client made at first start. */
export async function managementToken(server: ServerAddress): Promise<string> {
  const configuration = await discover(server.issuer, server.clientId, server.clientSecret);
  const tokens = await oidc.clientCredentialsGrant(configuration, { audience: MANAGEMENT_AUDIENCE });
  return tokens.access_token;
}

/** The `auth0` SDK on one tenant, through the control plane's host. */
export const managementOf = (server: ServerAddress, token: string, tenantId: string): ManagementClient =>
  new ManagementClient({
    domain: `localhost:${server.port}`,
    token,
    audience: MANAGEMENT_AUDIENCE,
    fetch: (input, init) => fetch(String(input).replace(/^https:/, "http:"), init),
    headers: { "tenant-id": tenantId },
    maxRetries: 0,
  });

/** A request to the management API with a token, for what the SDK does not know. */
export const api = (server: ServerAddress, token: string | null, path: string, init: RequestInit = {}) =>
  fetch(`${server.issuer}api/v2${path}`, {
    ...init,
    headers: {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(init.body ? { "content-type": "application/json" } : {}),
      ...init.headers,
    },
  });

/** Creates a tenant and answers its row; throws with the answer when it is refused. */
export async function createTenant(server: ServerAddress, token: string, id: string): Promise<{ id: string }> {
  const body = JSON.stringify({ id, friendly_name: `Tenant ${id}` });
  const answer = await api(server, token, "/tenants", { method: "POST", body });
  if (answer.status !== 201) throw new Error(`POST /tenants answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as { id: string };
}

/** An application of a tenant with a user who may sign in to it. */
export interface Application {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly redirectUri: string;
  readonly email: string;
  readonly password: string;
}

/** Creates a user and an application in a tenant, as an administrator does with the `auth0` SDK. */
export async function furnish(server: ServerAddress, token: string, tenantId: string, clientId = "default") {
  const management = managementOf(server, token, tenantId);
  const application: Application = {
    issuer: `http://${tenantId}.localhost:${server.port}/`,
    clientId,
    clientSecret: `${tenantId}Secret0123456789abcdef`,
    redirectUri: "http://app.localhost/callback",
    email: `resident@${tenantId}.example`,
    password: `Correct-Horse-${tenantId}-1`,
  };
  await management.clients.create({
    client_id: application.clientId,
    name: `${tenantId} web`,
    client_secret: application.clientSecret,
    app_type: "regular_web",
    callbacks: [application.redirectUri],
    allowed_logout_urls: ["http://app.localhost/"],
    grant_types: ["authorization_code", "refresh_token"],
    token_endpoint_auth_method: "client_secret_post",
  } as Parameters<typeof management.clients.create>[0]);
  await management.users.create({
    connection: "Username-Password-Authentication",
    email: application.email,
    password: application.password,
    email_verified: true,
  });
  return application;
}

/** A browser's cookies and a fetch that keeps them; redirects are followed by hand. */
export function browser() {
  const jar = new CookieJar(undefined, { looseMode: true, allowSpecialUseDomain: true });
  const withCookies = makeFetchCookie(fetch, jar);
  const visit = (url: string, form?: Record<string, string>) =>
    withCookies(url, {
      redirect: "manual",
      ...(form && {
        method: "POST",
        body: new URLSearchParams(form),
        headers: { origin: new URL(url).origin },
      }),
    });
  return { jar, visit };
}

/** Where an answer sends the browser. */
export function redirectOf(answer: { headers: Headers; status: number; url: string }, from: string): string {
  const location = answer.headers.get("location");
  if (!location) throw new Error(`${from} answered ${answer.status} without a redirect`);
  return new URL(location, from).href;
}

/** A login up to the application: its callback with the code, and what redeems it. */
export async function authorize(application: Application, configuration: oidc.Configuration) {
  const verifier = oidc.randomPKCECodeVerifier();
  const start = oidc.buildAuthorizationUrl(configuration, {
    redirect_uri: application.redirectUri,
    scope: "openid offline_access",
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state: oidc.randomState(),
  }).href;
  const callback = new URL(await throughPages(browser().visit, start, application));
  return { code: callback.searchParams.get("code") ?? "", verifier };
}

/** Authorization code + PKCE, the login form filled in as a browser does. Answers the tokens and the browser. */
export async function logIn(application: Application, configuration: oidc.Configuration) {
  const verifier = oidc.randomPKCECodeVerifier();
  const state = oidc.randomState();
  const nonce = oidc.randomNonce();
  const start = oidc.buildAuthorizationUrl(configuration, {
    redirect_uri: application.redirectUri,
    scope: "openid profile email offline_access",
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
  }).href;
  const { visit, jar } = browser();
  const callback = await throughPages(visit, start, application);
  const tokens = await oidc.authorizationCodeGrant(configuration, new URL(callback), {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
  });
  return { tokens, visit, jar };
}

/** Where a login at one connection begins. */
export async function connectionUrl(
  name: string,
  { redirectUri }: Application,
  to: oidc.Configuration,
  verifier: string,
) {
  return oidc.buildAuthorizationUrl(to, {
    redirect_uri: redirectUri,
    scope: "openid email offline_access",
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state: "mine",
    connection: name,
  });
}

/** A login at somebody else's provider, to its end. `reroute` says where an address leads on loopback. */
export async function logInAt(name: string, application: Application, reroute: (url: string) => string) {
  const configuration = await discover(application.issuer, application.clientId, application.clientSecret);
  const verifier = oidc.randomPKCECodeVerifier();
  const { visit } = browser();
  let url = (await connectionUrl(name, application, configuration, verifier)).href;
  for (let hops = 0; hops < 15 && !url.startsWith(application.redirectUri); hops++) {
    const answer = await visit(reroute(url));
    const location = answer.headers.get("location");
    if (location === null) break;
    url = new URL(location, answer.url).href;
  }
  return await oidc.authorizationCodeGrant(configuration, new URL(url), {
    pkceCodeVerifier: verifier,
    expectedState: "mine",
  });
}

async function throughPages(visit: ReturnType<typeof browser>["visit"], start: string, application: Application) {
  const identifier = redirectOf(await visit(start), start);
  await visit(identifier);
  const password = redirectOf(await visit(identifier, { username: application.email }), identifier);
  await visit(password);
  let next = redirectOf(
    await visit(password, { username: application.email, password: application.password }),
    password,
  );
  // Whatever pages lie between the password and the application.
  for (let hops = 0; hops < 5 && !next.startsWith(application.redirectUri); hops++) {
    next = redirectOf(await visit(next), next);
  }
  return next;
}
