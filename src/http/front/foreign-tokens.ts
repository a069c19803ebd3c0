import { PlatformError } from "../../domain/errors.ts";
import { refuse } from "./answer.ts";
import type { Middleware } from "./exchange.ts";
import { isManagement } from "./routes.ts";
import { bearerToken, claimedTenant } from "./token.ts";

/**
 * Refuses another tenant's token on the routes the guard leaves alone, `/userinfo` above all: AuthHero takes the
 * tenant from the token's claims before anything else, and claims are what a tenant's code writes into its own tokens.
 */
export function foreignTokens(): Middleware {
  return async (c, next) => {
    const { path, headers } = c.get("draft");
    if (isManagement(path)) return await next();
    const token = bearerToken(headers.get("authorization"));
    const claimed = token === null ? null : claimedTenant(token);
    if (claimed === null || claimed === c.get("host").tenantId) return await next();
    return refuse(c, new PlatformError("unauthorized", "invalid_token", "The token is not this tenant's."));
  };
}
