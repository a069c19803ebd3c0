import type { PlatformError } from "../../domain/errors.ts";
import type { TenantState } from "../../domain/tenants.ts";
import { refusalOfChange } from "../tenant-refusals.ts";
import { refuse } from "./answer.ts";
import type { Addressed, Draft, Middleware } from "./exchange.ts";
import { isDiscovery, isManagement, isSignUp } from "./routes.ts";

/**
 * Answers for tenants that are not in full service: 503 `tenant_not_ready` until ready, 403 `tenant_suspended`,
 * 403 `tenant_read_only` for management writes and sign-up, 404 when deleted. After the guard, so that on management
 * routes only those allowed there learn of it.
 */
export function tenantState(): Middleware {
  return async (c, next) => {
    const refusal = refusalByState(c.get("target"), c.get("draft"));
    return refusal === null ? await next() : refuse(c, refusal);
  };
}

/** Why the tenant's state forbids the request; null when it does not. */
export function refusalByState({ placement }: Addressed, draft: Draft): PlatformError | null {
  // A browser reads the answer to the request proper only after a preflight that went well.
  if (placement === null || draft.method === "OPTIONS") return null;
  return refusalOf(placement.state, draft);
}

/** Why the state forbids to show a tenant's discovery document or key set; null when it does not. */
export function refusalOfDocument(state: TenantState): PlatformError | null {
  // Tokens issued before are still out there and have to stay verifiable.
  return state === "suspended" || state === "read_only" ? null : refusalOfChange(state);
}

function refusalOf(state: TenantState, draft: Draft): PlatformError | null {
  if (isDiscovery(draft.path)) return refusalOfDocument(state);
  if (state === "read_only" && !isWrite(draft)) return null;
  return refusalOfChange(state);
}

/** Logins write too, and go on. */
function isWrite({ method, path }: Draft): boolean {
  if (isSignUp(path)) return true;
  return isManagement(path) && method !== "GET";
}
