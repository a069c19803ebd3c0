import { PlatformError } from "../domain/errors.ts";

/** The same for a tenant that is another's and for one that does not exist, wherever it is said: there is nothing to learn. */
export const tenantForbidden = () =>
  new PlatformError("forbidden", "tenant_forbidden", "The token does not reach this tenant.");

/** For those who may know. */
export const tenantNotFound = () => new PlatformError("not_found", "tenant_not_found", "There is no such tenant.");
