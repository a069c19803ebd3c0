import type { Registry } from "../../provisioning/registry.ts";
import type { Tag } from "../domain/names.ts";
import { boundTenant, type Directory } from "../tenancy/router.ts";

/** What the router looks up, from the registry. */
export function createDirectory(registry: Registry): Directory {
  return {
    ...registry.directories,
    stateOf: async (tenantId) => (await registry.get(tenantId))?.state ?? null,

    async tenantOfTag(tag: Tag) {
      // Nearly always the request's own tenant, and that one is at hand.
      const bound = boundTenant();
      const own = bound ? await registry.get(bound) : null;
      if (own?.tag === tag) return own.tenantId;
      return (await registry.findByTag(tag))?.tenantId ?? null;
    },
  };
}
