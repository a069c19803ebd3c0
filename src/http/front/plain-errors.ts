import { STATUS_CODES } from "node:http";
import { refuse } from "./answer.ts";
import type { Middleware } from "./exchange.ts";
import { isManagement } from "./routes.ts";

/** Gives the errors that AuthHero answers as bare text, such as 501, the shape of all others of the Management API. */
export function plainErrors(): Middleware {
  return async (c, next) => {
    await next();
    const { status } = c.res;
    if (status < 400 || !isManagement(c.get("draft").path)) return;
    if (!/^text\/plain\b/.test(c.res.headers.get("content-type") ?? "")) return;
    const message = (await c.res.clone().text()) || "There is no more to say about it.";
    const error = STATUS_CODES[status] ?? "Error";
    c.res = refuse(c, { status, error, message, errorCode: error.toLowerCase().replaceAll(/\W+/g, "_") });
  };
}
