import { type HostRules, issuersOf } from "../../tenancy/hosts.ts";
import { type Exchange, type Middleware, readBody } from "./exchange.ts";
import { claimedIssuer } from "./token.ts";

/**
 * Takes tokens that were issued under another name of the tenant, where AuthHero compares their issuer with the one it is
 * told: at `/userinfo`, and as the hint of a logout. Everywhere else that is the canonical one; on management routes it
 * asks which others there are.
 */
export function tokenIssuer(rules: HostRules): Middleware {
  return async (c, next) => {
    const { tenantId, placement } = c.get("host");
    const token = await tokenToCompare(c);
    const issuer = token ? claimedIssuer(token) : null;
    const isOwn = issuer !== null && issuersOf(tenantId, rules, placement?.domains ?? []).includes(issuer);
    if (isOwn) c.set("issuer", issuer);
    return await next();
  };
}

async function tokenToCompare(c: Exchange): Promise<string | null | undefined> {
  const { method, path, url } = c.get("draft");
  if (path === "/userinfo") return c.get("presented");
  if (path !== "/oidc/logout") return null;
  // OpenID Connect RP-Initiated Logout 1.0, section 2: by query or form.
  const parameters = method === "POST" ? new URLSearchParams(await readBody(c)) : url.searchParams;
  return parameters.get("id_token_hint");
}
