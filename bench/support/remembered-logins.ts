import { randomUUID } from "node:crypto";
import type { DataAdapters, LoginSession } from "@authhero/adapter-interfaces";

/** Login sessions in a map: a login moves its own one on from step to step, so that one answer for all would not do. */
export function rememberedLogins(): DataAdapters["loginSessions"] {
  const sessions = new Map<string, LoginSession>();
  return {
    create(_tenantId, input) {
      const now = new Date().toISOString();
      const session = {
        state: "pending",
        ...input,
        id: randomUUID(),
        created_at: now,
        updated_at: now,
      } as LoginSession;
      sessions.set(session.id, session);
      return Promise.resolve(session);
    },
    get: (_tenantId, id) => Promise.resolve(sessions.get(id) ?? null),
    update(_tenantId, id, changes) {
      const session = sessions.get(id);
      if (!session) return Promise.resolve(false);
      const authParams = { ...session.authParams, ...changes.authParams };
      sessions.set(id, { ...session, ...changes, authParams });
      return Promise.resolve(true);
    },
    remove: (_tenantId, id) => Promise.resolve(sessions.delete(id)),
  };
}
