import type { UniversalLoginTemplate, UniversalLoginTemplatesAdapter } from "@authhero/adapter-interfaces";
import { doc } from "./columns.ts";
import { type Singleton, singleton } from "./singleton.ts";
import type { Store } from "./store.ts";

/** The HTML around the login pages. */
export const universalLoginTemplates: Singleton<UniversalLoginTemplate> = {
  kind: "universal_login_template",
  columns: { body: doc() },
};

/** The `universalLoginTemplates` adapter. */
export function createUniversalLoginTemplates(store: Store): UniversalLoginTemplatesAdapter {
  const { get, set, remove } = singleton(store, universalLoginTemplates);
  return {
    get,
    set: (tenantId, template) => set(tenantId, template),
    async delete(tenantId) {
      await remove(tenantId);
    },
  };
}
