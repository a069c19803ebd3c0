import type { EmailProvider, EmailProvidersAdapter } from "@authhero/adapter-interfaces";
import { doc, secretJson, text } from "./columns.ts";
import { getRow, insertRow, newRow, removeRow, updateRow } from "./crud.ts";
import { entity } from "./entity.ts";
import type { Store } from "./store.ts";

interface Stored extends EmailProvider {
  readonly kind: string;
}

const KIND = "email_provider";

/** Who sends a tenant's mail: one row of the tenant's singletons. */
export const emailProviders = entity<Stored, Stored>({
  table: "tenant_singletons",
  key: "kind",
  columns: {
    kind: text(),
    credentials: secretJson(),
    name: doc(),
    enabled: doc(),
    default_from_address: doc(),
    settings: doc(),
  },
  defaults: () => ({ enabled: true }),
  absent: () => ({ credentials: {}, settings: {} }),
});

/** The `emailProviders` adapter. A second one is `conflict` (`unique_violation`); updating none makes none. */
export function createEmailProviders(store: Store): EmailProvidersAdapter {
  return {
    async get(tenantId) {
      const stored = await getRow(store, emailProviders, tenantId, KIND);
      if (!stored) return null;
      const { kind: _kind, ...provider } = stored;
      return provider;
    },

    async create(tenantId, provider) {
      await insertRow(
        store,
        emailProviders,
        newRow(store, emailProviders, tenantId, { ...provider, kind: KIND }),
      ).execute();
    },

    async update(tenantId, patch) {
      await updateRow(store, emailProviders, tenantId, KIND, patch);
    },

    async remove(tenantId) {
      await removeRow(store, emailProviders, tenantId, KIND);
    },
  };
}
