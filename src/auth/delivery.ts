import type { DataAdapters, OutboxAdapter } from "@authhero/adapter-interfaces";
import { plainId } from "../domain/ids.ts";

/** Events for a control plane elsewhere. Here it has the rows themselves, and nobody delivers such an event. */
const REPLICATION = "controlplane.sync.";

/**
 * The adapters to give to AuthHero where somebody else delivers what requests leave in the outbox (`runOutboxRelay`,
 * over the adapters as they are). Outside of Cloudflare's Workers AuthHero holds every answer back until the events of
 * its request are delivered, at least five statements one after the other. Here no request wins a claim, so none
 * waits; the events are safe in the outbox already. `left` is told, so that the delivery can begin at once.
 */
export function deliveredBehind(data: DataAdapters, left: (eventIds: readonly string[]) => void): DataAdapters {
  const { outbox } = data;
  if (!outbox) return data;
  const create: OutboxAdapter["create"] = (tenantId, event) =>
    event.event_type.startsWith(REPLICATION) ? Promise.resolve(plainId()) : outbox.create(tenantId, event);
  const claimEvents = (ids: string[]) => {
    left(ids);
    return Promise.resolve([]);
  };
  return { ...data, outbox: { ...outbox, create, claimEvents } };
}
