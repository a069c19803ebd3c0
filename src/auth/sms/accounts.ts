import * as z from "zod";
import { PlatformError } from "../../domain/errors.ts";
import type { TwilioAccount } from "./twilio.ts";

/** What AuthHero knows of who sends: the options of a connection, or a tenant's `mfa.twilio`. */
export type SmsOptions = Readonly<Record<string, unknown>>;

const MISSING = "is missing";
const word = () => z.string(MISSING).min(1, MISSING).max(200);
const sid = () => z.string(MISSING).regex(/^\w{1,64}$/, "must be the SID of an account at Twilio");

/** Of a connection of the strategy `sms`, in Auth0's words. */
const OfConnection = z
  .object({
    provider: z.literal("twilio", "must be twilio").optional(),
    twilio_sid: sid(),
    twilio_token: word(),
    from: word(),
  })
  .transform(({ twilio_sid, twilio_token, from }): TwilioAccount => ({ sid: twilio_sid, token: twilio_token, from }));

/** Of the factor `sms`; the messaging service is one more thing that texts can come from. */
const OfFactor = z
  .object({ sid: sid(), auth_token: word(), from: word().optional(), messaging_service_sid: word().optional() })
  .transform(({ sid, auth_token, from, messaging_service_sid }, { addIssue }): TwilioAccount => {
    const sender = messaging_service_sid ?? from;
    if (sender === undefined) addIssue({ code: "custom", path: ["from"], message: MISSING });
    return { sid, token: auth_token, from: sender ?? "" };
  });

/**
 * Who sends by these options; null when they name nobody. `invalid` (`sms_provider_incomplete`), which names what is
 * missing or wrong, but no value.
 */
export function accountOf(options: SmsOptions): TwilioAccount | null {
  if (names(options, "sid", "auth_token", "messaging_service_sid")) return parsed(OfFactor, options, "mfa.twilio");
  if (names(options, "provider", "twilio_sid", "twilio_token", "from")) return parsed(OfConnection, options, "options");
  return null;
}

const names = (options: SmsOptions, ...keys: readonly string[]) =>
  keys.some((key) => options[key] !== undefined && options[key] !== "");

function parsed(schema: z.ZodType<TwilioAccount>, options: SmsOptions, where: string): TwilioAccount {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  const wrong = result.error.issues.map(({ path, message }) => `${where}.${path.join(".")}: ${message}`);
  throw new PlatformError("invalid", "sms_provider_incomplete", wrong.join("; "));
}
