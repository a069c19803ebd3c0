import { getPath } from "hono/utils/url";
import type { Clock } from "../../domain/clock.ts";
import { timeId } from "../../domain/ids.ts";
import type { Middleware } from "./exchange.ts";

/** Begins the request that AuthHero will see, and gives it an id. Everything after works on this draft. */
export function draft(clock: Clock): Middleware {
  return async (c, next) => {
    const { raw, method } = c.req;
    const url = new URL(raw.url);
    const headers = new Headers(raw.headers);
    const requestId = timeId(clock());
    headers.set("x-request-id", requestId);
    c.set("requestId", requestId);
    c.set("hostHeader", headers.get("host") ?? url.host);
    c.set("draft", { method, url, path: getPath(new Request(url)), headers });
    await next();
    c.header("x-request-id", requestId);
  };
}
