import { bodyLimit as limit } from "hono/body-limit";
import type { Exchange, Middleware } from "./exchange.ts";

/** Far above the largest page template or picture that a form carries, far below what would fill a process. */
const BODY_BYTES_MAX = 2 * 1024 * 1024;

/** Refuses bodies that nobody needs: everything behind this reads them whole. 413 (RFC 9110, section 15.5.14). */
export function bodyLimit(): Middleware {
  const counting = limit({ maxSize: BODY_BYTES_MAX, onError: tooLarge });
  return async (c, next) => {
    const { method, raw } = c.req;
    if (method === "GET" || method === "HEAD") return await next();
    const length = raw.headers.get("content-length");
    // Hono asks for the body first, which makes a stream of it. What says its length is held to it by the server.
    if (length === null || raw.headers.has("transfer-encoding")) return await counting(c, next);
    return Number(length) > BODY_BYTES_MAX ? tooLarge(c) : await next();
  };
}

function tooLarge(c: Pick<Exchange, "json">): Response {
  const message = `The body exceeds ${BODY_BYTES_MAX} bytes.`;
  return c.json({ statusCode: 413, error: "Content Too Large", message, errorCode: "body_too_large" }, 413);
}
