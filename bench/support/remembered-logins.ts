import { randomUUID } from "node:crypto";
import type { Code, DataAdapters, LoginSession, RefreshToken } from "@authhero/adapter-interfaces";

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

/** Long after any run has ended: a code is redeemed here again and again, on slow machines for many minutes. */
const NEVER = "2999-01-01T00:00:00.000Z";

/** Codes in a map, good for ever and any number of times: of a login that was a while ago none would be good any more. */
export function rememberedCodes(): DataAdapters["codes"] {
  const codes = new Map<string, Code>();
  return {
    create(_tenantId, input) {
      const code: Code = { ...input, expires_at: NEVER, created_at: new Date().toISOString() };
      codes.set(code.code_id, code);
      return Promise.resolve(code);
    },
    get: (_tenantId, id) => Promise.resolve(codes.get(id) ?? null),
    list: () => Promise.resolve({ codes: [], start: 0, limit: 0, length: 0 }),
    used: () => Promise.resolve(true),
    consume: () => Promise.resolve(true),
    remove: (_tenantId, id) => Promise.resolve(codes.delete(id)),
    cleanup: () => Promise.resolve(0),
  };
}

/** Refresh tokens in a map: each is found by what was handed out. `others`: what else is asked of them. */
export function rememberedTokens(others: DataAdapters["refreshTokens"]): DataAdapters["refreshTokens"] {
  const tokens = new Map<string, RefreshToken>();
  return {
    ...others,
    create(_tenantId, input) {
      const token = { ...input, created_at: new Date().toISOString() } as RefreshToken;
      for (const name of [token.id, token.token_lookup ?? ""]) tokens.set(name, token);
      return Promise.resolve(token);
    },
    get: (_tenantId, id) => Promise.resolve(tokens.get(id) ?? null),
    getByLookup: (_tenantId, lookup) => Promise.resolve(tokens.get(lookup) ?? null),
    update: () => Promise.resolve(true),
  };
}
