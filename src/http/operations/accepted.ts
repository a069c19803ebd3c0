import type { Context } from "hono";
import { PlatformError } from "../../domain/errors.ts";
import type { Operation } from "./schemas.ts";
import type { OperationsService } from "./service.ts";

/** Whether the caller would rather not wait (RFC 7240, section 4.1). */
export function prefersAsync(c: Context): boolean {
  const preferences = (c.req.header("prefer") ?? "").split(",");
  return preferences.some((preference) => /^\s*respond-async\s*(?:;|$)/i.test(preference));
}

/** The operation as it is now, which the caller may go on asking for. */
export async function requireOperation({ get }: Pick<OperationsService, "get">, id: string): Promise<Operation> {
  const operation = await get(id);
  if (operation) return operation;
  throw operationNotFound();
}

export const operationNotFound = () =>
  new PlatformError("not_found", "operation_not_found", "There is no such operation");

/** Headers of a 202. `preferred`: the caller has asked for one. */
export const acceptedHeaders = (operationId: string, preferred = true) => ({
  location: `/api/v2/operations/${operationId}`,
  ...(preferred && { "preference-applied": "respond-async" }),
});
