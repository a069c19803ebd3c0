import { isDeepStrictEqual } from "node:util";
import type { DataAdapters, EmailProvider } from "@authhero/adapter-interfaces";
import { PlatformError } from "../domain/errors.ts";
import { currentContext } from "./context.ts";

export interface StubbedMail {
  /** Who sends a tenant's mail: its own provider, else an inherited one; null for nobody. */
  readonly providerOf: (tenantId: string) => Promise<EmailProvider | null>;
  /** Throws `invalid` for a provider that nothing could be sent by. */
  readonly requireUsable: (provider: EmailProvider) => void;
}

/**
 * Lets AuthHero send mail without ever seeing a credential: it gets the tenant's provider, or the one the tenant
 * inherits, with empty credentials; `emailService` looks up the real ones. The routes of the provider itself see the
 * tenant's own and nothing else, also without credentials.
 *
 * What is saved must be usable as a whole: credentials are replaced as one, so that no password goes to another server
 * than the one it was given for. Those that were read and are written back as they were change nothing.
 */
export function mailStub(adapters: DataAdapters, mailing: StubbedMail): DataAdapters {
  const { providerOf, requireUsable } = mailing;
  const { emailProviders } = adapters;
  return {
    ...adapters,
    emailProviders: {
      ...emailProviders,
      async get(tenantId) {
        const asksForItself = currentContext()?.asksForMailProvider === true;
        const provider = await (asksForItself ? emailProviders.get(tenantId) : providerOf(tenantId));
        return provider && withoutCredentials(provider);
      },

      async create(tenantId, provider) {
        requireUsable(provider);
        await emailProviders.create(tenantId, provider);
      },

      async update(tenantId, patch) {
        const own = await emailProviders.get(tenantId);
        if (!own) throw new PlatformError("not_found", "mail_provider_not_found", "This tenant has no e-mail provider");
        const changed = writesBack(patch, own) ? { ...patch, credentials: own.credentials } : patch;
        requireUsable({ ...own, ...changed });
        await emailProviders.update(tenantId, changed);
      },
    },
    transaction: (work) => adapters.transaction((inside) => work(mailStub(inside, mailing))),
  };
}

/** Which credentials there are may be read, and the harmless ones; what they are may not. */
function withoutCredentials(provider: EmailProvider): EmailProvider {
  return { ...provider, credentials: readable(provider.credentials) };
}

type Credentials = EmailProvider["credentials"];

const readable = (credentials: Credentials): Credentials =>
  Object.fromEntries(Object.entries(credentials).filter(([name]) => READABLE.has(name)));

/** Whether the credentials of a patch are those that can be read: the same place, and no word of a secret. */
function writesBack({ name, credentials }: Partial<EmailProvider>, own: EmailProvider): boolean {
  if (!credentials || (name !== undefined && name !== own.name)) return false;
  return isDeepStrictEqual(credentials, readable(own.credentials));
}

const READABLE = new Set(["smtp_host", "smtp_port", "smtp_user", "domain", "region"]);
