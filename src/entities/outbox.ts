import type { AuditEvent, OutboxAdapter, OutboxEvent } from "@authhero/adapter-interfaces";
import { plainId } from "../domain/ids.ts";
import { integer, text, time } from "./columns.ts";
import { cutoffOf, rowsOf } from "./crud.ts";
import { decodeRow, entity, placeOf, type Row, storedColumns } from "./entity.ts";
import { outboxInsert } from "./outbox-insert.ts";
import { COUNTERS, offsetOf, type Rows, readPage } from "./page.ts";
import type { Store } from "./store.ts";
import { sweep } from "./sweep.ts";

/** An event as it stands in the table: what happened, verbatim, and how far its delivery is. */
type OutboxRow = Delivery & {
  readonly id: string;
  readonly event_type: string;
  readonly aggregate_type: string;
  readonly aggregate_id: string;
  readonly payload: string;
  readonly claimed_by?: string;
  readonly claim_expires_at?: string;
};

type Delivery = Omit<OutboxEvent, keyof AuditEvent>;

export const outboxEvents = entity<OutboxRow>({
  table: "outbox_events",
  key: "id",
  columns: {
    id: text(),
    event_type: text(),
    aggregate_type: text(),
    aggregate_id: text(),
    payload: text(),
    created_at: time(),
    processed_at: time(),
    retry_count: integer(),
    next_retry_at: time(),
    error: text(),
    claimed_by: text(),
    claim_expires_at: time(),
    dead_lettered_at: time(),
    final_error: text(),
  },
  absent: () => ({ processed_at: null, next_retry_at: null, error: null, dead_lettered_at: null, final_error: null }),
});

/** The `outbox` adapter. Events are claimed by id alone, so that two workers never deliver the same one. */
export function createOutbox(store: Store): OutboxAdapter {
  const now = () => store.clock().getTime();
  const rows = () => store.db.selectFrom(outboxEvents.table).select(storedColumns(outboxEvents));
  const change = (ids: readonly string[]) =>
    store.db.updateTable(outboxEvents.table).where("id", "in", ids).where("processed_at", "is", null);

  return {
    async create(tenantId, event) {
      const id = plainId();
      // On the way back from a foreign login AuthHero may fail before it knows the tenant, and still has a tale to tell.
      await store.batch([outboxInsert(store, tenantId ?? "", { ...event, id })]);
      return id;
    },

    getByIds: async (ids) => (ids.length > 0 ? shown(await inOrder(rows().where("id", "in", ids)).execute()) : []),

    async getUnprocessed(limit) {
      const due = rows()
        .where("processed_at", "is", null)
        .where(({ eb, or }) => or([eb("next_retry_at", "is", null), eb("next_retry_at", "<=", now())]))
        .where(({ eb, or }) => or([eb("claim_expires_at", "is", null), eb("claim_expires_at", "<=", now())]));
      return shown(await inOrder(due).limit(Math.max(limit, 0)).execute());
    },

    async claimEvents(ids, workerId, leaseMs) {
      if (ids.length === 0) return [];
      const claimed = await change(ids)
        .where(({ eb, or }) => or([eb("claim_expires_at", "is", null), eb("claim_expires_at", "<=", now())]))
        .set({ claimed_by: workerId, claim_expires_at: now() + leaseMs })
        .returning("id")
        .execute();
      return claimed.map(({ id }) => String(id));
    },

    async markProcessed(ids) {
      if (ids.length > 0) await change(ids).set({ processed_at: now() }).execute();
    },

    async markRetry(id, error, nextRetryAt) {
      const again = { error, next_retry_at: Date.parse(nextRetryAt), ...UNCLAIMED };
      await change([id])
        .set((row) => ({ ...again, retry_count: row("retry_count", "+", 1) }))
        .execute();
    },

    async deadLetter(id, finalError) {
      const at = now();
      await change([id])
        .set({ processed_at: at, dead_lettered_at: at, final_error: finalError, ...UNCLAIMED })
        .execute();
    },

    async listFailed(tenantId, params = {}) {
      const failed = rowsOf(store, outboxEvents, tenantId).where("dead_lettered_at", "is not", null);
      const newest = failed
        .select(storedColumns(outboxEvents))
        .orderBy("dead_lettered_at", "desc")
        .orderBy("id", "asc");
      const offset = offsetOf(params);
      const page = await readPage(newest, failed, offset, params.include_totals === true);
      const events = shown(page.rows);
      return { events, ...COUNTERS.pageUnlessAsked({ ...offset, rows: events.length, total: page.total }) };
    },

    async replay(id, tenantId) {
      const { numUpdatedRows } = await store.db
        .updateTable(outboxEvents.table)
        .set({ ...UNDELIVERED, ...UNCLAIMED })
        .where("tenant_id", "=", tenantId)
        .where("id", "=", id)
        .where("dead_lettered_at", "is not", null)
        .executeTakeFirstOrThrow();
      return numUpdatedRows > 0n;
    },

    async cleanup(olderThan) {
      const cutoff = cutoffOf(olderThan);
      return await sweep(store, outboxEvents.table, (events) => events.where("processed_at", "<", cutoff));
    },
  };
}

/** So that whoever tries next need not wait for the lease of whoever gave up. */
const UNCLAIMED = { claimed_by: null, claim_expires_at: null };

const UNDELIVERED = {
  processed_at: null,
  dead_lettered_at: null,
  final_error: null,
  retry_count: 0,
  next_retry_at: null,
  error: null,
};

const inOrder = (rows: Rows): Rows => rows.orderBy("created_at", "asc").orderBy("id", "asc");

/** What cannot be read is left out: one broken event must not stop the delivery of all others. */
const shown = (rows: readonly Row[]): OutboxEvent[] => rows.map(eventOf).filter((event) => event !== null);

function eventOf(row: Row): OutboxEvent | null {
  const place = placeOf(outboxEvents, "", undefined);
  const { payload, event_type, aggregate_type, aggregate_id, claimed_by, claim_expires_at, ...delivery } =
    decodeRow<OutboxRow>(outboxEvents, row, place);
  try {
    return { ...(JSON.parse(payload) as AuditEvent), ...delivery };
  } catch {
    return null;
  }
}
