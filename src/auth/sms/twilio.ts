import { PlatformError } from "../../domain/errors.ts";

/** An account at Twilio, and what its texts come from: a number, a name, or the id of a messaging service. */
export interface TwilioAccount {
  readonly sid: string;
  readonly token: string;
  readonly from: string;
}

export interface Text {
  /** A number as E.164 writes it. */
  readonly to: string;
  readonly body: string;
}

/** The one place that a token ever goes to: whoever sets up an account cannot name another. */
const ORIGIN = "https://api.twilio.com";

/** A service that says nothing for so long, in milliseconds, is down: somebody waits at a login page. */
const TIMEOUT_MS = 10_000;

/** Refusals are a few hundred bytes. */
const ANSWER_MAX = 10_000;

/** What Twilio says of a number that it cannot or may not send to; everything else is its account's business. */
const NUMBER_REFUSED: ReadonlySet<number> = new Set([21_211, 21_408, 21_610, 21_612, 21_614]);

const MESSAGING_SERVICE = /^MG[0-9a-f]{32}$/i;

/** Sends one text. `invalid` (`sms_number_refused`); `unavailable` (`sms_failed`). Neither names number, code or token. */
export async function sendByTwilio(account: TwilioAccount, text: Text, call: typeof fetch): Promise<void> {
  const { sid, token, from } = account;
  const sender = MESSAGING_SERVICE.test(from) ? "MessagingServiceSid" : "From";
  const answer = await call(`${ORIGIN}/2010-04-01/Accounts/${encodeURIComponent(sid)}/Messages.json`, {
    method: "POST",
    headers: { authorization: `Basic ${Buffer.from(`${sid}:${token}`).toString("base64")}` },
    body: new URLSearchParams({ To: text.to, [sender]: from, Body: text.body }),
    redirect: "error",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(() => {
    // Its message may hold what was sent.
    throw failed("was not reached");
  });
  if (answer.ok) return await answer.body?.cancel();
  const code = await refusalIn(answer);
  if (code !== null && NUMBER_REFUSED.has(code)) {
    throw new PlatformError("invalid", "sms_number_refused", `Twilio sends nothing to this number (error ${code})`);
  }
  throw failed(`answered ${answer.status}${code === null ? "" : ` (error ${code})`}`);
}

/** The number of the error in a refusal, and nothing else: its words repeat what was sent. */
async function refusalIn({ body }: Response): Promise<number | null> {
  try {
    let text = "";
    const decoder = new TextDecoder();
    for await (const part of body ?? []) {
      text += decoder.decode(part, { stream: true });
      if (text.length > ANSWER_MAX) return null;
    }
    const { code } = JSON.parse(text) as { code?: unknown };
    return Number.isSafeInteger(code) ? (code as number) : null;
  } catch {
    return null;
  }
}

const failed = (how: string) =>
  new PlatformError("unavailable", "sms_failed", `Twilio did not take the text: it ${how}`);
