import type { KeysAdapter, ListKeysResponse, ListParams, SigningKey } from "@authhero/adapter-interfaces";
import { PlatformError } from "../../domain/errors.ts";
import { type Router, requireBoundTenant } from "../router.ts";

/**
 * Signing keys all stand in the control plane's database; who sees which is decided here. A tenant signs with and
 * publishes its own keys only. Its management API also sees the control plane's, which verify operators' tokens.
 */
export function routeKeys(router: Router): KeysAdapter {
  const own = () => requireBoundTenant("keys");
  const isControlPlane = (tenantId: string) => tenantId === router.controlPlaneTenantId;
  const list = (params: ListParams | undefined, clause: string) =>
    router.onControlPlane(({ keys }) => keys.list({ ...params, q: narrowed(params?.q, clause) }));

  return {
    async create(key, options) {
      const tenantId = own();
      refuseForeign(key, tenantId, isControlPlane(tenantId));
      await router.onControlPlane(({ keys }) => keys.create(key, options));
    },

    async list(params) {
      const tenantId = own();
      if (isControlPlane(tenantId)) return list(params, "-_exists_:tenant_id");
      const mine = `tenant_id:${tenantId}`;
      if (router.surface === "auth") return list(params, mine);
      return joined(await Promise.all([list(params, "-_exists_:tenant_id"), list(params, mine)]));
    },

    async update(kid, key) {
      const tenantId = own();
      const clause = isControlPlane(tenantId) ? "-_exists_:tenant_id" : `tenant_id:${tenantId}`;
      const found = await list({ q: `kid:${JSON.stringify(kid)}` }, clause);
      if (found.signingKeys.length === 0) return false;
      return router.onControlPlane(({ keys }) => keys.update(kid, key));
    },
  };
}

/** A further term only narrows: terms side by side must all hold. */
const narrowed = (q: string | undefined, clause: string) => (q ? `${q} ${clause}` : clause);

function refuseForeign(key: SigningKey, tenantId: string, controlPlane: boolean): void {
  if (controlPlane ? key.tenant_id === undefined : key.tenant_id === tenantId) return;
  throw new PlatformError("forbidden", "foreign_key", "A tenant can create signing keys for itself only");
}

const joined = ([first, second]: [ListKeysResponse, ListKeysResponse]): ListKeysResponse => ({
  ...first,
  length: first.length + second.length,
  signingKeys: [...first.signingKeys, ...second.signingKeys],
});
