import { PlatformError } from "../../domain/errors.ts";
import { refuse } from "./answer.ts";
import type { Exchange, Middleware } from "./exchange.ts";
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
    const tokens = [bearerToken(headers.get("authorization")), await postedToken(c)];
    const claims = tokens.map((token) => (token === null ? null : claimedTenant(token)));
    c.set("presented", tokens.find((token) => token !== null) ?? undefined);
    if (claims.every((claim) => claim === null || claim === c.get("host").tenantId)) return await next();
    return refuse(c, new PlatformError("unauthorized", "invalid_token", "The token is not this tenant's."));
  };
}

/** The token of a `POST /userinfo` form (RFC 6750, section 2.2). A body of another type is not passed on. */
async function postedToken(c: Exchange): Promise<string | null> {
  const draft = c.get("draft");
  if (draft.method !== "POST" || draft.path !== "/userinfo") return null;
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(draft.headers.get("content-type") ?? "");
  draft.body = isForm ? await c.req.raw.text() : "";
  const tokens = new URLSearchParams(draft.body).getAll("access_token");
  // Which of several AuthHero reads is not ours to guess.
  if (tokens.length > 1) draft.body = "";
  return tokens.length === 1 ? (tokens[0] ?? null) : null;
}
