import type { EmailProvider } from "@authhero/adapter-interfaces";
import { mailgunCredentialsSchema, postmarkCredentialsSchema, resendCredentialsSchema } from "authhero";
import { PlatformError } from "../../domain/errors.ts";
import { SmtpCredentials } from "./smtp.ts";

/** Who can send mail here, and what each has to be told. */
const PROVIDERS = {
  smtp: SmtpCredentials,
  mailgun: mailgunCredentialsSchema,
  postmark: postmarkCredentialsSchema,
  resend: resendCredentialsSchema,
} as const;

const isKnown = (name: string): name is keyof typeof PROVIDERS => Object.hasOwn(PROVIDERS, name);

/**
 * Refuses a provider that nothing could be sent by. `invalid`: `mail_provider_unknown`, `mail_provider_incomplete`,
 * which names the credentials that are missing or wrong, but no value.
 */
export function requireUsable({ name, credentials }: Pick<EmailProvider, "name" | "credentials">): void {
  if (!isKnown(name)) {
    const known = Object.keys(PROVIDERS).join(", ");
    throw new PlatformError("invalid", "mail_provider_unknown", `name: must be one of ${known}`);
  }
  const parsed = PROVIDERS[name].safeParse(credentials);
  if (parsed.success) return;
  const wrong = parsed.error.issues.map(({ path, message }) => `credentials.${path.join(".")}: ${message}`);
  throw new PlatformError("invalid", "mail_provider_incomplete", wrong.join("; "));
}
