import { type Middleware, replaceResponse } from "./exchange.ts";

/** Runs `HEAD` as `GET`, without the body (RFC 9110, section 9.3.2): AuthHero does not authenticate `HEAD` at all. */
export function headAsGet(): Middleware {
  return async (c, next) => {
    const draft = c.get("draft");
    if (draft.method !== "HEAD") return await next();
    draft.method = "GET";
    await next();
    replaceResponse(c, new Response(null, c.res));
  };
}
