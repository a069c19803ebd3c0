import type { DataAdapters, ListKeysResponse } from "@authhero/adapter-interfaces";
import type { Clock } from "../domain/clock.ts";
import { keptOrRead } from "./caching.ts";
import { currentContext, type RequestContext } from "./context.ts";

/**
 * Adapters that keep the signing keys by which the Management API verifies tokens: AuthHero asks for them at every call
 * and keeps them nowhere. What is kept stands under the epochs of the tenant and of the control plane, see `tenantCache`,
 * of which every change of a key raises one before it is answered. A key whose grace period ends meanwhile is left out as
 * it would be from a list that is read. A request that has written a key, or may have, reads.
 */
export function keepingKeys(data: DataAdapters, clock: Clock): DataAdapters {
  const { cache, keys } = data;
  if (!cache) return data;
  const writers = new WeakSet<RequestContext>();
  const writing = <T>(write: Promise<T>): Promise<T> => {
    const context = currentContext();
    if (context) writers.add(context);
    return write;
  };

  return {
    ...data,
    keys: {
      async list(params) {
        const context = currentContext();
        if (!context || writers.has(context)) return await keys.list(params);
        const name = `keys:${JSON.stringify(params ?? {})}`;
        return withoutRevoked(await keptOrRead(cache, name, () => keys.list(params)), clock());
      },
      create: (...args) => writing(keys.create(...args)),
      update: (...args) => writing(keys.update(...args)),
    },
    transaction: (work) => writing(data.transaction(work)),
  };
}

/** As an adapter lists them: a revocation in the future is a grace period. */
function withoutRevoked(page: ListKeysResponse, now: Date): ListKeysResponse {
  const live = page.signingKeys.filter(({ revoked_at }) => revoked_at === undefined || new Date(revoked_at) > now);
  return live.length === page.signingKeys.length ? page : { ...page, signingKeys: live };
}
