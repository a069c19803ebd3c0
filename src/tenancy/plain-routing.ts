import type { DataAdapters } from "@authhero/adapter-interfaces";
import { boundTenant, type Directory } from "./router.ts";
import { type RoutingOptions, routed } from "./routing.ts";

export interface PlainRouting {
  readonly controlPlaneTenantId: string;
  readonly controlPlane: DataAdapters;
  /** A child's own adapters; absent where all tenants are in the control plane's database. */
  readonly getAdapters: ((tenantId: string) => Promise<DataAdapters>) | undefined;
}

/** What a router needs where there is no registry: every look-up that names no tenant is about the request's. */
export function plainRouting({ controlPlaneTenantId, controlPlane, getAdapters }: PlainRouting) {
  return {
    ...{ controlPlaneTenantId, controlPlane },
    directory: directoryOver(controlPlane),
    async withChild(tenantId, call) {
      return await call((await getAdapters?.(tenantId)) ?? controlPlane);
    },
  } satisfies Omit<RoutingOptions, "surface">;
}

/** One set of adapters over the databases of all tenants, without a registry. */
export function plainlyRouted(
  options: Omit<RoutingOptions, "directory"> & { readonly directory: Directory },
): DataAdapters {
  const adapters = routed(options);
  const { loginSessions } = adapters;
  return {
    ...adapters,
    // Ids of login sessions say nothing here of whose they are.
    loginSessions: {
      ...loginSessions,
      get: (tenantId, id) => loginSessions.get(tenantId || (boundTenant() ?? ""), id),
    },
  };
}

function directoryOver({ tenants }: DataAdapters): Directory {
  const nothing = () => Promise.resolve();
  const nobody = () => Promise.resolve(null);
  return {
    stateOf: async (tenantId) => ((await tenants.get(tenantId)) ? "ready" : null),
    tenantOfTag: nobody,
    addClient: nothing,
    removeClient: nothing,
    tenantsOfClient: () => Promise.resolve([]),
    addState: nothing,
    tenantOfState: nobody,
  };
}
