import { isDeepStrictEqual } from "node:util";
import type { EmailProvider, EmailProvidersAdapter } from "@authhero/adapter-interfaces";
import { PlatformError } from "../domain/errors.ts";
import type { LenderOf } from "./lender.ts";

/** Who sends a tenant's mail: its own provider, else the control plane's, all or nothing. */
export function inheritedMail(own: EmailProvidersAdapter, lenderOf: LenderOf): EmailProvidersAdapter {
  const lentTo = async (tenantId: string) => (await (await lenderOf(tenantId))?.emailProvider()) ?? null;
  return {
    ...own,
    get: async (tenantId) => (await own.get(tenantId)) ?? (await lentTo(tenantId)),
    async create(tenantId, provider) {
      refuseLent(provider, await lentTo(tenantId));
      await own.create(tenantId, provider);
    },
    async update(tenantId, patch) {
      if (!(await own.get(tenantId))) throw inherited("this tenant has none of its own to change");
      refuseLent(patch, await lentTo(tenantId));
      await own.update(tenantId, patch);
    },
  };
}

/** What was read here and is written back must not bring the control plane's credentials into a tenant's database. */
function refuseLent({ credentials }: Partial<EmailProvider>, lent: EmailProvider | null): void {
  if (!credentials || !lent) return;
  if (isDeepStrictEqual(credentials, lent.credentials)) throw inherited("its credentials are the control plane's");
}

const inherited = (why: string) => new PlatformError("conflict", "inherited_mail_provider", `E-mail provider: ${why}`);
