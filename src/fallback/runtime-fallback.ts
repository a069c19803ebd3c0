import type { DataAdapters } from "@authhero/adapter-interfaces";
import * as z from "zod";
import { callable, requireOptions } from "../domain/options.ts";
import { withFallback } from "./fallback.ts";
import { createLender, type LenderOf, type Lent } from "./lender.ts";
import { withSystemScopes } from "./resource-servers.ts";

/** Whom a tenant inherits from. */
export interface ControlPlaneChoice {
  readonly tenantId: string;
  /** The client whose addresses all of the tenant's clients have, too. */
  readonly clientId?: string;
}

type Eventually<T> = T | Promise<T>;

/** Says per tenant which control plane it inherits from; undefined for none: the tenant has only its own. */
export type ResolveControlPlane = (params: {
  readonly tenant_id: string;
}) => Eventually<ControlPlaneChoice | undefined>;

export interface RuntimeFallbackOptions {
  readonly controlPlaneTenantId: string;
  /** A client of the control plane, whose addresses all clients of all tenants have, too. Default: none. */
  readonly controlPlaneClientId?: string;
  /** Default: every tenant inherits from `controlPlaneTenantId`. */
  readonly resolveControlPlane?: ResolveControlPlane;
  /** The adapters over a control plane's database, where that is another. Default: the adapters themselves. */
  readonly getControlPlaneAdapters?: (controlPlaneTenantId: string) => Eventually<Lent>;
}

const Options = z.strictObject({
  controlPlaneTenantId: z.string().min(1),
  controlPlaneClientId: z.string().min(1).optional(),
  resolveControlPlane: callable().optional(),
  getControlPlaneAdapters: callable().optional(),
});

/**
 * Adapters in which tenants use what their control plane lends: connections, e-mail provider, addresses of clients,
 * scopes of system APIs, hooks, branding. It is read at the moment of use; a write that carries an inherited value back
 * leaves it out, or is `conflict` where it cannot be told apart.
 *
 * For AuthHero's `dataAdapter`. What they read holds the control plane's secrets: give the management API
 * (`managementDataAdapter`) the adapters without them. Throws `invalid` (`invalid_options`).
 */
export function withRuntimeFallback(adapters: DataAdapters, options: RuntimeFallbackOptions): DataAdapters {
  requireOptions("withRuntimeFallback", Options, options);
  const { controlPlaneTenantId, controlPlaneClientId } = options;
  return {
    ...withFallback(adapters, lendersOf(adapters, options)),
    multiTenancyConfig: {
      controlPlaneTenantId,
      ...(controlPlaneClientId !== undefined && { controlPlaneClientId }),
      // AuthHero would look for what is lent itself, and by other rules.
      resolveControlPlane: () => undefined,
    },
  };
}

/**
 * The same by another name.
 * @alias
 */
export const createRuntimeFallbackAdapter = withRuntimeFallback;

/**
 * Adapters in which a tenant's system APIs have the scopes of the control plane's API of that identifier besides their
 * own. They hold no secret, so a management API may see them. Throws `invalid` (`invalid_options`).
 */
export function withSystemResourceServerInheritance(
  adapters: DataAdapters,
  options: RuntimeFallbackOptions,
): DataAdapters {
  requireOptions("withSystemResourceServerInheritance", Options, options);
  return withSystemScopes(adapters, lendersOf(adapters, options));
}

/** Whom each tenant inherits from, read at the moment of use. */
export function lendersOf(adapters: DataAdapters, options: RuntimeFallbackOptions): LenderOf {
  const choose = choosing(options);
  return async (tenantId) => {
    const chosen = await choose(tenantId);
    if (!chosen) return null;
    const lent = (await options.getControlPlaneAdapters?.(chosen.tenantId)) ?? adapters;
    return createLender({ ...chosen, adapters: lent, remember: (_key, read) => read() });
  };
}

type Choosing = Pick<RuntimeFallbackOptions, "controlPlaneTenantId" | "controlPlaneClientId" | "resolveControlPlane">;

/** Whom each tenant inherits from; null for none. The control plane inherits from nobody. */
export function choosing({ controlPlaneTenantId, controlPlaneClientId, resolveControlPlane }: Choosing) {
  const everybodys: ControlPlaneChoice = {
    tenantId: controlPlaneTenantId,
    ...(controlPlaneClientId !== undefined && { clientId: controlPlaneClientId }),
  };
  const resolve = resolveControlPlane ?? (() => everybodys);
  return async (tenantId: string): Promise<ControlPlaneChoice | null> => {
    if (tenantId === controlPlaneTenantId) return null;
    const chosen = await resolve({ tenant_id: tenantId });
    return chosen && chosen.tenantId !== tenantId ? chosen : null;
  };
}
