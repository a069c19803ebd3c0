import { PlatformError } from "../../domain/errors.ts";
import { refuse } from "./answer.ts";
import type { Middleware, PasswordResets } from "./exchange.ts";
import { isMailProvider, isMailTrial } from "./routes.ts";

/**
 * AuthHero answers `{}` for an e-mail provider that is not there, and an inherited one is not the tenant's: 404. It fails
 * (500) where a mail is to be tried that nobody sends: 400.
 */
export function mailProvider({ requireSender }: Pick<PasswordResets, "requireSender">): Middleware {
  return async (c, next) => {
    const { method, path } = c.get("draft");
    if (method === "POST" && isMailTrial(path)) await requireSender(c.get("target").tenantId);
    await next();
    if (method !== "GET" || !isMailProvider(path) || c.res.status !== 200) return;
    if ((await c.res.clone().text()).trim() !== "{}") return;
    c.res = refuse(
      c,
      new PlatformError("not_found", "mail_provider_not_found", "This tenant has no e-mail provider of its own."),
    );
  };
}
