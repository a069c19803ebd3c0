import type { MiddlewareHandler } from "hono";
import { every } from "hono/combine";
import * as z from "zod";
import { callable, refuseOptions, requireOptions } from "../../domain/options.ts";
import { type AccessControl, AccessControlShape, createAccessControlMiddleware } from "./access-control.ts";
import { binding } from "./binding.ts";
import { createDatabaseMiddleware, type DatabaseOptions } from "./database.ts";
import type { MultiTenancyEnv } from "./env.ts";
import { createSubdomainMiddleware, type SubdomainRouting, SubdomainRoutingShape } from "./subdomain.ts";

export interface MultiTenancyParts {
  /** Default `control_plane`; the one place to say it for all parts. */
  readonly controlPlaneTenantId?: string;
  readonly subdomainRouting?: SubdomainRouting;
  readonly accessControl?: AccessControl;
  /** A `DatabaseFactory`, or anything with its `getAdapters`. */
  readonly databaseIsolation?: Pick<DatabaseOptions, "getAdapters">;
}

const Options = z.strictObject({
  controlPlaneTenantId: z.string().min(1).optional(),
  subdomainRouting: z.strictObject(SubdomainRoutingShape).optional(),
  accessControl: z.strictObject(AccessControlShape).optional(),
  databaseIsolation: z.looseObject({ getAdapters: callable() }).optional(),
});

/**
 * The parts that are given, in the one order that is safe: whose host it is, who may act there, and only then the
 * database. Each refuses as its own middleware does; a part that is left out does not happen.
 */
export function createMultiTenancyMiddleware(parts: MultiTenancyParts): MiddlewareHandler<MultiTenancyEnv> {
  requireOptions("createMultiTenancyMiddleware", Options, parts);
  const chain = chainOf(parts);
  if (chain.length > 0) return every(...chain);
  return refuseOptions("createMultiTenancyMiddleware", [
    "options: give at least one of subdomainRouting, accessControl, databaseIsolation",
  ]);
}

/** The same parts, or none of them, and then everything behind them is bound to the request's tenant. */
export const composedMiddleware = (parts: MultiTenancyParts): MiddlewareHandler<MultiTenancyEnv> =>
  every(...chainOf(parts), binding());

function chainOf(parts: MultiTenancyParts): MiddlewareHandler<MultiTenancyEnv>[] {
  const { subdomainRouting, accessControl, databaseIsolation } = parts;
  const controlPlane = controlPlaneOf(parts);
  return [
    ...(subdomainRouting ? [createSubdomainMiddleware({ ...subdomainRouting, ...controlPlane })] : []),
    ...(accessControl ? [createAccessControlMiddleware({ ...accessControl, ...controlPlane })] : []),
    ...(databaseIsolation
      ? [createDatabaseMiddleware({ getAdapters: (id) => databaseIsolation.getAdapters(id), ...controlPlane })]
      : []),
  ];
}

function controlPlaneOf({ controlPlaneTenantId: whole, accessControl }: MultiTenancyParts) {
  const part = accessControl?.controlPlaneTenantId;
  if (whole !== undefined && part !== undefined && whole !== part) {
    refuseOptions("createMultiTenancyMiddleware", [
      "accessControl.controlPlaneTenantId: differs from controlPlaneTenantId",
    ]);
  }
  const controlPlaneTenantId = whole ?? part;
  return controlPlaneTenantId === undefined ? {} : { controlPlaneTenantId };
}
