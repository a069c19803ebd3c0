import type { Code, DataAdapters } from "@authhero/adapter-interfaces";
import { currentContext, type RequestContext } from "./context.ts";

type User = ReturnType<DataAdapters["users"]["get"]>;

interface Foreseen {
  readonly tenantId: string;
  readonly userId: string;
  readonly user: User;
}

/**
 * Adapters that ask for the user of an authorization code as soon as the code is read. AuthHero asks for the code's login
 * session next and for its user then, though neither says anything about the other; asked together they share a round
 * trip. What was foreseen is good for the request's next question about a user, and for that user only.
 */
export function foreseeingUsers(data: DataAdapters): DataAdapters {
  const { codes, users } = data;
  const foreseen = new WeakMap<RequestContext, Foreseen>();

  const foresee = (tenantId: string, { user_id: userId, used_at }: Code) => {
    const context = currentContext();
    if (!context || !userId || used_at) return;
    const user = users.get(tenantId, userId);
    // Whoever asks hears of it; nobody may.
    user.catch(() => undefined);
    foreseen.set(context, { tenantId, userId, user });
  };
  const taken = (): Foreseen | undefined => {
    const context = currentContext();
    const found = context && foreseen.get(context);
    if (context) foreseen.delete(context);
    return found;
  };

  return {
    ...data,
    codes: {
      ...codes,
      async get(tenantId, id, type) {
        const code = await codes.get(tenantId, id, type);
        if (code && tenantId && type === "authorization_code") foresee(tenantId, code);
        return code;
      },
    },
    users: {
      ...users,
      get(tenantId, userId) {
        const found = taken();
        return found?.tenantId === tenantId && found.userId === userId ? found.user : users.get(tenantId, userId);
      },
      update(...args) {
        taken();
        return users.update(...args);
      },
      remove(...args) {
        taken();
        return users.remove(...args);
      },
      unlink(...args) {
        taken();
        return users.unlink(...args);
      },
    },
  };
}
