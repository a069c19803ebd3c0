import type { DataAdapters, SmsServiceAdapter } from "@authhero/adapter-interfaces";
import type { Mailbox } from "../auth/mail/mailbox.ts";
import type { SmsOptions } from "../auth/sms/accounts.ts";
import { createTexter } from "../auth/sms/texter.ts";
import { PlatformError } from "../domain/errors.ts";
import { lentByStrategy } from "../fallback/connections.ts";
import type { LenderOf } from "../fallback/lender.ts";
import { currentContext } from "../tenancy/context.ts";
import { remembering, requireBoundTenant } from "../tenancy/router.ts";

interface TextingNeeds {
  /** Those of the flows in which people sign in, with what tenants inherit. They are made of this service, too. */
  readonly data: () => DataAdapters;
  /** Whom a tenant inherits from. */
  readonly lenderOf: LenderOf;
  /** Everybody's mail in development, null otherwise. */
  readonly mailbox: Mailbox | null;
}

/**
 * A tenant's texts are sent by its own account, else by the control plane's, all or nothing. A connection says by which
 * (see `inheritedConnections`); a second factor by the tenant's `mfa.twilio`, else like its connection for texts.
 */
export function createTexting({ data, lenderOf, mailbox }: TextingNeeds): SmsServiceAdapter {
  const texter = createTexter({
    tenant: () => requireBoundTenant("sms"),
    mailbox,
    mayReach: (to) => mayReach(data(), to),
    async inheritedBy(tenantId) {
      await requireTwilio(data(), tenantId);
      return await connectionOptions(data(), tenantId, lenderOf);
    },
  });
  return { send: (text) => remembering(() => texter.send(text)) };
}

/** Texts cost their sender money, and strangers ask for them: ten in a quarter of an hour to one number, a hundred from one address. */
async function mayReach({ rateLimit }: DataAdapters, to: string): Promise<boolean> {
  const { address } = currentContext() ?? {};
  const counted = await Promise.all([
    rateLimit?.consume("brute-force", `sms:${to}`),
    address === undefined ? undefined : rateLimit?.consume("pre-login", `sms:${address}`),
  ]);
  return counted.every((each) => each?.allowed !== false);
}

/** A tenant that has chosen another service for its second factor inherits nothing in its place. */
async function requireTwilio({ tenants }: DataAdapters, tenantId: string): Promise<void> {
  const provider = (await tenants.get(tenantId))?.mfa?.sms_provider?.provider ?? "twilio";
  if (provider === "twilio") return;
  throw new PlatformError("invalid", "sms_provider_unknown", "mfa.sms_provider.provider: must be twilio");
}

async function connectionOptions(data: DataAdapters, tenantId: string, lenderOf: LenderOf): Promise<SmsOptions> {
  const { connections } = await data.connections.list(tenantId, { q: 'strategy:"sms"', per_page: 1 });
  const [own] = connections;
  if (own) return own.options;
  const lender = await lenderOf(tenantId);
  return (lender && (await lentByStrategy(lender, "sms")))?.options ?? {};
}
