import type { SmsServiceAdapter } from "@authhero/adapter-interfaces";
import { PlatformError } from "../../domain/errors.ts";
import type { Mailbox } from "../mail/mailbox.ts";
import { accountOf, type SmsOptions } from "./accounts.ts";
import { sendByTwilio } from "./twilio.ts";

export interface TexterOptions {
  /** The tenant that a text is sent for now; throws when there is none. */
  readonly tenant: () => string;
  /** What a tenant sends by where AuthHero names nothing, as for a second factor: its connection, or a lent one. */
  readonly inheritedBy: (tenantId: string) => Promise<SmsOptions>;
  /** Whether one more text may go to this number now. */
  readonly mayReach: (to: string) => Promise<boolean>;
  /** Keeps all texts, whoever would have sent them. */
  readonly mailbox?: Mailbox | null;
  readonly fetch?: typeof fetch;
}

/** A number as E.164 writes it. */
const NUMBER = /^\+[1-9]\d{5,14}$/;

/** Twilio's own limit. */
const TEXT_MAX = 1600;

/**
 * AuthHero's `smsService`: sends by what AuthHero read of the tenant's connection, or lent one, a moment ago.
 * `invalid`: `phone_number_invalid`, `sms_too_long`, `sms_not_configured`, `sms_provider_incomplete`,
 * `sms_number_refused`; `unavailable`: `sms_limited`, `sms_failed`.
 */
export function createTexter({ tenant, inheritedBy, mayReach, mailbox, fetch }: TexterOptions): SmsServiceAdapter {
  return {
    async send({ to, from = "", text, template, options, data }) {
      const tenantId = tenant();
      if (!NUMBER.test(to)) throw refused("phone_number_invalid", "phone_number: must be like +46701234567");
      if (text.length > TEXT_MAX) throw refused("sms_too_long", `A text has at most ${TEXT_MAX} characters`);
      if (!(await mayReach(to))) throw limited();
      if (mailbox) return mailbox.keep(tenantId, { to, from, subject: "Text message", text }, template, data);
      const account = accountOf(options) ?? accountOf(await inheritedBy(tenantId));
      if (!account) throw refused("sms_not_configured", "Nobody is set up to send text messages for this tenant");
      await sendByTwilio(account, { to, body: text }, fetch ?? globalThis.fetch);
    },
  };
}

const refused = (reason: string, message: string) => new PlatformError("invalid", reason, message);
const limited = () =>
  new PlatformError("unavailable", "sms_limited", "Too many text messages; wait a quarter of an hour");
