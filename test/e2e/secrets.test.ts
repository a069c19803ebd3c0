import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as oidc from "openid-client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { LIFECYCLE_SCOPES, MANAGEMENT_API_AUDIENCE, managementScopes } from "../../src/auth/management-api.ts";
import type { Visit } from "../http/matrix/visit.ts";
import { UNAVAILABLE, VISITS } from "../http/matrix/visits.ts";
import { leaveBehind, makeTeam, walkIn } from "../http/matrix/walk.ts";
import {
  type Application,
  browser,
  createTenant,
  discover,
  furnish,
  logIn,
  logInAt,
  managementToken,
} from "../support/clients.ts";
import { type IdentityProvider, startIdentityProvider } from "../support/identity-provider.ts";
import { callerOf } from "../support/in-process.ts";
import { minting, signingKeysOf } from "../support/minting.ts";
import { freePort } from "../support/program.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { readableMail, startMailServer } from "../support/smtp.ts";
import { filesUnder, type Secret, secretsOfKey, tracesIn } from "../support/traces.ts";
import { FAILING_NUMBER, NO_NUMBER, startTwilio, type Twilio } from "../support/twilio.ts";

const CONTROL_PLANE = "control_plane";
const TENANT = "acme";
const OTP = "http://auth0.com/oauth/grant-type/passwordless/otp";
const PHONE = "+46701112233";
/** With characters that every way to write a text escapes. */
const SMTP_PASSWORD = 'planted "mail" pässword/+&=?%7<';
const TWILIO_TOKEN = "planted/twilio+token=8c1d&4f7a";

let google: IdentityProvider;
let partner: IdentityProvider;
let twilio: Twilio;
let mail: Awaited<ReturnType<typeof startMailServer>>;
let server: RunningServer;
let token: string;
let acme: Application;

/** Whatever the server under test has answered to anybody, heads and bodies. */
const answers: Record<string, string> = {};
const unobserved = globalThis.fetch;

/** Every request of this file goes through here, whichever client sends it. */
const observed: typeof fetch = async (input, init) => {
  const answer = await unobserved(input, init);
  const { url } = answer;
  if (new URL(url).port !== String(server.port)) return answer;
  const name = `${Object.keys(answers).length} ${init?.method ?? ""} ${url}`;
  answers[name] = `${JSON.stringify([...answer.headers])}\n${await answer.clone().text()}`;
  return answer;
};

/** The Management API of the running server. */
const caller = () =>
  callerOf(
    (request) => fetch(new Request(request.url.replace("127.0.0.1", `localhost:${server.port}`), request)),
    server.port,
    server,
  );

async function ask(tenantId: string, method: string, path: string, json?: unknown) {
  const answer = await caller().api(path, { method, token, headers: { "tenant-id": tenantId }, json });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
  return text === "" ? null : JSON.parse(text);
}

/** What the newest mail to an address says; it is sent behind the answer. */
async function mailTo(address: string, saying: RegExp): Promise<RegExpExecArray> {
  for (let attempt = 0; attempt < 60; attempt += 1) {
    for (const each of mail.received.toReversed()) {
      const text = readableMail(each.mail);
      const found = each.user === "landlord" && text.includes(address) && saying.exec(text);
      if (found) return found;
    }
    await sleep(50);
  }
  throw new Error(`No mail to ${address} says ${saying}: ${mail.received.map((each) => readableMail(each.mail))}`);
}

/** Asks for a code, or a link, and answers the status; with the code, signs in. */
async function start(way: Readonly<Record<string, string>>, send = "code"): Promise<number> {
  const client = { client_id: acme.clientId, client_secret: acme.clientSecret };
  const authParams = { response_type: "code", redirect_uri: acme.redirectUri, scope: "openid", state: "mine" };
  const answer = await fetch(`${acme.issuer}passwordless/start`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...client, ...way, send, authParams }),
  });
  return answer.status;
}

async function redeem(realm: string, username: string, otp: string) {
  const client = { client_id: acme.clientId, client_secret: acme.clientSecret };
  const body = new URLSearchParams({ grant_type: OTP, ...client, realm, username, otp, scope: "openid" });
  const answer = await fetch(`${acme.issuer}oauth/token`, { method: "POST", body });
  return [answer.status, await answer.json()];
}

const issued = [200, { id_token: expect.any(String) }].map((each) =>
  typeof each === "number" ? each : expect.objectContaining(each),
);

beforeAll(async () => {
  const port = await freePort();
  const callback = `http://localhost:${port}/login/callback`;
  google = await startIdentityProvider([callback], "person@google.example", "client_secret_basic");
  partner = await startIdentityProvider([callback], "person@partner.example");
  twilio = await startTwilio({ AClandlord: TWILIO_TOKEN });
  mail = await startMailServer(SMTP_PASSWORD);
  server = await startServer({
    port,
    env: {
      LOG_LEVEL: "debug",
      NODE_OPTIONS: `--import ${new URL("../support/rerouted.mjs", import.meta.url).href}`,
      REROUTED: JSON.stringify({
        "https://oauth2.googleapis.com": google.issuer,
        "https://api.twilio.com": twilio.origin,
      }),
    },
  });
  token = await managementToken(server);
  await plant(callback);
  // What the control plane itself was answered up to here is the control plane's.
  globalThis.fetch = observed;
  await createTenant(server, token, TENANT);
  acme = await furnish(server, token, TENANT);
});
afterAll(async () => {
  globalThis.fetch = unobserved;
  await Promise.all([google?.close(), partner?.close(), twilio?.close(), mail?.close()]);
  await server?.remove();
});

/** The control plane's secrets, all of which are lent. */
async function plant(callback_url: string): Promise<void> {
  const { client_id, client_secret } = google.options;
  const social = { client_id, client_secret, callback_url, scope: "openid email" };
  const sms = { provider: "twilio", twilio_sid: "AClandlord", twilio_token: TWILIO_TOKEN, from: "+15005550006" };
  const metadata = { sync: true };
  for (const each of [
    { name: "google-oauth2", strategy: "google-oauth2", options: social },
    { name: "partner", strategy: "oidc", options: { ...partner.options, callback_url }, metadata },
    { name: "sms", strategy: "sms", options: sms },
  ]) {
    await ask(CONTROL_PLANE, "POST", "/connections", each);
  }
  await ask(CONTROL_PLANE, "POST", "/emails/provider", provider(mail.port));
}

const provider = (smtp_port: number) => ({
  name: "smtp",
  default_from_address: "login@street.example",
  credentials: { smtp_host: "127.0.0.1", smtp_port, smtp_user: "landlord", smtp_pass: SMTP_PASSWORD },
});

it("is lent in logins: with a password, at a social provider, at an enterprise one; and in all that follows them", async () => {
  const configuration = await discover(acme.issuer, acme.clientId, acme.clientSecret);
  const { tokens } = await logIn(acme, configuration);
  const refreshed = await oidc.refreshTokenGrant(configuration, tokens.refresh_token ?? "");
  await oidc.fetchUserInfo(configuration, refreshed.access_token, tokens.claims()?.sub ?? "");
  await oidc.tokenRevocation(configuration, refreshed.refresh_token ?? tokens.refresh_token ?? "");
  const reroute = (url: string) => url.replace("https://accounts.google.com/o/oauth2/v2", google.issuer);
  const social = await logInAt("google-oauth2", acme, reroute);
  const enterprise = await logInAt("partner", acme, reroute);
  const machine = await ask(CONTROL_PLANE, "POST", `/tenants/${TENANT}/management-client`, { name: "Deploy" });
  const own = await discover(acme.issuer, machine.client_id, machine.client_secret);
  const machines = await oidc.clientCredentialsGrant(own, { audience: MANAGEMENT_API_AUDIENCE });

  expect([social, enterprise].map((each) => each.claims()?.email)).toEqual([google.email, partner.email]);
  expect(machines.access_token).toMatch(/^ey/);
  expect(tracesIn({ google: google.asked.join() }, google.options.client_secret ?? "")).toEqual(["google"]);
  expect(tracesIn({ partner: partner.asked.join() }, partner.options.client_secret ?? "")).toEqual(["partner"]);
});

it("is lent for codes and links by mail, and for codes by text message", async () => {
  for (const way of ["email", "sms"])
    await ask(TENANT, "POST", "/connections", { name: way, strategy: way, options: {} });
  await ask(TENANT, "PATCH", `/clients/${acme.clientId}`, {
    grant_types: [OTP, "authorization_code", "refresh_token"],
  });

  expect(await start({ connection: "email", email: acme.email })).toBe(200);
  const [code = ""] = await mailTo(acme.email, /\b\d{6}\b/);
  expect(await redeem("email", acme.email, code)).toEqual(issued);
  expect(await start({ connection: "email", email: acme.email }, "link")).toBe(200);
  const [link = ""] = await mailTo(acme.email, /http:\S+verify_redirect[^"\s<]*/);
  const signedIn = await browser().visit(link.replaceAll("&amp;", "&"));
  expect(signedIn.headers.get("location")).toContain("code=");
  expect(await start({ connection: "sms", phone_number: PHONE })).toBe(200);
  expect(await redeem("sms", PHONE, twilio.code())).toEqual(issued);
});

it("is lent for mails with links: a new password, a verified address, an invitation", async () => {
  const { clientId: client_id, email } = acme;
  const connection = "Username-Password-Authentication";
  const { visit } = browser();
  await fetch(`${acme.issuer}dbconnections/change_password`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ client_id, email, connection }),
  });
  const [link = ""] = await mailTo(email, /http:\S+\/u\/reset-password[^"\s<]*/);
  const password = "A-New-Correct-Horse-7";
  const chosen = await visit(link.replaceAll("&amp;", "&"), { password, "re-enter-password": password });
  expect([chosen.status, await chosen.text()]).toEqual([200, expect.stringContaining("password has been reset")]);

  const newcomer = "newcomer@acme.example";
  await fetch(`${acme.issuer}dbconnections/signup`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ client_id, email: newcomer, password, connection }),
  });
  const [ticket = ""] = await mailTo(newcomer, /http:\S+email-verification[^"\s<]*/);
  await visit(ticket.replaceAll("&amp;", "&"));
  const [user] = await ask(TENANT, "GET", `/users?q=${encodeURIComponent(`email:"${newcomer}"`)}`);
  expect(user).toMatchObject({ email: newcomer, email_verified: true });

  const { id } = await ask(TENANT, "POST", "/organizations", { name: "tenants-own", display_name: "Own" });
  const invitation = { inviter: { name: "Ann" }, invitee: { email: "guest@acme.example" }, client_id };
  await ask(TENANT, "POST", `/organizations/${id}/invitations`, { ...invitation, send_invitation_email: true });
  const [accept = ""] = await mailTo("guest@acme.example", /http:\S+invitation[^"\s<]*/);
  await visit(accept.replaceAll("&amp;", "&"));
});

it("is told to nobody by what fails", async () => {
  const state = new URL(
    (
      await browser().visit(
        `${acme.issuer}authorize?${new URLSearchParams({
          ...{ client_id: acme.clientId, redirect_uri: acme.redirectUri, response_type: "code", scope: "openid" },
          ...{ state: "mine", connection: "google-oauth2" },
        })}`,
      )
    ).headers.get("location") ?? "",
  ).searchParams.get("state");
  await browser().visit(`${acme.issuer}login/callback?code=no-code&state=${state}`);
  await ask(CONTROL_PLANE, "PATCH", "/emails/provider", provider(await freePort()));
  const unsent = await start({ connection: "email", email: acme.email });
  await ask(CONTROL_PLANE, "PATCH", "/emails/provider", provider(mail.port));

  expect(unsent).toBe(503);
  expect(await start({ connection: "sms", phone_number: NO_NUMBER })).toBe(400);
  expect(await start({ connection: "sms", phone_number: FAILING_NUMBER })).toBe(503);
});

it("is in no answer of any route of the Management API, no log line, and no file of any database", {
  timeout: 120_000,
}, async () => {
  const read = await walkThroughManagement();
  const described = (await ask(TENANT, "GET", "/spec")).paths as Record<string, object>;
  const unread = Object.entries(described).filter(([path, methods]) => "get" in methods && !read.has(path));
  expect(unread).toEqual([]);
  expect(read.size).toBeGreaterThan(110);

  const mails = Object.fromEntries(mail.received.map((each, at) => [`mail ${at}`, readableMail(each.mail)]));
  const texts = { ...answers, ...mails, ...filesUnder(server.directory), log: server.output() };
  const names = Object.keys(texts);
  expect(
    ["/tenants/", "control-plane.db", "control-plane.db-wal", "-1.db-wal"].filter(
      (part) => !names.some((name) => name.includes(part)),
    ),
  ).toEqual([]);
  // What finds nothing must be able to find: what is no secret is in the open.
  expect(tracesIn(texts, google.email).length).toBeGreaterThan(1);
  expect(tracesIn({ log: server.output() }, "mail_failed")).toEqual(["log"]);
  expect((await planted()).flatMap((secret) => tracesIn(texts, secret))).toEqual([]);
});

/** Asks every route of the Management API once, for the tenant; answers what was read, as the document writes it. */
async function walkThroughManagement(): Promise<ReadonlySet<string>> {
  const { api, made } = caller();
  const walk = walkIn(TENANT, token);
  const team = await makeTeam({ made }, token, TENANT, walk.things);
  const { name } = await ask(CONTROL_PLANE, "GET", `/tenants/${TENANT}/database`);
  await leaveBehind(join(server.directory, "tenants", `${name}.db`), TENANT, walk.things);
  const scopes = [...managementScopes(), ...LIFECYCLE_SCOPES].map(({ value }) => value);
  const claims = { aud: MANAGEMENT_API_AUDIENCE, iss: server.issuer, permissions: scopes, scope: scopes.join(" ") };
  const teams = await (await minting(server.directory, CONTROL_PLANE))(CONTROL_PLANE, { ...claims, ...team });

  const read = new Set<string>();
  const failed: unknown[] = [];
  for (const visit of [...VISITS, ...Object.keys(UNAVAILABLE).map((route) => ({ route }))] as Visit[]) {
    const { path, init } = walk.requestOf(visit);
    const answer = await api(path, visit.asTeam ? { ...init, token: teams } : init);
    const text = await answer.text();
    if (answer.ok) walk.keep(visit, text);
    else if (!(visit.route in UNAVAILABLE)) failed.push([visit.route, answer.status, text]);
    if (init.method === "GET") read.add(visit.route.replace("GET ", ""));
  }
  expect(failed).toEqual([]);
  return read;
}

/** What the control plane lends, and the keys that it signs with. */
async function planted(): Promise<readonly Secret[]> {
  const keys = (await signingKeysOf(server.directory)).filter(
    ({ tenant_id = CONTROL_PLANE }) => tenant_id === CONTROL_PLANE,
  );
  const parts = keys.flatMap(({ pkcs7 = "" }) => secretsOfKey(pkcs7));
  expect(parts.length).toBeGreaterThan(20);
  const lent = [google, partner].map(({ options }) => options.client_secret ?? "");
  return [...lent, SMTP_PASSWORD, TWILIO_TOKEN, ...parts];
}
