import type { DataAdapters, EmailProvider, EmailServiceAdapter } from "@authhero/adapter-interfaces";
import type { Pool } from "../../provisioning/pool.ts";
import { createMailbox, type Mailbox } from "../auth/mail/mailbox.ts";
import { createMailer, type MailProvider } from "../auth/mail/mailer.ts";
import type { Message } from "../auth/mail/message.ts";
import { requireUsable } from "../auth/mail/providers.ts";
import type { Config } from "../config.ts";
import type { Clock } from "../domain/clock.ts";
import type { LenderOf } from "../fallback/lender.ts";
import { currentContext } from "../tenancy/context.ts";
import { mailStub } from "../tenancy/mail-stub.ts";
import { remembering, requireBoundTenant } from "../tenancy/router.ts";
import type { ControlPlane } from "./control-plane.ts";

/** How mail is sent, and what AuthHero sees of it. */
export interface Mailing {
  readonly service: EmailServiceAdapter;
  /** Throws `invalid` when nobody sends this tenant's mail. */
  readonly requireSender: (tenantId: string) => Promise<void>;
  /** Everybody's mail in development, null otherwise. */
  readonly mailbox: Mailbox | null;
  /** Sends a mail of our own as a tenant's. `template` says what kind of mail it is. */
  readonly send: (tenantId: string, template: string, message: Omit<Message, "from">) => Promise<void>;
  /** Where the provider of a tenant's mail is from: its own, the control plane's, the deployment's; null for none. */
  readonly sourceOf: (tenantId: string) => Promise<"own" | "control_plane" | "default" | null>;
  /** Puts providers without credentials in place of the real ones. */
  readonly stub: (adapters: DataAdapters) => DataAdapters;
}

interface MailingNeeds {
  readonly config: Pick<Config, "BASE_DOMAIN" | "DEV_MAILBOX" | "SMTP_FROM" | "SMTP_URL">;
  readonly clock: Clock;
  readonly controlPlaneTenantId: string;
  /** Whom a tenant inherits from. */
  readonly lenderOf: LenderOf;
  /** Reads the provider a tenant has itself, credentials included. */
  readonly ownProvider: (tenantId: string) => Promise<EmailProvider | null>;
}

/**
 * A tenant's mail is sent by its own provider, else by the control plane's, else by the deployment's `SMTP_URL`: all
 * or nothing, so that no secret goes to a server that its owner did not choose.
 */
export function createMailing(needs: MailingNeeds): Mailing {
  const { config, clock, controlPlaneTenantId, lenderOf, ownProvider } = needs;
  const mailbox = config.DEV_MAILBOX ? createMailbox(clock) : null;
  const deployments = config.SMTP_URL ? smtpProvider(config.SMTP_URL) : mailbox && NOBODY;
  const from = config.SMTP_FROM ?? `no-reply@${config.BASE_DOMAIN}`;

  const find = async (tenantId: string) => {
    const own = await ownProvider(tenantId);
    if (own) return { provider: own, source: "own" } as const;
    const lender = await lenderOf(tenantId);
    const inherited = lender && (await ownProvider(lender.tenantId));
    if (inherited) return { provider: inherited, source: "control_plane" } as const;
    return deployments && ({ provider: deployments, source: "default" } as const);
  };
  const providerOf = async (tenantId: string): Promise<MailProvider | null> => {
    const found = await find(tenantId);
    const isTenants = found?.source === "own" && tenantId !== controlPlaneTenantId;
    return found && { provider: found.provider, isTenants };
  };
  const seen = async (tenantId: string) => {
    const found = await providerOf(tenantId);
    // Without one AuthHero would send as `login@` and an origin.
    return found && { ...found.provider, default_from_address: found.provider.default_from_address ?? from };
  };

  const mailer = createMailer({
    tenant: () => requireBoundTenant("mail"),
    providerOf,
    ...(mailbox && { mailbox }),
  });

  return {
    mailbox,
    sourceOf: async (tenantId) => (await find(tenantId))?.source ?? null,
    requireSender: mailer.requireSender,
    async send(tenantId, template, message) {
      await mailer.requireSender(tenantId);
      const provider = (await seen(tenantId)) ?? NOBODY;
      const sender = provider.default_from_address ?? from;
      await mailer.sendFor(tenantId, { ...message, from: sender, template, data: {}, emailProvider: provider });
    },
    service: {
      send: async (mail) => {
        if (!currentContext()?.isForNobody) await remembering(() => mailer.send(mail));
      },
    },
    stub: (adapters) => mailStub(adapters, { providerOf: seen, requireUsable }),
  };
}

/** The mail of the control plane and of its tenants, each with its own provider in its own database. */
export const mailingOver = (
  { tenantId, adapters }: Pick<ControlPlane, "tenantId" | "adapters">,
  onTenant: Pool<DataAdapters>["use"],
  needs: Pick<MailingNeeds, "config" | "clock" | "lenderOf">,
): Mailing =>
  createMailing({
    ...needs,
    controlPlaneTenantId: tenantId,
    ownProvider: (id) =>
      id === tenantId ? adapters.emailProviders.get(id) : onTenant(id, (own) => own.emailProviders.get(id)),
  });

/** Where mail is kept instead of sent there need not be a provider. */
const NOBODY: EmailProvider = { name: "mailbox", enabled: true, credentials: {} };

/** The deployment's own server, in the words of a tenant's provider. The configuration has checked the URL. */
function smtpProvider(text: string): EmailProvider {
  const { protocol, hostname, port, username, password } = new URL(text);
  return {
    name: "smtp",
    enabled: true,
    credentials: {
      smtp_host: hostname.replace(/^\[(.*)\]$/, "$1"),
      smtp_port: port === "" ? (protocol === "smtps:" ? 465 : 587) : Number(port),
      ...(username !== "" && { smtp_user: decodeURIComponent(username), smtp_pass: decodeURIComponent(password) }),
    },
  };
}
