import { PlatformError } from "../../domain/errors.ts";
import { refuse } from "./answer.ts";
import type { Middleware } from "./exchange.ts";
import { isMailProvider } from "./routes.ts";

/** AuthHero answers `{}` for an e-mail provider that is not there; an inherited one is not the tenant's. */
export function mailProvider(): Middleware {
  return async (c, next) => {
    const { method, path } = c.get("draft");
    await next();
    if (method !== "GET" || !isMailProvider(path) || c.res.status !== 200) return;
    if ((await c.res.clone().text()).trim() !== "{}") return;
    c.res = refuse(
      c,
      new PlatformError("not_found", "mail_provider_not_found", "This tenant has no e-mail provider of its own."),
    );
  };
}
