import { PlatformError } from "../src/domain/errors.ts";
import type { TenantState } from "../src/domain/tenants.ts";
import type { Placement } from "./placements.ts";

/** `conflict` (`illegal_transition`): the table of states forbids it, or somebody else was faster. */
export function illegalTransition({ tenantId, state }: Placement, to?: TenantState, cause?: unknown): PlatformError {
  const message = `The tenant ${tenantId} is no longer ${state}, or cannot go from there${to ? ` to ${to}` : ""}`;
  return new PlatformError("conflict", "illegal_transition", message, { cause });
}

/** `conflict` (`operation_overtaken`): the lease that was to hold is lost. */
export function overtaken({ tenantId }: Placement, cause: unknown): PlatformError {
  const message = `What was being done to the tenant ${tenantId} was taken over by another process or operation`;
  return new PlatformError("conflict", "operation_overtaken", message, { cause });
}

/** Whether something was to be written that is unique and there already. */
export function isUniqueViolation(error: unknown): error is PlatformError {
  return error instanceof PlatformError && error.reason === "unique_violation";
}

/** Whether a tag is what was there before. The database names the columns, on every transport. */
export function hitTag(error: PlatformError): boolean {
  return /rh_retired_tags\.tag|rh_placements\.tag\b/.test(error.message);
}
