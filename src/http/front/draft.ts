import { getPath } from "hono/utils/url";
import type { Clock } from "../../domain/clock.ts";
import { timeId } from "../../domain/ids.ts";
import type { Exchange, Middleware } from "./exchange.ts";

/**
 * Begins the request that AuthHero will see, and gives it an id, under which the log and the answer know it. Everything after
 * works on this draft.
 */
export function draft(clock: Clock): Middleware {
  return async (c, next) => {
    const { raw, method } = c.req;
    const url = new URL(raw.url);
    const headers = new Headers(raw.headers);
    const requestId = timeId(clock());
    headers.set("x-request-id", requestId);
    c.set("requestId", requestId);
    c.set("hostHeader", headers.get("host") ?? url.host);
    c.set("draft", { method, url, path: pathOf(url), headers });
    await next();
    // A trusted proxy may have had one for it already.
    mark(c, c.get("requestId"));
  };
}

/** Of the request Hono reads the address only, and making one costs more than all the rest here. */
const pathOf = (url: URL) => getPath({ url: url.href } as Request);

/** Through the context Hono would copy the response, and send its text as a stream. */
function mark(c: Exchange, requestId: string): void {
  try {
    c.res.headers.set("x-request-id", requestId);
  } catch {
    // Those of `Response.redirect` and of fetched responses cannot be changed.
    c.header("x-request-id", requestId);
  }
}
