import { type Middleware, replaceResponse } from "./exchange.ts";

const LOST = /^\/u(\/mfa\/[a-z-]+)$/;

/** AuthHero leads whoever has just added a phone to `/u/mfa/…`, where it has no page: the one it means is below `/u2`. */
export function secondFactor(): Middleware {
  return async (c, next) => {
    await next();
    const { method, path, url } = c.get("draft");
    const page = LOST.exec(path)?.[1];
    if (method !== "GET" || c.res.status !== 404 || page === undefined) return;
    replaceResponse(c, new Response(null, { status: 302, headers: { location: `/u2${page}${url.search}` } }));
  };
}
