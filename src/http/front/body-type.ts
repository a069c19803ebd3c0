import { refuse } from "./answer.ts";
import type { Middleware } from "./exchange.ts";
import { isReadAsObject } from "./routes.ts";

const READABLE = /^application\/(?:json|x-www-form-urlencoded)\s*(?:;|$)/i;

/** Refuses a body that AuthHero does not read, or none: it goes on without one, and fails at the first thing it needs. */
export function bodyType(): Middleware {
  return async (c, next) => {
    const { method, path, headers } = c.get("draft");
    if (method !== "POST" || !isReadAsObject(path)) return await next();
    if (READABLE.test(headers.get("content-type") ?? "")) return await next();
    return refuse(c, UNREADABLE);
  };
}

const UNREADABLE = {
  status: 400,
  error: "Bad Request",
  errorCode: "invalid_content_type",
  message: "Content-Type must be application/x-www-form-urlencoded or application/json, with a body of that kind.",
};
