import type { CodesAdapter, DataAdapters, LoginSessionsAdapter } from "@authhero/adapter-interfaces";
import { PlatformError } from "../../domain/errors.ts";
import { Tag } from "../../domain/names.ts";
import { currentContext } from "../context.ts";
import { boundTenant, type Router, requireBoundTenant } from "../router.ts";

/** Login sessions: an id made here carries the tag of its tenant, so that it finds home without naming one. */
export function routeLoginSessions(router: Router): LoginSessionsAdapter {
  return {
    create: (tenantId, session) => router.on(tenantId, ({ loginSessions }) => loginSessions.create(tenantId, session)),
    update: (tenantId, id, session) =>
      router.on(tenantId, ({ loginSessions }) => loginSessions.update(tenantId, id, session)),
    remove: (tenantId, id) => router.on(tenantId, ({ loginSessions }) => loginSessions.remove(tenantId, id)),

    async get(tenantId, id) {
      const home = tenantId || (await tenantOfTagged(router, id));
      return home ? router.on(home, ({ loginSessions }) => loginSessions.get(home, id)) : null;
    },
  };
}

/** Codes. AuthHero looks a `state` up before it knows the tenant; those it makes itself stand in the directory. */
export function routeCodes(router: Router): CodesAdapter {
  const on = <T>(tenantId: string, call: (codes: DataAdapters["codes"]) => Promise<T>) =>
    router.on(tenantId, ({ codes }) => call(codes));
  return {
    async create(tenantId, code) {
      // Before the code itself: a row too many is harmless, a state that finds no way home is a failed login.
      if (code.code_type === "oauth2_state") await router.directory.addState(tenantId, code.code_id, code.expires_at);
      return on(tenantId, (codes) => codes.create(tenantId, code));
    },
    async get(tenantId, id, type) {
      const home = tenantId || (await tenantOfCode(router, id));
      return home ? on(home, (codes) => codes.get(home, id, type)) : null;
    },
    list: (tenantId, params) => on(tenantId, (codes) => codes.list(tenantId, params)),
    used: (tenantId, id) => on(tenantId, (codes) => codes.used(tenantId, id)),
    consume: (tenantId, id) => on(tenantId, (codes) => codes.consume(tenantId, id)),
    remove: (tenantId, id) => on(tenantId, (codes) => codes.remove(tenantId, id)),
    cleanup: async (olderThan) => await on(requireBoundTenant("codes.cleanup"), (codes) => codes.cleanup(olderThan)),
  };
}

async function tenantOfCode(router: Router, id: string): Promise<string | null> {
  const home =
    (await router.directory.tenantOfState(id)) ?? (await tenantOfTagged(router, id)) ?? boundTenant() ?? null;
  return agreed(router, home);
}

/** The tenant of the tag in an id (`<tag>~…`), or null for an id of any other shape. */
async function tenantOfTagged(router: Router, id: string): Promise<string | null> {
  const tag = Tag.safeParse(id.split("~", 1)[0]);
  return agreed(router, tag.success && id.includes("~") ? await router.directory.tenantOfTag(tag.data) : null);
}

/**
 * What an artefact says, held against what the request says: on a tenant's own host only that tenant's artefacts
 * count. Elsewhere the artefact's tenant is learnt for the rest of the request.
 */
function agreed(router: Router, home: string | null): string | null {
  const context = currentContext();
  if (!context || !home || context.tenantId === home) return home;
  if (context.tenantId !== router.controlPlaneTenantId) return null;
  context.learntTenantId = home;
  return home;
}

/** Ids that AuthHero looks up for itself, in whatever tenant it is. */
export function refuseReservedClientId(clientId: string | undefined): void {
  if (clientId !== "DEFAULT_CLIENT") return;
  throw new PlatformError("invalid", "reserved_client_id", "client_id DEFAULT_CLIENT is reserved; choose another");
}
