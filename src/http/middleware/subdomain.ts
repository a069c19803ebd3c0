import type { Context, MiddlewareHandler } from "hono";
import * as z from "zod";
import { PlatformError } from "../../domain/errors.ts";
import { callable, requireOptions } from "../../domain/options.ts";
import { matchHost } from "../../tenancy/hosts.ts";
import { tenantNotFound } from "../tenant-refusals.ts";
import { type MultiTenancyEnv, refusing } from "./env.ts";

/** Finds the tenant of a label below the base domain; null when there is none. `c` is the request's Hono context. */
export type ResolveSubdomain = (
  label: string,
  c: Context,
) => string | null | undefined | Promise<string | null | undefined>;

export interface SubdomainRouting {
  /** Tenants are `{tenant}.{baseDomain}`; the base domain itself is the control plane's. Without port. */
  readonly baseDomain: string;
  /** Labels that are nobody's, besides `www`, `api`, `admin` and the other reserved ids. */
  readonly reservedSubdomains?: readonly string[];
  /** Default: the label is the tenant's id, and `c.env.data.tenants` must know it where there is a `c.env.data`. */
  readonly resolveSubdomain?: ResolveSubdomain;
}

export interface SubdomainOptions extends SubdomainRouting {
  /** Default `control_plane`. */
  readonly controlPlaneTenantId?: string;
}

/** A host name as RFC 1123 has it, in any case, without port. */
const BaseDomain = z
  .string()
  .regex(/^(?:(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!$)|$))+$/i, "must be a domain like auth.example.com, without port");

/** The options of sub-domain routing, for whoever takes them as a part. */
export const SubdomainRoutingShape = {
  baseDomain: BaseDomain,
  reservedSubdomains: z.array(z.string()).optional(),
  resolveSubdomain: callable().optional(),
};

const Options = z.strictObject({ ...SubdomainRoutingShape, controlPlaneTenantId: z.string().min(1).optional() });

/**
 * Sets `c.var.tenant_id` from the host: exactly one label below the base domain, whatever its case, with or without a
 * trailing dot. 404 `unknown_host` for foreign hosts, reserved and nested labels; 404 `tenant_not_found` for a label
 * without a tenant; 400 `tenant_conflict` when `tenant_id` is set already and another one. Before everything that
 * needs the tenant.
 *
 * The host is the `host` header: behind a proxy, let the proxy pass on the one it was asked for.
 */
export function createSubdomainMiddleware(options: SubdomainOptions): MiddlewareHandler<MultiTenancyEnv> {
  requireOptions("createSubdomainMiddleware", Options, options);
  const { baseDomain, controlPlaneTenantId = "control_plane", resolveSubdomain = knownTenant } = options;
  const reservedSubdomains = options.reservedSubdomains?.map((label) => label.toLowerCase()) ?? [];
  const rules = { issuer: new URL(`https://${baseDomain}/`), baseDomain, controlPlaneTenantId, reservedSubdomains };

  const tenantOf = async (c: Context<MultiTenancyEnv>): Promise<string> => {
    const match = matchHost(c.req.header("host") ?? new URL(c.req.url).host, rules);
    if (match.kind === "control-plane") return controlPlaneTenantId;
    if (match.kind === "nobody") throw tenantNotFound();
    if (match.kind !== "tenant") throw unknownHost();
    const tenantId = await resolveSubdomain(match.tenantId, c);
    if (!tenantId) throw tenantNotFound();
    return tenantId;
  };

  return refusing(async (c) => {
    const tenantId = await tenantOf(c);
    const before = c.get("tenant_id");
    if (before !== undefined && before !== tenantId) throw conflict();
    c.set("tenant_id", tenantId);
  });
}

const knownTenant: ResolveSubdomain = async (label, c) => {
  const data = c.env?.data;
  if (!data) return label;
  return (await data.tenants.get(label)) ? label : null;
};

const unknownHost = () => new PlatformError("not_found", "unknown_host", "This server does not answer to that name.");

const conflict = () =>
  new PlatformError("invalid", "tenant_conflict", "The host and the request do not name one and the same tenant.");
