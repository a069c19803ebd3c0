import * as oidc from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Application,
  api,
  browser,
  createTenant,
  discover,
  furnish,
  managementToken,
  redirectOf,
} from "../support/clients.ts";
import { startListener } from "../support/listener.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { filesUnder, tracesIn } from "../support/traces.ts";
import { FAILING_NUMBER, NO_NUMBER, startTwilio, type Twilio } from "../support/twilio.ts";

const OTP = "http://auth0.com/oauth/grant-type/passwordless/otp";
const CONTROL_PLANE = "control_plane";
const PERSON = "+46701112233";

const LANDLORD = { sid: "AC0landlord", token: "landlords-twilio-token-8c1d" };
const TENANT = { sid: "AC1tenant", token: "tenants-twilio-token-4f7a" };
const lent = { provider: "twilio", twilio_sid: LANDLORD.sid, twilio_token: LANDLORD.token, from: "+15005550006" };
const own = { provider: "twilio", twilio_sid: TENANT.sid, twilio_token: TENANT.token, from: "+15005550007" };

let twilio: Twilio;
let attacker: Awaited<ReturnType<typeof startListener>>;
let server: RunningServer;
let token: string;
let acme: Application;
let beta: Application;

async function ask(tenantId: string, method: string, path: string, body?: unknown) {
  const answer = await api(server, token, path, {
    method,
    headers: { "tenant-id": tenantId },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, text, body: /^[[{]/.test(text) ? JSON.parse(text) : null };
}

/** The tenant's one connection for texts, with these options. */
async function connection(tenantId: string, options: object) {
  const { body } = await ask(tenantId, "GET", "/connections");
  const found = (body as { id: string; strategy: string }[]).find(({ strategy }) => strategy === "sms");
  if (found) await ask(tenantId, "DELETE", `/connections/${found.id}`);
  expect((await ask(tenantId, "POST", "/connections", { name: "sms", strategy: "sms", options })).status).toBe(201);
}

/** Asks for a one-time code, as an application does. */
async function askForCode(phone: string, at = acme) {
  twilio.sent.length = 0;
  const body = { client_id: at.clientId, client_secret: at.clientSecret, connection: "sms", phone_number: phone };
  const answer = await fetch(`${at.issuer}passwordless/start`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...body, send: "code", authParams: { scope: "openid" } }),
  });
  return { status: answer.status, text: await answer.text() };
}

async function redeem(otp: string, at = acme) {
  const { clientId: client_id, clientSecret: client_secret, issuer } = at;
  const form = { grant_type: OTP, client_id, client_secret, realm: "sms", username: PERSON, otp, scope: "openid" };
  const answer = await fetch(`${issuer}oauth/token`, { method: "POST", body: new URLSearchParams(form) });
  return (await answer.json()) as { id_token?: string };
}

const accounts = () => twilio.sent.map(({ account }) => account);

/** A login page of the application, before anything was typed in. */
async function begin(at: Application) {
  const configuration = await discover(at.issuer, at.clientId, at.clientSecret);
  const { visit } = browser();
  const verifier = oidc.randomPKCECodeVerifier();
  const start = oidc.buildAuthorizationUrl(configuration, {
    ...{ redirect_uri: at.redirectUri, scope: "openid", state: "mine", code_challenge_method: "S256" },
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
  }).href;
  const redeemed = (callback: string) =>
    oidc.authorizationCodeGrant(configuration, new URL(callback), {
      pkceCodeVerifier: verifier,
      expectedState: "mine",
    });
  return { visit, page: redirectOf(await visit(start), start), redeemed };
}

/** Up to the page on which somebody with a password adds a phone. */
async function withPassword(at: Application) {
  const { visit, page, redeemed } = await begin(at);
  const password = redirectOf(await visit(page, { username: at.email }), page);
  const added = redirectOf(await visit(password, { username: at.email, password: at.password }), password);
  return { visit, page: added, redeemed };
}

beforeAll(async () => {
  twilio = await startTwilio({ [LANDLORD.sid]: LANDLORD.token, [TENANT.sid]: TENANT.token });
  attacker = await startListener();
  server = await startServer({
    env: {
      NODE_OPTIONS: `--import ${new URL("../support/rerouted.mjs", import.meta.url).href}`,
      REROUTED: JSON.stringify({ "https://api.twilio.com": twilio.origin }),
    },
  });
  token = await managementToken(server);
  for (const id of ["acme", "beta"]) await createTenant(server, token, id);
  [acme, beta] = await Promise.all([furnish(server, token, "acme"), furnish(server, token, "beta")]);
  await ask("acme", "PATCH", `/clients/${acme.clientId}`, { grant_types: [OTP, "authorization_code"] });
});
afterAll(async () => {
  await Promise.all([twilio?.close(), attacker?.close()]);
  await server?.remove();
});

describe("a code by text message", () => {
  it("is refused where neither the tenant nor the control plane has anybody to send it", async () => {
    await connection("acme", {});

    const { status, text } = await askForCode(PERSON);

    expect([status, text]).toEqual([400, expect.stringContaining("sms_not_configured")]);
  });

  it("goes by the control plane's account, and signs its reader in", async () => {
    await connection(CONTROL_PLANE, lent);

    expect((await askForCode(PERSON)).status).toBe(200);

    expect(twilio.sent).toEqual([
      {
        account: LANDLORD.sid,
        form: { To: PERSON, From: lent.from, Body: expect.stringMatching(/\d{6} is your login code for Tenant acme/) },
      },
    ]);
    expect(await redeem(twilio.code())).toMatchObject({ id_token: expect.any(String) });
    expect((await ask("acme", "GET", "/connections")).text).not.toContain(LANDLORD.sid);
  });

  it("signs in on the login pages, too", async () => {
    const { visit, page, redeemed } = await begin(acme);

    const challenge = redirectOf(await visit(page, { username: PERSON }), page);
    const callback = redirectOf(await visit(challenge, { code: twilio.code() }), challenge);

    expect((await redeemed(callback)).claims()?.sub).toMatch(/^sms\|/);
  });

  it("goes by the tenant's own account, if it has one", async () => {
    await connection("acme", own);

    await askForCode(PERSON);

    expect(accounts()).toEqual([TENANT.sid]);
    expect(await redeem(twilio.code())).toMatchObject({ id_token: expect.any(String) });
    expect((await ask("acme", "GET", "/connections")).text).not.toContain(TENANT.token);
  });

  it.each([
    ["an account", { twilio_sid: TENANT.sid }, "options.twilio_token: is missing"],
    ["a sender", { from: "Acme" }, "options.twilio_sid: is missing"],
    ["a token", { twilio_token: "t" }, "options.twilio_sid: is missing"],
    ["another service", { provider: "sms_gateway" }, "options.provider: must be twilio"],
  ])("does not go at all where the tenant has %s and no more: nothing is mixed", async (_what, options, named) => {
    await connection("acme", options);

    const { status, text } = await askForCode(PERSON);

    expect([status, text]).toEqual([400, expect.stringContaining(named)]);
    expect(accounts()).toEqual([]);
  });

  // AuthHero does not keep a gateway; with any other address the whole connection is the tenant's.
  it.each([
    ["gateway_url", [LANDLORD.sid]],
    ["token_endpoint", []],
    ["issuer", []],
  ])("takes no secret to a tenant's own %s", async (key, expected) => {
    await connection("acme", { [key]: `${attacker.origin}/${key}` });

    await askForCode(PERSON);

    expect(attacker.received).toEqual([]);
    expect(accounts()).toEqual(expected);
  });
});

describe("a second factor by text message", () => {
  beforeAll(async () => {
    await ask("beta", "PUT", "/guardian/factors/sms", { enabled: true });
    await ask("beta", "PUT", "/guardian/policies", ["all-applications"]);
  });
  const twilioOf = (values: object) => ask("beta", "PUT", "/guardian/factors/sms/providers/twilio", values);
  const adds = async (phone: string) => {
    const { visit, page, redeemed } = await withPassword(beta);
    twilio.sent.length = 0;
    return { visit, page, redeemed, answer: await visit(page, { phone_number: phone }) };
  };

  it("is sent by nobody where the tenant has chosen another service", async () => {
    await ask("beta", "PUT", "/guardian/factors/sms/selected-provider", { provider: "vonage" });

    const { answer } = await adds(PERSON);

    expect([answer.status, accounts()]).toEqual([400, []]);
    await ask("beta", "PUT", "/guardian/factors/sms/selected-provider", { provider: "twilio" });
  });

  it("goes by the control plane's account, and lets its reader in", async () => {
    const { visit, page, answer, redeemed } = await adds(PERSON);

    const lost = redirectOf(answer, page);
    const challenge = redirectOf(await visit(lost), lost);
    const callback = redirectOf(await visit(challenge, { code: twilio.code() }), challenge);

    expect(accounts()).toEqual([LANDLORD.sid]);
    expect((await redeemed(callback)).claims()).toMatchObject({ iss: beta.issuer });
  });

  it("goes by the tenant's own account for it, if it has one", async () => {
    await twilioOf({ sid: TENANT.sid, auth_token: TENANT.token, from: "Beta" });

    twilio.sent.length = 0;
    // Whoever has a phone gets the code at once.
    await withPassword(beta);

    expect(twilio.sent).toMatchObject([{ account: TENANT.sid, form: { From: "Beta" } }]);
  });
});

describe("what Twilio does not take", () => {
  beforeAll(() => connection("acme", {}));

  it("is the caller's to put right where it is the number, and ours where it is anything else", async () => {
    const wrong = await askForCode(NO_NUMBER);
    const failed = await askForCode(FAILING_NUMBER);
    await connection(CONTROL_PLANE, { ...lent, twilio_token: "an-older-token-77aa" });
    const unauthorized = await askForCode(PERSON);
    await connection(CONTROL_PLANE, lent);

    expect([wrong.status, failed.status, unauthorized.status]).toEqual([400, 503, 503]);
    expect(wrong.text).toContain("sms_number_refused");
    expect(failed.text).toContain("sms_failed");
    expect(unauthorized.text).not.toContain(PERSON);
  });

  it("is not asked for without end: ten in a quarter of an hour go to one number", async () => {
    const number = "+46705556677";
    const statuses: number[] = [];
    for (let count = 0; count < 11; count++) statuses.push((await askForCode(number)).status);

    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 200), 503]);
    expect((await askForCode("+46705556678")).status).toBe(200);
  });
});

it("leaves no token in any answer, log line or file", () => {
  const texts = { ...filesUnder(server.directory), log: server.output() };

  expect(tracesIn(texts, PERSON)).not.toEqual([]);
  for (const secret of [LANDLORD.token, TENANT.token, "an-older-token-77aa"])
    expect(tracesIn(texts, secret)).toEqual([]);
});
