import { bodyLimit as limit } from "hono/body-limit";
import type { Middleware } from "./exchange.ts";

/** Far above the largest page template or picture that a form carries, far below what would fill a process. */
const BODY_BYTES_MAX = 2 * 1024 * 1024;

/** Refuses bodies that nobody needs: everything behind this reads them whole. 413 (RFC 9110, section 15.5.14). */
export function bodyLimit(): Middleware {
  return limit({
    maxSize: BODY_BYTES_MAX,
    onError: (c) => {
      const message = `The body exceeds ${BODY_BYTES_MAX} bytes.`;
      return c.json({ statusCode: 413, error: "Content Too Large", message, errorCode: "body_too_large" }, 413);
    },
  });
}
