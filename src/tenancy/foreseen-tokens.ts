import type { DataAdapters } from "@authhero/adapter-interfaces";
import { currentContext, type RequestContext } from "./context.ts";

/** Answers that were asked for in advance, by the question. */
type Foreseen = Map<string, Promise<unknown>>;

/**
 * Adapters that ask for a client's grants and the signing keys as soon as a request for a token asks for the client.
 * AuthHero asks for each only when it has the one before, though all it takes to ask is known from the beginning; asked
 * together they share a round trip. It keeps clients, so this happens at the first token only, or after a change. What was
 * foreseen is good for the same question of the same request, once.
 */
export function foreseeingTokens(data: DataAdapters): DataAdapters {
  const { clients, clientGrants, keys } = data;
  const foreseen = new WeakMap<RequestContext, Foreseen>();

  const foresee = (context: RequestContext, clientId: string) => {
    const { tenantId } = context;
    const answers: Foreseen = new Map();
    const ask = (question: readonly unknown[], answer: Promise<unknown>) => {
      // Whoever asks hears of it; nobody may.
      answer.catch(() => undefined);
      answers.set(JSON.stringify(question), answer);
    };
    foreseen.set(context, answers);
    const ofClient = { q: `client_id:"${clientId}"` };
    ask([tenantId, ofClient], clientGrants.list(tenantId, ofClient));
    for (const owner of [`tenant_id:${tenantId}`, "-_exists_:tenant_id"]) {
      const params = signingKeysOf(owner);
      ask([params], keys.list(params));
    }
  };
  /** Asked under another name, or again, it is asked anew. */
  const taken = <T>(question: readonly unknown[]): Promise<T> | undefined => {
    const context = currentContext();
    const answers = context && foreseen.get(context);
    if (!answers) return undefined;
    const name = JSON.stringify(question);
    const answer = answers.get(name);
    answers.delete(name);
    // What is asked by these words has these answers: both come from the adapters below.
    return answer as Promise<T> | undefined;
  };

  return {
    ...data,
    clients: {
      ...clients,
      get(tenantId, clientId) {
        const context = currentContext();
        if (context?.asksForToken && context.tenantId === tenantId && !foreseen.has(context))
          foresee(context, clientId);
        return clients.get(tenantId, clientId);
      },
    },
    clientGrants: { ...clientGrants, list: (...question) => taken(question) ?? clientGrants.list(...question) },
    keys: { ...keys, list: (...question) => taken(question) ?? keys.list(...question) },
  };
}

/** As AuthHero asks for them. */
const signingKeysOf = (owner: string) => ({
  q: `type:jwt_signing AND ${owner}`,
  sort: { sort_by: "created_at", sort_order: "desc" as const },
  per_page: 1000,
});
