import { PlatformError } from "../domain/errors.ts";
import type { TenantState } from "../domain/tenants.ts";

/** The same for a tenant that is another's and for one that does not exist, wherever it is said: there is nothing to learn. */
export const tenantForbidden = () =>
  new PlatformError("forbidden", "tenant_forbidden", "The token does not reach this tenant.");

/** For those who may know. */
export const tenantNotFound = () => new PlatformError("not_found", "tenant_not_found", "There is no such tenant.");

export const tenantSuspended = () => new PlatformError("forbidden", "tenant_suspended", "This tenant is suspended.");

export const tenantReadOnly = () => new PlatformError("forbidden", "tenant_read_only", "This tenant is read-only.");

export const tenantNotReady = () =>
  new PlatformError("unavailable", "tenant_not_ready", "This tenant is not ready yet.");

export const tenantUnavailable = (cause?: unknown) =>
  new PlatformError("unavailable", "tenant_unavailable", "This tenant cannot be reached right now.", { cause });

/** What answers a change of a tenant in this state; null where it is in full service. */
export function refusalOfChange(state: TenantState): PlatformError | null {
  switch (state) {
    case "ready":
      return null;
    case "pending":
    case "provisioning":
    case "failed":
      return tenantNotReady();
    case "suspended":
      return tenantSuspended();
    case "read_only":
      return tenantReadOnly();
    case "deleting":
    case "deleted":
      return tenantNotFound();
  }
}
