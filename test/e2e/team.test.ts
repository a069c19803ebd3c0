import * as oidc from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KeptMail } from "../../src/auth/mail/mailbox.ts";
import { api, browser, createTenant, managementToken, redirectOf } from "../support/clients.ts";
import { type RunningServer, startServer } from "../support/server.ts";

const CONSOLE = "http://console.localhost/callback";
const AUDIENCE = "urn:authhero:management";
const PASSWORD = "Correct-Horse-team-1";

let server: RunningServer;
let token: string;
let configuration: oidc.Configuration;

beforeAll(async () => {
  server = await startServer({ env: { DEV_MAILBOX: "1", CONSOLE_CALLBACKS: CONSOLE } });
  token = await managementToken(server);
  configuration = await oidc.discovery(new URL(server.issuer), "rowhouse-console", undefined, oidc.None(), {
    execute: [oidc.allowInsecureRequests],
  });
});
afterAll(() => server?.remove());

async function call(bearer: string, method: string, path: string, body?: object, headers?: Record<string, string>) {
  const answer = await api(server, bearer, path, {
    method,
    ...(headers && { headers }),
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: (text === "" ? {} : JSON.parse(text)) as Record<string, unknown> & unknown[] };
}

const mailsTo = async (address: string) => {
  const answer = await fetch(`${server.issuer}dev/mailbox`, { headers: { accept: "application/json" } });
  return ((await answer.json()) as { mails: KeptMail[] }).mails.filter(({ to }) => to === address);
};

async function organizationOf(tenantId: string): Promise<string> {
  const { body } = await call(token, "GET", `/organizations?q=${encodeURIComponent(`name:${tenantId}`)}`);
  const [found] = body as unknown as { id: string }[];
  if (!found) throw new Error(`no organization of ${tenantId}`);
  return found.id;
}

const membersOf = async (tenantId: string) =>
  (await call(token, "GET", `/organizations/${await organizationOf(tenantId)}/members`)).body as unknown as {
    user_id: string;
    email?: string;
    roles: { name: string }[];
  }[];

/** Accepts an invitation as its page does, and answers the browser that has done it. */
async function accept(link: string, email: string, password = PASSWORD) {
  const { visit, jar } = browser();
  const page = redirectOf(await visit(link), link);
  await visit(page);
  const screen = page.replace("/u2/accept-invitation", "/u2/screen/accept-invitation");
  const answer = await fetch(screen, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      origin: new URL(server.issuer).origin,
      cookie: await jar.getCookieString(screen),
    },
    body: JSON.stringify({ data: { email, password, re_password: password } }),
  });
  for (const cookie of answer.headers.getSetCookie()) await jar.setCookie(cookie, screen);
  return { visit, answer, body: (await answer.json()) as { redirect?: string } };
}

type Visit = ReturnType<typeof browser>["visit"];

/** What the control plane answers to an authorization request of the console. */
async function authorize(visit: Visit, parameters: Record<string, string>) {
  const verifier = oidc.randomPKCECodeVerifier();
  const state = oidc.randomState();
  const url = oidc.buildAuthorizationUrl(configuration, {
    redirect_uri: CONSOLE,
    scope: "openid profile",
    audience: AUDIENCE,
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    ...parameters,
  });
  return { verifier, state, next: redirectOf(await visit(url.href), url.href) };
}

/** A token for another tenant, without a page in between. */
async function switchTo(visit: Visit, organization: string): Promise<string> {
  const { verifier, state, next } = await authorize(visit, { prompt: "none", organization });
  const tokens = await oidc.authorizationCodeGrant(configuration, new URL(next), {
    pkceCodeVerifier: verifier,
    expectedState: state,
  });
  return tokens.access_token;
}

const claimsOf = (jwt: string) =>
  JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;

/** Signs the first administrator in to the console, as an operator of no organization. */
async function signInAdministrator() {
  const { visit } = browser();
  const { verifier, state, next } = await authorize(visit, {});
  await visit(next);
  const { username, password } = server.administrator;
  let at = redirectOf(await visit(next, { username }), next);
  await visit(at);
  at = redirectOf(await visit(at, { username, password }), at);
  for (let hops = 0; hops < 5 && !at.startsWith(CONSOLE); hops++) at = redirectOf(await visit(at), at);
  const tokens = await oidc.authorizationCodeGrant(configuration, new URL(at), {
    pkceCodeVerifier: verifier,
    expectedState: state,
  });
  return { visit, token: tokens.access_token };
}

describe("a tenant made by a person", () => {
  it("has its creator in its team, who gets a token for it without another login", async () => {
    const person = await signInAdministrator();

    const made = await call(person.token, "POST", "/tenants", { id: "acme", friendly_name: "Acme" });

    expect(made.status).toBe(201);
    const members = await membersOf("acme");
    expect(members.map(({ roles }) => roles.map(({ name }) => name))).toEqual([["Team Administrator"]]);
    const organization = await organizationOf("acme");
    const own = await switchTo(person.visit, organization);
    expect(claimsOf(own)).toMatchObject({ org_id: organization, org_name: "acme" });
    expect((await call(own, "GET", "/clients", undefined, { "tenant-id": "acme" })).status).toBe(200);
  });

  it("made by a machine has nobody", async () => {
    await createTenant(server, token, "robots");

    expect(await membersOf("robots")).toEqual([]);
  });
});

describe("the first administrator of a tenant", () => {
  it("is invited by mail, accepts, and administers that tenant and no other", async () => {
    await createTenant(server, token, "neighbour");
    const admin = { email: "ann@beta.example" };
    expect((await call(token, "POST", "/tenants", { id: "beta", friendly_name: "Beta & Co", admin })).status).toBe(201);
    const mails = await mailsTo(admin.email);
    expect(mails.map(({ subject }) => subject)).toEqual(["You are invited to administer Beta & Co"]);
    const link = mails[0]?.links.find((each) => each.includes("/u2/accept-invitation"))?.replaceAll("&#38;", "&") ?? "";

    const { visit, body } = await accept(link, admin.email);

    expect(body.redirect).toMatch(new RegExp(`^${CONSOLE}\\?code=`));
    expect(await membersOf("beta")).toMatchObject([{ email: admin.email, roles: [{ name: "Team Administrator" }] }]);
    const own = await switchTo(visit, await organizationOf("beta"));
    const reach = async (tenantId: string) =>
      (await call(own, "GET", "/clients", undefined, { "tenant-id": tenantId })).status;
    expect([await reach("beta"), await reach("neighbour"), await reach("control_plane")]).toEqual([200, 403, 403]);
    expect(claimsOf(own).permissions).toEqual(expect.arrayContaining(["tenant:admin", "update:tenants"]));
    expect(claimsOf(own).permissions).not.toContain("create:tenants");

    const refused = await authorize(visit, { prompt: "none", organization: await organizationOf("neighbour") });
    expect(new URL(refused.next).searchParams.get("code")).toBeNull();
    expect(new URL(refused.next).searchParams.get("error")).toMatch(
      /^(?:access_denied|login_required|invalid_request)$/,
    );
  });

  it("of two tenants goes from one to the other, and back", async () => {
    const admin = { email: "bob@two.example" };
    let visit: Visit | undefined;
    for (const id of ["one", "two"].map((name) => `${name}-house`)) {
      expect((await call(token, "POST", "/tenants", { id, friendly_name: id, admin })).status).toBe(201);
      const [mail] = await mailsTo(admin.email);
      const link = mail?.links.find((each) => each.includes("/u2/accept-invitation"))?.replaceAll("&#38;", "&") ?? "";
      ({ visit } = await accept(link, admin.email));
    }
    if (!visit) throw new Error("nobody is signed in");
    const [one, two] = [await organizationOf("one-house"), await organizationOf("two-house")];

    const tokens = [await switchTo(visit, one), await switchTo(visit, two), await switchTo(visit, one)];

    expect(tokens.map((each) => claimsOf(each).org_name)).toEqual(["one-house", "two-house", "one-house"]);
    const reach = async (bearer = "", tenantId: string) =>
      (await call(bearer, "GET", "/clients", undefined, { "tenant-id": tenantId })).status;
    expect(await Promise.all([reach(tokens[0], "one-house"), reach(tokens[0], "two-house")])).toEqual([200, 403]);
    expect(await Promise.all([reach(tokens[1], "two-house"), reach(tokens[1], "one-house")])).toEqual([200, 403]);
  });

  it("is asked for by an address, or the request is refused by the field's name and nothing is made", async () => {
    const answer = await call(token, "POST", "/tenants", { id: "wrong", friendly_name: "W", admin: { email: "no" } });

    expect([answer.status, answer.body.message]).toEqual([400, expect.stringContaining("admin.email")]);
    expect((await call(token, "GET", "/tenants/wrong")).status).toBe(404);
  });

  it("cannot be invited where nobody sends mail: refused before anything is made", async () => {
    const silent = await startServer();
    const bearer = await managementToken(silent);
    const body = JSON.stringify({ id: "acme", friendly_name: "Acme", admin: { email: "ann@acme.example" } });

    const answer = await api(silent, bearer, "/tenants", { method: "POST", body });

    expect([answer.status, await answer.json()]).toMatchObject([400, { errorCode: "mail_not_configured" }]);
    expect((await api(silent, bearer, "/tenants/acme")).status).toBe(404);
    await silent.remove();
  });
});
