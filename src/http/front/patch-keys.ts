import { objectIn } from "../../domain/json.ts";
import { type Middleware, readBody } from "./exchange.ts";

/**
 * Notes which top-level keys the body of a `PATCH` had, for the management adapters to keep to: AuthHero fills
 * omitted ones with their defaults, so that renaming a client would change its secret and empty its callbacks.
 */
export function patchKeys(): Middleware {
  return async (c, next) => {
    const draft = c.get("draft");
    if (draft.method !== "PATCH" || !PATCHED_ENTITY.test(draft.path)) return await next();
    c.set("patchKeys", keysOf(await readBody(c)));
    return await next();
  };
}

const PATCHED_ENTITY =
  /^\/api\/v2\/(?:(?:clients|organizations|resource-servers|connections|users|roles|hooks|migration-sources|proxy-routes)\/[^/]+|emails\/provider|email\/providers|prompts)$/;

/** Undefined when it is no JSON object; to say so is AuthHero's part. */
function keysOf(body: string): ReadonlySet<string> | undefined {
  const fields = objectIn(body);
  return fields && new Set(Object.keys(fields));
}
