import { OpenAPIHono, z } from "@hono/zod-openapi";
import { PlatformError } from "../../domain/errors.ts";
import { currentContext } from "../../tenancy/context.ts";
import { EVERYWHERE } from "../front/reach.ts";
import { tenantForbidden } from "../tenant-refusals.ts";

export const ErrorBody = z.object({
  statusCode: z.number(),
  error: z.string(),
  message: z.string(),
  errorCode: z.string().optional(),
});

export const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { "application/json": { schema } },
});

export const refusals = {
  400: json(ErrorBody, "The request is wrong; the message names the field"),
  401: json(ErrorBody, "No valid token"),
  403: json(ErrorBody, "The token may not do this"),
};

export const notFound = { 404: json(ErrorBody, "There is no such tenant") };

/** The one scope of a route, which AuthHero enforces. */
export const requires = (scope: string) => ({ security: [{ Bearer: [scope] }], tags: ["tenants"] });
export const IdParameter = z.object({ id: z.string().max(100) });

/** A router whose refusals have the Management API's shape. */
export function createRouter(): OpenAPIHono {
  const router = new OpenAPIHono({
    defaultHook: (result) => {
      if (!result.success) throw new PlatformError("invalid", "invalid_body", problemsOf(result.error));
    },
  });
  router.onError((error) => {
    if (error instanceof PlatformError) return error.getResponse();
    throw error;
  });
  return router;
}

function problemsOf(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`).join("; ");
}

/** Operators see every tenant: a token of the control plane, of no organization, with `admin:organizations`. */
export function seesEverything(): boolean {
  const actor = currentContext()?.actor;
  return actor !== undefined && actor.organizationId === undefined && actor.scopes.has(EVERYWHERE);
}

/** Throws `forbidden` (`tenant_forbidden`) to everybody but operators. */
export function requireGlobal(): void {
  if (seesEverything()) return;
  throw tenantForbidden();
}

/** Throws `forbidden` (`tenant_forbidden`) to everybody but operators and the tenant's own team. */
export function requireReach(tenantId: string): void {
  if (seesEverything() || currentContext()?.actor?.organizationTenantId === tenantId) return;
  throw tenantForbidden();
}

/** Who asks, for the journal. */
export const initiator = () => currentContext()?.actor?.subject ?? "unknown";
