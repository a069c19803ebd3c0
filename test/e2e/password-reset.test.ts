import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createClient } from "@libsql/client";
import * as oidc from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KeptMail } from "../../src/auth/mail/mailbox.ts";
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
import { type RunningServer, startServer } from "../support/server.ts";

const CONNECTION = "Username-Password-Authentication";

async function house(env: Record<string, string>) {
  const server = await startServer({ env });
  const token = await managementToken(server);
  await createTenant(server, token, "acme");
  return { server, token, application: await furnish(server, token, "acme") };
}

const ask = ({ issuer }: Application, body: Record<string, string>, headers: Record<string, string> = {}) =>
  fetch(`${issuer}dbconnections/change_password`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
const asked = ({ clientId, email }: Application) => ({ client_id: clientId, email, connection: CONNECTION });

describe("change_password", () => {
  let server: RunningServer;
  let token: string;
  let application: Application;
  beforeAll(async () => {
    ({ server, token, application } = await house({ DEV_MAILBOX: "1" }));
  });
  afterAll(() => server?.remove());

  const mails = async (): Promise<readonly KeptMail[]> => {
    const answer = await fetch(`${application.issuer}dev/mailbox`, { headers: { accept: "application/json" } });
    return ((await answer.json()) as { mails: KeptMail[] }).mails;
  };
  const linksTo = async (email: string) =>
    (await mails())
      .filter(({ to }) => to === email)
      .flatMap(({ links }) => links.filter((each) => each.includes("/u/reset-password")));
  const linkTo = async (email: string, among = 1): Promise<string> => {
    const links = await eventually(async () => {
      const found = await linksTo(email);
      return found.length >= among ? found : undefined;
    });
    return links[0] ?? "";
  };
  const choose = async (link: string, password: string) => {
    const answer = await browser().visit(link, { password, "re-enter-password": password });
    return [answer.status, await answer.text()] as const;
  };
  const person = async (email: string): Promise<Application> => {
    const password = "Correct-Horse-acme-2";
    await managementOf(server, token, "acme").users.create({
      connection: CONNECTION,
      email,
      password,
      email_verified: true,
    });
    return { ...application, email, password };
  };
  const emails = async () => (await managementOf(server, token, "acme").users.list()).data.map(({ email }) => email);
  const configurationOf = () => discover(application.issuer, application.clientId, application.clientSecret);

  it("mails a link at which a new password is chosen once, and the person signs in with it", async () => {
    const answer = await ask(application, asked(application), { origin: "http://app.localhost" });
    expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([200, "http://app.localhost"]);

    const link = await linkTo(application.email);
    expect(link.startsWith(application.issuer)).toBe(true);
    // Of AuthHero's makers, whom the reader does not know.
    expect((await mails()).some(({ html }) => /sesamy/i.test(html ?? ""))).toBe(false);
    expect(await (await browser().visit(link)).text()).toContain('name="password"');
    const password = "A-New-Correct-Horse-7";
    expect(await choose(link, password)).toEqual([200, expect.stringContaining("password has been reset")]);
    expect((await choose(link, "Once-More-A-Horse-8"))[0]).toBe(400);

    const configuration = await configurationOf();
    const { tokens } = await logIn({ ...application, password }, configuration);
    expect(tokens.claims()?.email).toBe(application.email);
    await expect(logIn(application, configuration)).rejects.toThrow();
  });

  it("ends sessions, refresh tokens and every other link, for whoever had the old password", async () => {
    const resident = await person("moved@acme.example");
    const configuration = await configurationOf();
    const { tokens, visit } = await logIn(resident, configuration);
    await ask(resident, asked(resident));
    const older = await linkTo(resident.email);
    await ask(resident, asked(resident));
    const link = await linkTo(resident.email, 2);

    expect((await choose(link, "A-New-Correct-Horse-7"))[0]).toBe(200);

    const refreshed = oidc.refreshTokenGrant(configuration, tokens.refresh_token ?? "");
    await expect(refreshed).rejects.toMatchObject({ error: "invalid_grant" });
    const silent = { redirect_uri: resident.redirectUri, scope: "openid", prompt: "none", state: "silent" };
    const back = await visit(oidc.buildAuthorizationUrl(configuration, silent).href);
    expect(back.headers.get("location")).toContain("error=login_required");
    const about = await fetch(`${application.issuer}userinfo`, {
      headers: { authorization: `Bearer ${tokens.access_token}` },
    });
    expect(about.status).toBe(401);
    expect((await choose(older, "Yet-Another-Horse-9"))[0]).toBe(400);
  });

  it("does the same when an administrator sets the password", async () => {
    const resident = await person("told@acme.example");
    const configuration = await configurationOf();
    const { tokens } = await logIn(resident, configuration);
    const management = managementOf(server, token, "acme");
    const found = (await management.users.list({ q: `email:${resident.email}` })).data[0];

    await management.users.update(found?.user_id ?? "", { password: "Set-By-The-Office-4", connection: CONNECTION });

    const refreshed = oidc.refreshTokenGrant(configuration, tokens.refresh_token ?? "");
    await expect(refreshed).rejects.toMatchObject({ error: "invalid_grant" });
  });

  it("takes the code from one person's mail for nobody else's login", async () => {
    const [owner, thief] = [await person("owner@acme.example"), await person("thief@acme.example")];
    await ask(owner, asked(owner));
    await ask(thief, asked(thief));
    const [theirs, own] = [new URL(await linkTo(owner.email)), new URL(await linkTo(thief.email))];

    theirs.searchParams.set("code", own.searchParams.get("code") ?? "");

    expect(await choose(theirs.href, "Stolen-Correct-Horse-1")).toEqual([400, expect.stringContaining("not found")]);
    const { tokens } = await logIn(owner, await configurationOf());
    expect(tokens.claims()?.email).toBe(owner.email);
  });

  it("lets the code be guessed ten times, and then takes the right one no more", async () => {
    const resident = await person("guessed@acme.example");
    await ask(resident, asked(resident));
    const link = await linkTo(resident.email);
    for (let guess = 0; guess < 10; guess += 1) {
      const wrong = new URL(link);
      wrong.searchParams.set("code", String(100_000 + guess));
      if (wrong.href !== link) await choose(wrong.href, "Guessed-Correct-Horse-1");
    }

    expect((await choose(link, "Guessed-Correct-Horse-1"))[0]).toBe(400);
  });

  it("takes no code whose time is over", async () => {
    const resident = await person("late@acme.example");
    await ask(resident, asked(resident));
    const link = await linkTo(resident.email);
    const database = await tenantDatabase(server);
    // The server may be writing.
    await database.execute("pragma busy_timeout = 5000");
    await database.execute("update codes set expires_at = 1 where code_type = 'password_reset'");
    database.close();

    expect((await choose(link, "Too-Late-A-Horse-1"))[0]).toBe(400);
  });

  it("answers alike for somebody who has no account, and makes none, and mails nothing", async () => {
    const known = await ask(application, asked(application));
    const unknown = await ask(application, { ...asked(application), email: "nobody@acme.example" });
    // Whatever comes of the first will be there when this one's mail is.
    const last = await person("last@acme.example");
    await ask(last, asked(last));
    await linkTo(last.email);

    const shown = async (answer: Response) => [answer.status, await answer.text(), answer.headers.get("content-type")];
    expect(await shown(unknown)).toEqual(await shown(known));
    expect((await mails()).some(({ to }) => to.startsWith("nobody"))).toBe(false);
    expect(await emails()).not.toContain("nobody@acme.example");
    expect(server.output()).not.toContain("password_reset.failed");
  });

  it("neither makes nor mails anybody on the login pages", async () => {
    const start = oidc.buildAuthorizationUrl(await configurationOf(), {
      redirect_uri: application.redirectUri,
      scope: "openid",
      state: "forgotten",
      login_hint: "stranger@acme.example",
    }).href;
    const { visit } = browser();
    const identifier = redirectOf(await visit(start), start);
    const state = new URL(identifier).searchParams.get("state") ?? "";

    const answer = await visit(`${application.issuer}u/forgot-password?state=${encodeURIComponent(state)}`, {});
    const screen = await fetch(`${application.issuer}u2/screen/forgot-password?state=${encodeURIComponent(state)}`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: new URL(application.issuer).origin },
      body: JSON.stringify({ data: { email: "stranger2@acme.example" } }),
    });

    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining("email sent")]);
    expect(screen.status).toBe(200);
    expect((await emails()).filter((email) => email?.startsWith("stranger"))).toEqual([]);
    expect((await mails()).filter(({ to }) => to.startsWith("stranger"))).toEqual([]);
  });

  it("says on the login pages whose address is missing, and takes it then", async () => {
    const resident = await person("unnamed@acme.example");
    const { visit } = browser();
    const { clientId: client_id, redirectUri: redirect_uri, issuer } = application;
    const query = new URLSearchParams({ client_id, redirect_uri, response_type: "code", scope: "openid", state: "s" });
    const start = `${issuer}authorize?${query}`;
    const page = redirectOf(await visit(start), start).replace(/\/u\/[^?]*/, "/u/forgot-password");

    for (const form of [{}, { username: "" }, { username: "nobody" }] as Record<string, string>[]) {
      const answer = await visit(page, form);
      const text = await answer.text();
      expect([answer.status, text]).toEqual([400, expect.stringContaining("username: enter the e-mail address")]);
    }
    expect((await visit(page)).status).toBe(200);
    expect((await visit(page, { username: ` ${resident.email.toUpperCase()} ` })).status).toBe(200);
    expect(await linkTo(resident.email)).toContain(issuer);
    // From here on the login says whose it is.
    expect((await visit(page, {})).status).toBe(200);
    const nobodys = `${issuer}u/forgot-password?state=nothing`;
    expect((await visit(nobodys, {})).status).toBe(400);
    expect(server.output()).not.toContain("request.failed");
  });

  it("sends at most ten mails to one address in a quarter of an hour, and says nothing of it", async () => {
    const resident = await person("flooded@acme.example");
    for (let count = 0; count < 12; count += 1) expect((await ask(resident, asked(resident))).status).toBe(200);
    const last = await person("after-the-flood@acme.example");
    await ask(last, asked(last));
    await linkTo(last.email);

    await linkTo(resident.email, 10);
    expect(await linksTo(resident.email)).toHaveLength(10);
  });

  it.each([
    ["without an application", { client_id: "" }, 400, "client_id"],
    ["for an application that is not there", { client_id: "nobody" }, 403, "client_id"],
    ["for an address that is none", { email: "resident" }, 400, "email"],
    ["on another connection", { connection: "google-oauth2" }, 400, "connection"],
  ])("is refused %s, by name", async (_what, wrong, status, named) => {
    const answer = await ask(application, { ...asked(application), ...wrong });

    expect([answer.status, await answer.text()]).toEqual([status, expect.stringContaining(named)]);
  });

  it("takes a form, too", async () => {
    const body = new URLSearchParams(asked(application));
    const answer = await fetch(`${application.issuer}dbconnections/change_password`, { method: "POST", body });

    expect(answer.status).toBe(200);
  });
});

it("says to everybody alike that the tenant cannot send mail", async () => {
  const { server, application } = await house({});
  try {
    for (const email of [application.email, "nobody@acme.example"]) {
      const answer = await ask(application, { ...asked(application), email });

      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ errorCode: "mail_not_configured" });
    }
  } finally {
    await server.remove();
  }
});

/** Asks until there is an answer; the mail is sent behind the response. */
async function eventually<T>(find: () => Promise<T | undefined>): Promise<T> {
  for (let attempt = 0; attempt < 40; attempt += 1) {
    const found = await find();
    if (found !== undefined) return found;
    await sleep(50);
  }
  throw new Error("It did not come");
}

/** The tenant's database file, opened beside the server. */
async function tenantDatabase({ directory }: RunningServer) {
  const name = (await readdir(join(directory, "tenants"))).find((each) => each.endsWith("-1.db"));
  return createClient({ url: `file:${join(directory, "tenants", name ?? "")}` });
}
