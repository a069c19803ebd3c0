import { refuse } from "./answer.ts";
import type { Middleware } from "./exchange.ts";
import { isSetup } from "./routes.ts";

/** Closes AuthHero's first-run form: whoever came first would become administrator. Our own start seeds. */
export function setupClosed(): Middleware {
  return async (c, next) => {
    if (!isSetup(c.get("draft").path)) return await next();
    return refuse(c, { status: 404, error: "Not Found", errorCode: "not_found", message: "There is nothing here." });
  };
}
