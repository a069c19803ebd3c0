import type { EmailProvider, EmailServiceAdapter } from "@authhero/adapter-interfaces";
import { MailgunEmailService, PostmarkEmailService, ResendEmailService } from "authhero";
import { PlatformError } from "../../domain/errors.ts";
import type { Mailbox } from "./mailbox.ts";
import { type Mail, messageOf } from "./message.ts";
import { requireUsable } from "./providers.ts";
import { SmtpCredentials, sendBySmtp } from "./smtp.ts";

/** Who sends a tenant's mail, with the credentials that AuthHero never sees, and who has chosen it. */
export interface MailProvider {
  readonly provider: EmailProvider;
  /** The operator's own choice may be a server in a private network. */
  readonly isTenants: boolean;
}

export interface MailerOptions {
  /** The tenant that mail is sent for now; throws when there is none. */
  readonly tenant: () => string;
  /** Null when nobody sends this tenant's mail. */
  readonly providerOf: (tenantId: string) => Promise<MailProvider | null>;
  /** Keeps all mail, whoever would have sent it. */
  readonly mailbox?: Mailbox | undefined;
  /** For AuthHero's providers, which speak HTTP. */
  readonly fetch?: typeof fetch;
}

/** AuthHero's `emailService`, and the same for those who say whose mail it is. */
export interface Mailer extends EmailServiceAdapter {
  sendFor(tenantId: string, mail: Mail): Promise<void>;
  /** `invalid` (`mail_not_configured`, `mail_disabled`) when nobody sends this tenant's mail. */
  requireSender(tenantId: string): Promise<void>;
}

/**
 * AuthHero's `emailService`: sends by the provider of the tenant in hand, whose credentials are looked up here and
 * nowhere before. `invalid`: `mail_not_configured`, `mail_disabled`, `mail_provider_unknown`,
 * `mail_provider_incomplete`; `unavailable` (`mail_failed`).
 */
export function createMailer({ tenant, providerOf, mailbox, fetch }: MailerOptions): Mailer {
  const services = builtIn(fetch);
  const senderOf = async (tenantId: string): Promise<MailProvider> => {
    const found = await providerOf(tenantId);
    if (!found) throw refused("mail_not_configured", "No e-mail provider is set up for this tenant");
    if (!found.provider.enabled) throw refused("mail_disabled", "The e-mail provider of this tenant is disabled");
    return found;
  };
  const sendFor = async (tenantId: string, mail: Mail): Promise<void> => {
    if (mailbox) return mailbox.keep(tenantId, messageOf(mail), mail.template, mail.data);
    await sendBy(services, await senderOf(tenantId), mail);
  };
  return {
    sendFor,
    send: (mail) => sendFor(tenant(), mail),
    async requireSender(tenantId) {
      if (!mailbox) await senderOf(tenantId);
    },
  };
}

type Services = Readonly<Record<string, EmailServiceAdapter>>;

function builtIn(given: typeof fetch | undefined): Services {
  const options = given ? { fetchImpl: given } : {};
  return {
    mailgun: new MailgunEmailService(options),
    postmark: new PostmarkEmailService(options),
    resend: new ResendEmailService(options),
  };
}

async function sendBy(services: Services, { provider, isTenants }: MailProvider, mail: Mail): Promise<void> {
  // It was checked when it was saved, but not if it is older than the check.
  requireUsable(provider);
  if (provider.name === "smtp") {
    return await sendBySmtp(SmtpCredentials.parse(provider.credentials), messageOf(mail), !isTenants);
  }
  try {
    await services[provider.name]?.send({ ...mail, emailProvider: provider });
  } catch {
    // Its message may hold what was sent, and that may be a code or a key.
    throw new PlatformError("unavailable", "mail_failed", `${provider.name} did not take the mail`);
  }
}

const refused = (reason: string, message: string) => new PlatformError("invalid", reason, message);
