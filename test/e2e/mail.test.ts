import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KeptMail } from "../../src/auth/mail/mailbox.ts";
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
import { type RunningServer, startServer } from "../support/server.ts";
import { startMailServer } from "../support/smtp.ts";
import { filesUnder, tracesIn } from "../support/traces.ts";

const OTP = "http://auth0.com/oauth/grant-type/passwordless/otp";
const PASSWORD = "mail-server-password-1f6e";

interface House {
  readonly server: RunningServer;
  readonly token: string;
  readonly application: Application;
}

async function house(env: Record<string, string>): Promise<House> {
  const server = await startServer({ env });
  const token = await managementToken(server);
  await createTenant(server, token, "acme");
  const application = await furnish(server, token, "acme");
  await ask({ server, token }, "acme", "POST", "/connections", { name: "email", strategy: "email", options: {} });
  return { server, token, application };
}

async function ask({ server, token }: Pick<House, "server" | "token">, tenantId: string, ...request: Asked) {
  const [method, path, body] = request;
  const answer = await api(server, token, path, {
    method,
    headers: { "tenant-id": tenantId },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    text,
    body: text.startsWith("{") ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}
type Asked = [method: string, path: string, body?: unknown];

/** Asks for a one-time code, as an application does. */
async function askForCode({ issuer, clientId, clientSecret, email }: Application): Promise<number> {
  const body = { client_id: clientId, client_secret: clientSecret, connection: "email", email, send: "code" };
  const answer = await fetch(`${issuer}passwordless/start`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...body, authParams: { scope: "openid" } }),
  });
  await answer.arrayBuffer();
  return answer.status;
}

describe("the development mailbox", () => {
  let own: House;
  beforeAll(async () => {
    own = await house({ DEV_MAILBOX: "1" });
    await createTenant(own.server, own.token, "beta");
  });
  afterAll(() => own?.server.remove());

  const mailsAt = async (issuer: string) => {
    const answer = await fetch(`${issuer}dev/mailbox`, { headers: { accept: "application/json" } });
    return ((await answer.json()) as { mails: KeptMail[] }).mails;
  };

  it("shows the code of a passwordless login, which works", async () => {
    const { application } = own;
    await ask(own, "acme", "PATCH", `/clients/${application.clientId}`, { grant_types: [OTP, "authorization_code"] });

    expect(await askForCode(application)).toBe(200);

    const [mail] = await mailsAt(application.issuer);
    expect(mail).toMatchObject({ tenantId: "acme", to: application.email, from: "no-reply@localhost" });
    const tokens = await fetch(`${application.issuer}oauth/token`, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: OTP,
        ...{ client_id: application.clientId, client_secret: application.clientSecret, realm: "email" },
        ...{ username: application.email, otp: mail?.code ?? "", scope: "openid" },
      }),
    });
    expect(await tokens.json()).toMatchObject({ id_token: expect.any(String) });
  });

  it("shows the link of a password reset, which leads to the form for a new one", async () => {
    const { application } = own;
    const configuration = await discover(application.issuer, application.clientId, application.clientSecret);
    const { visit } = browser();
    const start = `${configuration.serverMetadata().authorization_endpoint}?${new URLSearchParams({
      client_id: application.clientId,
      ...{ response_type: "code", redirect_uri: application.redirectUri, scope: "openid", state: "s" },
    })}`;
    const identifier = redirectOf(await visit(start), start);
    const forgot = redirectOf(await visit(identifier, { username: application.email }), identifier).replace(
      /\/u\/[^?]*/,
      "/u/forgot-password",
    );

    await visit(forgot, { username: application.email });

    const [mail] = await mailsAt(application.issuer);
    const link = mail?.links.find((each) => each.includes("/u/reset-password")) ?? "";
    expect(new URL(link).origin).toBe(new URL(application.issuer).origin);
    const form = await visit(link);
    expect([form.status, await form.text()]).toEqual([200, expect.stringContaining('name="password"')]);
  });

  it("shows a tenant's mail on its host, everybody's on the control plane's, and none of a neighbour's", async () => {
    await askForCode(own.application);

    const [mine, all, betas] = await Promise.all(
      [own.application.issuer, own.server.issuer, `http://beta.localhost:${own.server.port}/`].map(mailsAt),
    );

    expect(mine?.length).toBeGreaterThan(0);
    expect(all).toEqual(mine);
    expect(betas).toEqual([]);
  });

  it("shows a code by text message, which nobody is set up to send", async () => {
    const { clientId: client_id, clientSecret: client_secret, issuer } = own.application;
    await ask(own, "acme", "POST", "/connections", { name: "sms", strategy: "sms", options: {} });
    const body = { client_id, client_secret, connection: "sms", phone_number: "+46701112233", send: "code" };
    const started = await fetch(`${issuer}passwordless/start`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...body, authParams: { scope: "openid" } }),
    });

    const [text] = await mailsAt(issuer);
    expect(started.status).toBe(200);
    expect(text).toMatchObject({ to: "+46701112233", subject: "Text message", code: expect.stringMatching(/^\d{6}$/) });
  });

  it("is a page that runs and loads nothing", async () => {
    const page = await fetch(`${own.application.issuer}dev/mailbox`);

    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(await page.text()).toMatch(/<code>\d{6}<\/code>/);
  });
});

describe("mail over SMTP", () => {
  let smtp: Awaited<ReturnType<typeof startMailServer>>;
  let own: House;
  const provider = (credentials: object = {}) => ({
    name: "smtp",
    default_from_address: "login@acme.example",
    credentials: {
      smtp_host: "127.0.0.1",
      smtp_port: smtp.port,
      smtp_user: "rowhouse",
      smtp_pass: PASSWORD,
      ...credentials,
    },
  });

  beforeAll(async () => {
    smtp = await startMailServer(PASSWORD);
    own = await house({
      SMTP_URL: `smtp://operator:${PASSWORD}@127.0.0.1:${smtp.port}`,
      SMTP_FROM: "auth@example.com",
    });
  });
  afterAll(async () => {
    await own?.server.remove();
    await smtp?.close();
  });

  const sent = async () => {
    smtp.received.length = 0;
    const status = await askForCode(own.application);
    return { status, ...smtp.received[0] };
  };

  it("goes by the deployment's server where nobody has a provider, and the tenant's route knows of none", async () => {
    const { status, user, mail } = await sent();

    expect([status, user]).toEqual([200, "operator"]);
    expect(mail).toMatch(/^From: auth@example\.com$/m);
    expect(mail).toMatch(/^To: resident@acme\.example$/m);
    expect((await ask(own, "acme", "GET", "/emails/provider")).status).toBe(404);
    expect((await ask(own, "acme", "PATCH", "/emails/provider", { enabled: true })).status).toBe(404);
  });

  it("goes by the control plane's provider before that, which the tenant cannot see", async () => {
    await ask(own, "control_plane", "POST", "/emails/provider", provider({ smtp_user: "landlord" }));

    const { status, user, mail } = await sent();

    expect([status, user]).toEqual([200, "landlord"]);
    expect(mail).toMatch(/^From: login@acme\.example$/m);
    expect(await ask(own, "acme", "GET", "/emails/provider")).toMatchObject({ status: 404 });
    expect((await ask(own, "control_plane", "GET", "/emails/provider")).text).not.toContain(PASSWORD);
  });

  it("is not in an export of a tenant that only borrows it", async () => {
    const exportOf = async (tenant: string) => {
      const init = { headers: { "tenant-id": tenant } };
      return await (await api(own.server, own.token, "/tenant-data/export?gzip=false", init)).text();
    };

    const borrowed = await exportOf("acme");
    expect(borrowed).toContain("resident@acme.example");
    for (const word of ["landlord", "smtp_host", "login@acme.example"]) expect(borrowed).not.toContain(word);
    // Whose it is has it in an export, without the password.
    const lent = await exportOf("control_plane");
    expect(lent).toContain("landlord");
    expect(lent).not.toContain(PASSWORD);
  });

  it.each(["/emails/provider", "/email/providers"])("goes on when what %s shows is written back", async (path) => {
    const shown = await ask(own, "control_plane", "GET", path);
    expect(shown.body.credentials).toEqual({ smtp_host: "127.0.0.1", smtp_port: smtp.port, smtp_user: "landlord" });

    const changed = await ask(own, "control_plane", "PATCH", path, shown.body);

    expect([changed.status, changed.body.credentials]).toEqual([200, shown.body.credentials]);
    expect((await sent()).user).toBe("landlord");
  });

  it("has no password any more when its server is another", async () => {
    const { body } = await ask(own, "control_plane", "GET", "/emails/provider");
    const credentials = { ...(body.credentials as object), smtp_host: "localhost" };
    await ask(own, "control_plane", "PATCH", "/emails/provider", { credentials });

    expect((await sent()).status).toBe(503);
    await ask(own, "control_plane", "PATCH", "/emails/provider", provider({ smtp_user: "landlord" }));
    expect((await sent()).user).toBe("landlord");
  });

  it("goes by the tenant's own provider before that, but never to an address of our own network", async () => {
    const made = await ask(own, "acme", "POST", "/emails/provider", provider());

    expect(made).toMatchObject({ status: 201, body: { credentials: { smtp_host: "127.0.0.1" } } });
    expect(made.text).not.toContain(PASSWORD);
    expect(await sent()).toEqual({ status: 400 });
    expect(own.server.output()).not.toContain(PASSWORD);
  });

  it("is not sent while the tenant's own provider is disabled: nothing is inherited in its place", async () => {
    await ask(own, "acme", "PATCH", "/emails/provider", { enabled: false });

    expect(await sent()).toEqual({ status: 400 });
  });

  it("changes what is sent of a provider and nothing else, and credentials as one", async () => {
    const changed = await ask(own, "acme", "PATCH", "/emails/provider", { default_from_address: "new@acme.example" });
    const incomplete = await ask(own, "acme", "PATCH", "/emails/provider", { credentials: { smtp_port: 25 } });

    expect(changed.body).toMatchObject({
      default_from_address: "new@acme.example",
      enabled: false,
      credentials: { smtp_host: "127.0.0.1", smtp_user: "rowhouse" },
    });
    expect(incomplete).toMatchObject({ status: 400, text: expect.stringContaining("credentials.smtp_host") });
  });

  it.each([
    ["a provider nobody here knows", { name: "pigeon", credentials: {} }, "name: must be one of smtp, mailgun"],
    ["mailgun without a domain", { name: "mailgun", credentials: { api_key: "k" } }, "credentials.domain"],
    ["a port that is none", { name: "smtp", credentials: { smtp_host: "h", smtp_port: 0 } }, "credentials.smtp_port"],
  ])("refuses %s by name", async (_what, wrong, named) => {
    await createTenant(own.server, own.token, "beta").catch(() => undefined);

    const answer = await ask(own, "beta", "POST", "/emails/provider", wrong);

    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining(named)]);
    expect((await ask(own, "beta", "GET", "/emails/provider")).status).toBe(404);
  });

  it.each([
    ["smtp", { smtp_pass: PASSWORD }, { smtp_host: "mail.beta.example", smtp_port: 25, smtp_user: "beta" }],
    ["mailgun", { api_key: PASSWORD }, { domain: "beta.example", region: "eu" }],
    ["postmark", { api_key: PASSWORD }, {}],
    ["resend", { api_key: PASSWORD }, {}],
  ] as const)(
    "shows no secret of %s, and keeps it when what was shown is written back",
    async (name, secret, shown) => {
      await createTenant(own.server, own.token, "beta").catch(() => undefined);
      await ask(own, "beta", "DELETE", "/emails/provider");
      const credentials = { ...shown, ...secret };
      const made = await ask(own, "beta", "POST", "/emails/provider", { name, credentials });
      const read = await ask(own, "beta", "GET", "/emails/provider");
      const written = await ask(own, "beta", "PATCH", "/emails/provider", read.body);
      // What is stored has to be whole again.
      const toggled = await ask(own, "beta", "PATCH", "/emails/provider", { enabled: false });

      const answers = [made, read, written, toggled];
      expect(answers.map(({ status }) => status)).toEqual([201, 200, 200, 200]);
      expect(answers.map(({ body }) => body.credentials)).toEqual([shown, shown, shown, shown]);
      expect(tracesIn(filesUnder(own.server.directory), PASSWORD)).toEqual([]);
    },
  );

  it("says that the mail could not be sent, and neither with which password nor what the server said", async () => {
    await ask(own, "control_plane", "PATCH", "/emails/provider", provider({ smtp_pass: "wrong-password-77aa" }));
    await ask(own, "acme", "DELETE", "/emails/provider");

    const { status } = await sent();

    expect(status).toBe(503);
    expect(own.server.output()).not.toContain("wrong-password-77aa");
  });
});
