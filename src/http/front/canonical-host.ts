import type { Addressed, Draft, Middleware } from "./exchange.ts";
import { isLoginPage, isPage } from "./routes.ts";

/**
 * Sends people from the other names of a tenant to its canonical one, with path and query: only there are the session's
 * cookies, and the issuer that the application will compare. 307 keeps method and form (a `POST` of an identity
 * provider); a form of a login page, which no other host may post to, is begun again there. Programs are answered.
 */
export function canonicalHost(): Middleware {
  return async (c, next) => {
    const redirection = redirectionFrom(c.get("hostName"), c.get("host"), c.get("draft"));
    if (redirection === null) return await next();
    const { status, location } = redirection;
    return new Response(null, { status, headers: { location, ...HEADERS } });
  };
}

/** Where a request that came under this name is sent on to; null where it is answered. */
export function redirectionFrom(
  hostName: string,
  { origin }: Addressed,
  { method, path, url }: Draft,
): { readonly status: number; readonly location: string } | null {
  if (hostName === origin.hostname || method === "OPTIONS" || !isPage(path)) return null;
  const target = new URL(origin);
  target.pathname = url.pathname;
  target.search = url.search;
  return { status: method === "POST" && isLoginPage(path) ? 303 : 307, location: target.href };
}

/** Which name is canonical changes, and the address may hold a code. */
const HEADERS = { "cache-control": "no-store", "referrer-policy": "no-referrer" };
