import type { Middleware } from "./exchange.ts";
import { isLoginPage, isPage } from "./routes.ts";

/**
 * Sends people from the other names of a tenant to its canonical one, with path and query: only there are the session's
 * cookies, and the issuer that the application will compare. 307 keeps method and form (a `POST` of an identity
 * provider); a form of a login page, which no other host may post to, is begun again there. Programs are answered.
 */
export function canonicalHost(): Middleware {
  return async (c, next) => {
    const { method, path, url } = c.get("draft");
    const { origin } = c.get("host");
    if (c.get("hostName") === origin.hostname || method === "OPTIONS" || !isPage(path)) return await next();
    const target = new URL(origin);
    target.pathname = url.pathname;
    target.search = url.search;
    const status = method === "POST" && isLoginPage(path) ? 303 : 307;
    return new Response(null, { status, headers: { location: target.href, ...HEADERS } });
  };
}

/** Which name is canonical changes, and the address may hold a code. */
const HEADERS = { "cache-control": "no-store", "referrer-policy": "no-referrer" };
