import type { CustomDomain } from "@authhero/adapter-interfaces";
import { PlatformError } from "../../domain/errors.ts";
import { type Middleware, replaceResponse } from "./exchange.ts";
import { domainToVerify } from "./routes.ts";

/**
 * Looks for the record that proves a claim, and makes the domain the tenant's; one without its record comes back as it
 * was. Null when there is no such claim. `conflict` (`domain_taken`) when another tenant was first; `unavailable`
 * (`dns_unavailable`).
 */
export type VerifyDomain = (tenantId: string, id: string) => Promise<CustomDomain | null>;

const NOT_IMPLEMENTED = 501;

/** Does what AuthHero's route is documented for: it lets in who may, and then says 501. */
export function verifyDomain(verify: VerifyDomain): Middleware {
  return async (c, next) => {
    const { method, path } = c.get("draft");
    const id = method === "POST" ? domainToVerify(path) : null;
    await next();
    if (id === null || c.res.status !== NOT_IMPLEMENTED) return;
    const domain = await verify(c.get("target").tenantId, id);
    if (!domain) throw new PlatformError("not_found", "domain_not_found", "There is no such custom domain.");
    const { headers } = c.res;
    for (const name of ["content-type", "content-length"]) headers.delete(name);
    replaceResponse(c, Response.json(domain, { headers }));
  };
}
