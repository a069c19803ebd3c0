import type { DataAdapters } from "@authhero/adapter-interfaces";
import { runOutboxRelay } from "authhero";

const RELAY_EVENTS = 200;
const RELAYS_MAX = 50;

/**
 * Delivers what is due in the outbox of the tenant at hand, until nothing is, so that a burst does not wait for the next
 * round. `issuer` is the origin of what is sent in the tenant's name.
 */
export async function relayOutbox(data: DataAdapters, issuer: string): Promise<void> {
  for (let relays = 0; relays < RELAYS_MAX; relays += 1) {
    await runOutboxRelay({ dataAdapter: askingForStreamsOnce(data), issuer, batchSize: RELAY_EVENTS });
    const further = await data.outbox?.getUnprocessed(1);
    if (!further?.length) return;
  }
}

/**
 * AuthHero asks for the log streams at each event. Those there are when a batch meets its first one are for all of it; a
 * failure is of the event it met only.
 */
function askingForStreamsOnce(data: DataAdapters): DataAdapters {
  const { logStreams } = data;
  if (!logStreams) return data;
  const asked = new Map<string, ReturnType<typeof logStreams.list>>();
  const list = (tenantId: string) => {
    const streams = asked.get(tenantId) ?? logStreams.list(tenantId);
    asked.set(tenantId, streams);
    streams.catch(() => asked.delete(tenantId));
    return streams;
  };
  return { ...data, logStreams: { ...logStreams, list } };
}
