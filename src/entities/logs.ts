import type { ListParams, Log, LogInsert, LogsDataAdapter } from "@authhero/adapter-interfaces";
import { sql } from "kysely";
import { PlatformError } from "../domain/errors.ts";
import { plainId } from "../domain/ids.ts";
import { doc, text } from "./columns.ts";
import { crud, type Listing, listRows } from "./crud.ts";
import { entity } from "./entity.ts";
import type { Filter } from "./filter.ts";
import type { Rows } from "./page.ts";
import type { Store } from "./store.ts";

// The first characters tell what it is about; whoever sends more decides how much we would keep.
const TEXT_MAX = 256;

const place = (field: string): Filter => ({
  as: "text",
  expression: sql`json_extract(doc, ${sql.lit(`$.location_info.${field}`)})`,
});

/** The journal of a tenant. `details` is never cut: half a JSON text is none. */
export const logs = entity<Log, LogInsert>({
  table: "logs",
  key: "log_id",
  columns: {
    log_id: text(),
    date: text(),
    type: text(),
    description: text(),
    ip: text(),
    user_agent: text(),
    user_id: text(),
    user_name: text(),
    client_id: text(),
    client_name: text(),
    connection: text(),
    connection_id: text(),
    strategy: text(),
    strategy_type: text(),
    audience: text(),
    scope: text(),
    hostname: text(),
    isMobile: doc(),
    details: doc(),
    auth0_client: doc(),
    location_info: doc(),
  },
  defaults: () => ({ log_id: plainId() }),
  absent: () => ({ client_name: "" }),
  filters: {
    fields: {
      log_id: "text",
      date: "text",
      type: "text",
      description: "contains",
      ip: "text",
      user_agent: "text",
      user_id: "text",
      user_name: "text",
      client_id: "text",
      client_name: "text",
      connection: "text",
      connection_id: "text",
      strategy: "text",
      strategy_type: "text",
      audience: "text",
      scope: "text",
      hostname: "text",
      country_code: place("country_code"),
      city_name: place("city_name"),
      latitude: place("latitude"),
      longitude: place("longitude"),
      time_zone: place("time_zone"),
      continent_code: place("continent_code"),
    },
    search: { description: "contains", user_name: "contains", client_name: "contains", user_id: "exact", ip: "exact" },
  },
  sortable: ["date", "type", "user_id", "client_id", "ip", "log_id"],
});

const listing: Listing<"logs"> = {
  as: "logs",
  checkpoint: { by: "date", key: "log_id", direction: "desc", strict: true },
};

/**
 * The `logs` adapter. A repeated `log_id` is `conflict` (`unique_violation`) with SQLite's own words in the message:
 * that is how a delivery that was repeated knows that it had arrived.
 */
export function createLogs(store: Store): LogsDataAdapter {
  const { create, get } = crud(store, logs, listing);
  return {
    get,
    create: (tenantId, log) => create(tenantId, bounded(log)),
    list: (tenantId, params = {}) => listRows(store, logs, listing, tenantId, params, (rows) => dated(rows, params)),
  };
}

// Untyped callers send null for nothing, too; a log that cannot be written is an event nobody hears of.
const bounded = (log: LogInsert): LogInsert => ({
  ...log,
  user_agent: log.user_agent?.slice(0, TEXT_MAX),
  description: log.description?.slice(0, TEXT_MAX),
});

/** Both ends are Unix seconds and belong to it; the last second wholly. */
function dated(rows: Rows, { from_date, to_date }: ListParams): Rows {
  return rows
    .$if(from_date !== undefined, (query) => query.where("date", ">=", textOf(from_date ?? 0)))
    .$if(to_date !== undefined, (query) => query.where("date", "<", textOf((to_date ?? 0) + 1)));
}

/** As `date` is written. Throws `invalid` (`invalid_date`) for what is no point in time. */
function textOf(seconds: number): string {
  const date = new Date(seconds * 1000);
  if (!Number.isNaN(date.getTime())) return date.toISOString();
  throw new PlatformError("invalid", "invalid_date", "from_date and to_date are Unix times in seconds");
}
