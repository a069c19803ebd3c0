import { STATUS_CODES } from "node:http";
import { refuse } from "./answer.ts";
import type { Middleware } from "./exchange.ts";
import { isManagement, isTokenRequest } from "./routes.ts";

/**
 * Gives the errors that AuthHero answers as bare text, such as 501, the shape of all others of the Management API, and
 * that of OAuth to what is wrong with a request for a token.
 */
export function plainErrors(): Middleware {
  return async (c, next) => {
    await next();
    const { status } = c.res;
    const { path } = c.get("draft");
    if (isTokenRequest(path) ? status !== 400 : status < 400 || !isManagement(path)) return;
    if (!/^text\/plain\b/.test(c.res.headers.get("content-type") ?? "")) return;
    const message = (await c.res.clone().text()) || "There is no more to say about it.";
    const error = STATUS_CODES[status] ?? "Error";
    c.res = refuse(c, { status, error, message, errorCode: error.toLowerCase().replaceAll(/\W+/g, "_") });
  };
}
