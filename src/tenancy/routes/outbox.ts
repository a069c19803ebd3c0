import type { OutboxAdapter } from "@authhero/adapter-interfaces";
import { boundTenant, type Router, requireBoundTenant } from "../router.ts";

/** Outbox events are claimed by id alone: they are looked for where the request or the relay is at home. */
export function routeOutbox(router: Router): OutboxAdapter {
  // Async, so that having no tenant is an answer like every other failure.
  const bound = async <T>(call: (outbox: OutboxAdapter) => Promise<T>) => await at(requireBoundTenant("outbox"), call);
  const at = <T>(tenantId: string | undefined, call: (outbox: OutboxAdapter) => Promise<T>) =>
    router.on(tenantId, ({ outbox }) => call(present(outbox)));
  return {
    // AuthHero's error path writes events of a tenant it does not know; the request's is the one it is about.
    create: (tenantId: string | undefined, event) => {
      const home = tenantId || boundTenant();
      if (home) router.outboxWritten(home);
      return at(home, (outbox) => outbox.create(home ?? "", event));
    },
    listFailed: (tenantId, params) => at(tenantId, (outbox) => outbox.listFailed(tenantId, params)),
    replay: (id, tenantId) => at(tenantId, (outbox) => outbox.replay(id, tenantId)),
    getByIds: (ids) => bound((outbox) => outbox.getByIds(ids)),
    getUnprocessed: (limit) => bound((outbox) => outbox.getUnprocessed(limit)),
    // Events that a user write carries along are first seen here.
    claimEvents: (ids, worker, leaseMs) =>
      bound((outbox) => {
        router.outboxWritten(requireBoundTenant("outbox"));
        return outbox.claimEvents(ids, worker, leaseMs);
      }),
    markProcessed: (ids) => bound((outbox) => outbox.markProcessed(ids)),
    markRetry: (id, error, nextRetryAt) => bound((outbox) => outbox.markRetry(id, error, nextRetryAt)),
    deadLetter: (id, finalError) => bound((outbox) => outbox.deadLetter(id, finalError)),
    cleanup: (olderThan) => bound((outbox) => outbox.cleanup(olderThan)),
  };
}

function present(outbox: OutboxAdapter | undefined): OutboxAdapter {
  if (!outbox) throw new TypeError("adapters without an outbox cannot be routed");
  return outbox;
}
