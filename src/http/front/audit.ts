import { redact } from "../../log/redact.ts";
import type { Actor } from "../../tenancy/context.ts";
import type { Exchange, Middleware } from "./exchange.ts";
import { changesTenant, tenantsRoute } from "./routes.ts";

/** What is written down of a management request. */
export interface AuditNote {
  readonly actor: Actor;
  /** Method and path. */
  readonly action: string;
  /** The tenant it was about. */
  readonly tenantId: string;
  readonly outcome: "allowed" | "refused";
  /** An operator reached into the tenant: its own administrators shall see that, too. */
  readonly isVisit: boolean;
  /** Why it was refused. */
  readonly reason?: string;
  readonly requestId: string;
  readonly address: string | undefined;
}

/** Settles when the note is stored; what cannot be written down does not happen. */
export type Audit = (note: AuditNote) => Promise<void>;

/**
 * Writes down who was refused a management request, by whomever behind this: the guard, the state of a tenant, AuthHero's
 * scopes or a route of ours. Whoever shows no token of anybody's is not written down: there is nobody to name, and
 * strangers would fill the table.
 */
export function auditRefusals(audit: Audit | undefined): Middleware {
  return async (c, next) => {
    await next();
    const actor = c.get("actor");
    const { status } = c.res;
    if (!audit || actor === undefined || (status !== 401 && status !== 403)) return;
    await audit({ ...noteOf(c, actor), outcome: "refused", isVisit: false, reason: await reasonOf(c.res) });
  };
}

/**
 * Writes down that an operator reaches into a tenant, and every change of a tenant that no operation records. Before a
 * change and beside a reading, whose answer waits for it.
 */
export function auditAccess(audit: Audit | undefined): Middleware {
  return async (c, next) => {
    const actor = c.get("actor");
    const { method, path } = c.get("draft");
    const isVisit = actor !== undefined && isVisiting(c, actor);
    if (!audit || actor === undefined || !(isVisit || changesTenant(method, path))) return await next();
    const written = audit({ ...noteOf(c, actor), outcome: "allowed", isVisit });
    if (method !== "GET") await written;
    const [noted, answered] = await Promise.allSettled([written, next()]);
    if (noted.status === "rejected") throw noted.reason;
    if (answered.status === "rejected") throw answered.reason;
  };
}

/** A tenant's own team acts on what is its own; that stands in the tenant's logs. */
function isVisiting(c: Exchange, actor: Actor): boolean {
  const { tenantId, placement } = c.get("target");
  return placement !== null && actor.tenantId !== tenantId && actor.organizationId === undefined;
}

function noteOf(c: Exchange, actor: Actor) {
  const { method, path, headers } = c.get("draft");
  return {
    actor,
    // A path holds what its caller has put there, a token by mistake too.
    action: `${method} ${redact(path)}`,
    tenantId: tenantsRoute(path)?.id ?? c.get("namedTenantId") ?? c.get("target").tenantId,
    requestId: c.get("requestId"),
    address: headers.get("x-real-ip") ?? undefined,
  };
}

/** Status and, where the answer has one, its error code. */
async function reasonOf(answer: Response): Promise<string> {
  const text = await answer.clone().text();
  const code = /"errorCode":"([\w.-]{1,100})"/.exec(text)?.[1];
  return code === undefined ? String(answer.status) : `${answer.status} ${code}`;
}
