import type { EmailProvider } from "@authhero/adapter-interfaces";
import { describe, expect, it } from "vitest";
import { createMailbox } from "../../src/auth/mail/mailbox.ts";
import { createMailer } from "../../src/auth/mail/mailer.ts";

const KEY = "key-of-acme-5d1c";

const mail = {
  emailProvider: { name: "resend", enabled: true, credentials: {} },
  ...{ to: "resident@acme.example", from: "login@acme.example", subject: "Your code", text: "123456" },
  ...{ template: "auth-code", data: { code: "123456" } },
};

/** A mailer whose provider's HTTP API is ours. */
function mailerOver(provider: EmailProvider | null, status = 200) {
  const requests: Request[] = [];
  const mailer = createMailer({
    tenant: () => "acme",
    providerOf: async () => provider && { provider, isTenants: true },
    fetch: (input, init) => {
      requests.push(new Request(input, init));
      return Promise.resolve(Response.json({ id: "1", ErrorCode: 0, message: `refused ${KEY}` }, { status }));
    },
  });
  return { mailer, requests };
}

describe("a mail by a provider's API", () => {
  it.each([
    ["resend", { api_key: KEY }],
    ["postmark", { api_key: KEY }],
    ["mailgun", { api_key: KEY, domain: "acme.example" }],
  ])("of %s carries the real key, which AuthHero never had", async (name, credentials) => {
    const { mailer, requests } = mailerOver({ name, enabled: true, credentials });

    await mailer.send(mail);

    expect(requests).toHaveLength(1);
    const sent = JSON.stringify([...(requests[0]?.headers ?? [])]);
    expect([sent.includes(KEY), sent.includes(btoa(`api:${KEY}`))]).toContain(true);
  });

  it("that is refused tells neither key nor code", async () => {
    const { mailer } = mailerOver({ name: "resend", enabled: true, credentials: { api_key: KEY } }, 401);

    const failure = await mailer.send(mail).catch((error: unknown) => error);

    expect(failure).toMatchObject({ code: "unavailable", reason: "mail_failed" });
    expect(String(failure)).not.toMatch(new RegExp(`${KEY}|123456`));
    expect(failure).not.toHaveProperty("cause");
  });
});

it("refuses to send where nobody is set up, and by what nobody could send", async () => {
  const incomplete: EmailProvider = { name: "mailgun", enabled: true, credentials: { api_key: KEY } };

  await expect(mailerOver(null).mailer.send(mail)).rejects.toMatchObject({ reason: "mail_not_configured" });
  await expect(mailerOver(incomplete).mailer.send(mail)).rejects.toMatchObject({ reason: "mail_provider_incomplete" });
});

it("keeps a hundred mails at most", () => {
  const mailbox = createMailbox(() => new Date(0));
  for (let n = 1; n <= 101; n++) mailbox.keep("acme", { ...mail, subject: `${n}` }, "auth-code", mail.data);

  const kept = mailbox.list();

  expect([kept.length, kept[0]?.subject, kept.at(-1)?.subject]).toEqual([100, "101", "2"]);
  expect(mailbox.list("beta")).toEqual([]);
});
