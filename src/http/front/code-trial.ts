import { codeUnavailable } from "../../tenancy/code-hooks.ts";
import type { Middleware } from "./exchange.ts";
import { isCodeTrial } from "./routes.ts";

/** Answers the trial of an action as its creation is answered; AuthHero's own word for it is a bare 503. */
export function codeTrial(): Middleware {
  return async (c, next) => {
    const { method, path } = c.get("draft");
    if (method === "POST" && isCodeTrial(path)) throw codeUnavailable();
    await next();
  };
}
