import { PlatformError } from "../../domain/errors.ts";
import { refuse } from "./answer.ts";
import type { Middleware } from "./exchange.ts";
import { isLoginPage } from "./routes.ts";

/**
 * Login forms are accepted only from our own pages: without it any site could log its visitor in as somebody else.
 * `Sec-Fetch-Site` decides where the browser sends it, `Origin` elsewhere (plain http on a name that is not localhost).
 */
export function originCheck(): Middleware {
  return async (c, next) => {
    const { method, path, headers } = c.get("draft");
    if (SAFE_METHODS.has(method) || !isLoginPage(path)) return await next();
    const ownOrigin = c.get("host").origin.origin;
    if (isSameOrigin(headers.get("sec-fetch-site"), headers.get("origin"), ownOrigin)) return await next();
    return refuse(c, new PlatformError("forbidden", "foreign_origin", "This form was sent from another site."));
  };
}

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

function isSameOrigin(fetchSite: string | null, origin: string | null, ownOrigin: string): boolean {
  return fetchSite === null ? origin === ownOrigin : fetchSite === "same-origin";
}
