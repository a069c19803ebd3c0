import type { OutboxEventInsert } from "@authhero/adapter-interfaces";
import type { Compilable, Expression, SqlBool } from "kysely";
import { insertWhere } from "./insert-where.ts";
import { nowOf, type Store } from "./store.ts";

/**
 * The INSERT of an event into the outbox, to be run in one unit with the write that it tells of. Its tenant is the
 * operation's, whatever the event says. Where `condition` is given and does not hold, there is nothing to tell.
 */
export function outboxInsert(
  store: Store,
  tenantId: string,
  event: OutboxEventInsert,
  condition?: Expression<SqlBool>,
): Compilable {
  const row = {
    id: event.id,
    tenant_id: tenantId,
    event_type: event.event_type,
    aggregate_type: event.target.type,
    aggregate_id: event.target.id,
    payload: JSON.stringify({ ...event, tenant_id: tenantId }),
    created_at: Date.parse(nowOf(store)),
  };
  return condition
    ? insertWhere(store, "outbox_events", row, condition)
    : store.db.insertInto("outbox_events").values(row);
}
