import { describe, expect, it } from "vitest";
import { createMailbox } from "../../src/auth/mail/mailbox.ts";
import type { SmsOptions } from "../../src/auth/sms/accounts.ts";
import { createTexter, type TexterOptions } from "../../src/auth/sms/texter.ts";

const TOKEN = "token-of-acme-5d1c";
const SERVICE = `MG${"0a".repeat(16)}`;
const OWN = { provider: "twilio", twilio_sid: "AC1", twilio_token: TOKEN, from: "+15005550006" };

const text = (options: SmsOptions, changed: { to?: string; text?: string } = {}) => ({
  ...{ to: "+46701112233", from: "Acme", text: "743504 is your login code", template: "auth-code", options },
  ...{ data: { code: "743504" }, ...changed },
});

/** A texter whose Twilio is ours. */
function texterOver(answer: () => Response | Promise<Response>, options: Partial<TexterOptions> = {}) {
  const requests: Request[] = [];
  const texter = createTexter({
    tenant: () => "acme",
    inheritedBy: async () => ({}),
    mayReach: async () => true,
    fetch: async (input, init) => {
      requests.push(new Request(input, init));
      return await answer();
    },
    ...options,
  });
  return { texter, requests };
}
const taken = () => Response.json({ sid: "SM1" }, { status: 201 });

/** Fails as something went wrong, without a word of what was sent. */
async function refusalOf(sending: Promise<void>) {
  const failure = await sending.then(
    () => null,
    (error: unknown) => error as { code: string; reason: string; message: string },
  );
  expect(`${failure} ${JSON.stringify(failure)}`).not.toMatch(new RegExp(`${TOKEN}|743504|46701112233`));
  expect(failure).not.toHaveProperty("cause");
  return failure;
}

describe("a text", () => {
  it.each([
    ["a connection's account", OWN, { From: "+15005550006" }],
    ["a connection's messaging service", { ...OWN, from: SERVICE }, { MessagingServiceSid: SERVICE }],
    ["a second factor's account", { sid: "AC1", auth_token: TOKEN, from: "Acme" }, { From: "Acme" }],
    [
      "a second factor's messaging service",
      { sid: "AC1", auth_token: TOKEN, from: "Acme", messaging_service_sid: SERVICE },
      { MessagingServiceSid: SERVICE },
    ],
  ])("goes by %s", async (_whose, options, sender) => {
    const { texter, requests } = texterOver(taken);

    await texter.send(text(options));

    const [request] = requests;
    expect(request?.url).toBe("https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json");
    expect(request?.headers.get("authorization")).toBe(`Basic ${btoa(`AC1:${TOKEN}`)}`);
    expect(request?.redirect).toBe("error");
    const form = Object.fromEntries(new URLSearchParams(await request?.text()));
    expect(form).toEqual({ To: "+46701112233", Body: "743504 is your login code", ...sender });
  });

  it("goes by what the tenant inherits only where AuthHero names nobody", async () => {
    const inheritedBy = async () => ({ ...OWN, twilio_sid: "ACofAll" });
    const own = texterOver(taken, { inheritedBy });
    await own.texter.send(text(OWN));
    const none = texterOver(taken, { inheritedBy });
    await none.texter.send(text({ icon_url: "https://acme.example/i.png", from: "" }));

    expect([own, none].map(({ requests }) => requests[0]?.url.split("/")[5])).toEqual(["AC1", "ACofAll"]);
  });
});

describe("what cannot be sent", () => {
  it.each([
    [{}, "sms_not_configured", "Nobody"],
    [{ from: "Acme" }, "sms_provider_incomplete", "options.twilio_sid: is missing; options.twilio_token: is missing"],
    [{ ...OWN, provider: "sms_gateway" }, "sms_provider_incomplete", "options.provider: must be twilio"],
    [{ ...OWN, twilio_sid: "../AC2" }, "sms_provider_incomplete", "options.twilio_sid: must be the SID"],
    [{ ...OWN, from: undefined }, "sms_provider_incomplete", "options.from: is missing"],
    [{ messaging_service_sid: SERVICE }, "sms_provider_incomplete", "mfa.twilio.sid: is missing"],
    [{ sid: "AC1" }, "sms_provider_incomplete", "mfa.twilio.auth_token: is missing"],
    [{ sid: "AC1", auth_token: TOKEN }, "sms_provider_incomplete", "mfa.twilio.from: is missing"],
  ])("is refused by name: %j", async (options, reason, named) => {
    // All or nothing: whoever has a part of an account of their own inherits nothing of another.
    const inheritedBy = async () => (reason === "sms_not_configured" ? {} : OWN);
    const { texter, requests } = texterOver(taken, { inheritedBy });

    const failure = await refusalOf(texter.send(text(options)));

    expect(failure).toMatchObject({ code: "invalid", reason, message: expect.stringContaining(named) });
    expect(requests).toEqual([]);
  });

  it.each([
    [{ to: "0701234567" }, {}, { code: "invalid", reason: "phone_number_invalid" }],
    [{ text: "7".repeat(1601) }, {}, { code: "invalid", reason: "sms_too_long" }],
    [{}, { mayReach: async () => false }, { code: "unavailable", reason: "sms_limited" }],
  ])("is not sent: %j", async (changed, options, expected) => {
    const { texter, requests } = texterOver(taken, options);

    expect(await refusalOf(texter.send(text(OWN, changed)))).toMatchObject(expected);
    expect(requests).toEqual([]);
  });

  const said = `refused 743504 to +46701112233 with ${TOKEN}`;
  it.each([
    ["does not take the number", () => Response.json({ code: 21211, message: said }, { status: 400 }), "invalid"],
    ["does not take the token", () => Response.json({ code: 20003, message: said }, { status: 401 }), "unavailable"],
    ["says something else", () => new Response(said, { status: 503 }), "unavailable"],
    ["talks for ever", () => new Response(endless(), { status: 500 }), "unavailable"],
    ["is not there", () => Promise.reject(new Error(said)), "unavailable"],
  ])("tells neither number, code nor token where Twilio %s", async (_how, answer, code) => {
    const { texter } = texterOver(answer);

    const failure = await refusalOf(texter.send(text(OWN)));

    expect(failure).toMatchObject({ code, reason: code === "invalid" ? "sms_number_refused" : "sms_failed" });
  });
});

it("is kept in the development mailbox, whoever would have sent it", async () => {
  const mailbox = createMailbox(() => new Date(0));
  const { texter, requests } = texterOver(taken, { mailbox });

  await texter.send(text({}));

  expect(mailbox.list("acme")).toMatchObject([{ to: "+46701112233", code: "743504", subject: "Text message" }]);
  expect(requests).toEqual([]);
});

const endless = () => new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(4096).fill(32)) });
