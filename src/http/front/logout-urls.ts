import { PlatformError } from "../../domain/errors.ts";
import { refuse } from "./answer.ts";
import type { LogoutUrls, Middleware } from "./exchange.ts";
import { isLogout } from "./routes.ts";

/**
 * After a logout nobody is sent to a loopback address that is not listed: AuthHero accepts any port there once one is, and
 * whoever has that port on a shared machine gets the visitor. Every other address AuthHero compares itself.
 */
export function logoutUrls(urls: LogoutUrls): Middleware {
  return async (c, next) => {
    const { url, path } = c.get("draft");
    const returnTo = url.searchParams.get("returnTo");
    if (!isLogout(path) || returnTo === null || !isLoopback(returnTo)) return await next();
    const { tenantId, origin } = c.get("host");
    const isOwn = new URL(returnTo).origin === origin.origin;
    if (isOwn || (await isListed(returnTo, urls, tenantId, url.searchParams.get("client_id")))) return await next();
    return refuse(c, notListed());
  };
}

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\]|.+\.localhost)$/;

const isLoopback = (text: string) => URL.canParse(text) && LOOPBACK.test(new URL(text).hostname);

async function isListed(returnTo: string, urls: LogoutUrls, tenantId: string, clientId: string | null) {
  const listed = await urls.listed(tenantId, clientId);
  const { href } = new URL(returnTo);
  return listed.some((allowed) => URL.canParse(allowed) && new URL(allowed).href === href);
}

const notListed = () =>
  new PlatformError(
    "invalid",
    "logout_url_not_allowed",
    "The returnTo address is not among the allowed logout URLs of the application.",
  );
