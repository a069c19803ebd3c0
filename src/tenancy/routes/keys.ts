import type { KeysAdapter, ListKeysResponse, ListParams, SigningKey } from "@authhero/adapter-interfaces";
import { PlatformError } from "../../domain/errors.ts";
import { type Router, requireBoundTenant } from "../router.ts";

/**
 * Signing keys all stand in the control plane's database; who sees which is decided here. A tenant signs with and
 * publishes its own keys only. Its management API also sees the control plane's, which verify operators' tokens.
 */
export function routeKeys(router: Router): KeysAdapter {
  /** Whose keys are the request's own: a tenant's, or the control plane's, which name no tenant. */
  const own = (): Owner => {
    const tenantId = requireBoundTenant("keys");
    return tenantId === router.controlPlaneTenantId ? CONTROL_PLANE : tenantId;
  };
  const list = (params: ListParams | undefined, owner: Owner) =>
    router.onControlPlane(async ({ keys }) => ownedBy(owner, await keys.list(asked(params, owner))));

  return {
    async create(key, options) {
      refuseForeign(key, own());
      await router.onControlPlane(({ keys }) => keys.create(key, options));
    },

    async list(params) {
      const owner = own();
      if (router.surface === "auth" || owner === CONTROL_PLANE) return list(params, owner);
      return joined(await Promise.all([list(params, CONTROL_PLANE), list(params, owner)]));
    },

    async update(kid, key) {
      const { signingKeys } = await list({ q: `kid:${JSON.stringify(kid)}` }, own());
      if (!signingKeys.some((found) => found.kid === kid)) return false;
      return router.onControlPlane(({ keys }) => keys.update(kid, key));
    },
  };
}

type Owner = string | undefined;
const CONTROL_PLANE: Owner = undefined;

/** Asks for the owner's rows. A term narrows only the last alternative of an OR, so this is for the page, not for safety. */
function asked(params: ListParams | undefined, owner: Owner): ListParams {
  const term = owner === CONTROL_PLANE ? "-_exists_:tenant_id" : `tenant_id:${owner}`;
  return { ...params, q: params?.q ? `${params.q} ${term}` : term };
}

/** What decides: a query may hold what a request's path has put into it, a row says whose it is. */
const ownedBy = (owner: Owner, page: ListKeysResponse): ListKeysResponse => ({
  ...page,
  signingKeys: page.signingKeys.filter((key) => key.tenant_id === owner),
});

function refuseForeign(key: SigningKey, owner: Owner): void {
  if (key.tenant_id === owner) return;
  throw new PlatformError("forbidden", "foreign_key", "A tenant can create signing keys for itself only");
}

const joined = ([first, second]: [ListKeysResponse, ListKeysResponse]): ListKeysResponse => ({
  ...first,
  length: first.length + second.length,
  signingKeys: [...first.signingKeys, ...second.signingKeys],
});
