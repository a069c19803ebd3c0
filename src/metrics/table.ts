interface Metric {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels?: readonly string[];
  /** Upper bounds, in seconds. */
  readonly buckets?: readonly number[];
  /** How those of several workers become one, where they are not added up: what all read at the same place is not. */
  readonly aggregator?: "max" | "min";
}

/** From a page out of memory to a login that waits for a database far away. */
const REQUEST_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** From a statement on a file to one that a server answers after its last second. */
const DATABASE_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1, 2.5, 10];

/** Making a database takes a copy of a file, or a conversation with a cloud. */
const PROVIDER_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60];

/**
 * Every metric of our own; docs/observability.md is made of this. No label has a tenant in it, nor anything else that
 * callers choose: how many series there are is known beforehand.
 */
export const METRICS = {
  rowhouse_http_requests_total: {
    type: "counter",
    help: "Requests answered, by kind of route, method and status.",
    labels: ["route", "method", "status"],
  },
  rowhouse_http_request_duration_seconds: {
    type: "histogram",
    help: "Seconds until an answer began.",
    labels: ["route", "method"],
    buckets: REQUEST_SECONDS,
  },
  rowhouse_http_requests_running: { type: "gauge", help: "Requests under way." },
  rowhouse_pool_places: { type: "gauge", help: "Tenant databases that may be open at once: POOL_MAX_OPEN." },
  rowhouse_pool_open: { type: "gauge", help: "Tenant databases open, or on their way in or out." },
  rowhouse_pool_leased: { type: "gauge", help: "Those of them that somebody uses." },
  rowhouse_pool_waiting: { type: "gauge", help: "Openings that wait for a place." },
  rowhouse_pool_opened_total: { type: "counter", help: "Tenant databases opened." },
  rowhouse_pool_closed_total: { type: "counter", help: "Tenant databases closed." },
  rowhouse_pool_failed_total: { type: "counter", help: "Openings that failed, those without a place included." },
  rowhouse_pool_refused_total: { type: "counter", help: "Openings that got no place in time: pool_exhausted." },
  rowhouse_database_duration_seconds: {
    type: "histogram",
    help: "Seconds of one trip to a database: query for one statement, batch for several. The control plane's own is the provider control-plane.",
    labels: ["provider", "call", "outcome"],
    buckets: DATABASE_SECONDS,
  },
  rowhouse_provider_duration_seconds: {
    type: "histogram",
    help: "Seconds of a provider's own calls, such as making or opening a database.",
    labels: ["provider", "call", "outcome"],
    buckets: PROVIDER_SECONDS,
  },
  rowhouse_operation_attempts_total: {
    type: "counter",
    help: "Attempts at operations on tenants that have ended here, by kind and outcome (done, failed).",
    labels: ["kind", "outcome"],
  },
  rowhouse_operations_unfinished: {
    type: "gauge",
    help: "Operations that are not over: running ones go on by themselves, failed ones wait for somebody to resume them.",
    labels: ["kind", "state"],
    aggregator: "max",
  },
  rowhouse_fleet_jobs_running: {
    type: "gauge",
    help: "Jobs over many tenants that are not over.",
    labels: ["kind"],
    aggregator: "max",
  },
  rowhouse_tenants: { type: "gauge", help: "Tenants by state.", labels: ["state"], aggregator: "max" },
  rowhouse_sync_tenants_behind: {
    type: "gauge",
    help: "Ready tenants that lack a change of what the control plane shares.",
    aggregator: "max",
  },
  rowhouse_sync_versions_behind: { type: "gauge", help: "Changes that the last of them lacks.", aggregator: "max" },
  rowhouse_outbox_events_total: {
    type: "counter",
    help: "Deliveries of outbox events: delivered, retried (to be tried again), dead (given up).",
    labels: ["outcome"],
  },
  rowhouse_outbox_tenants_pending: {
    type: "gauge",
    help: "Tenants whose outbox this process is going to look at again, soon or in some minutes.",
  },
  rowhouse_processes: { type: "gauge", help: "Processes that are registered at the control plane.", aggregator: "max" },
  rowhouse_changes_followed_age_seconds: {
    type: "gauge",
    help: "Seconds since this process last heard what others have changed. Above ten /readyz fails, or is degraded.",
    aggregator: "max",
  },
  rowhouse_control_plane_away_seconds: {
    type: "gauge",
    help: "Seconds since the control plane's database can no longer be reached; 0 while it can. After an hour nobody is served any more.",
    aggregator: "max",
  },
  rowhouse_registry_up: {
    type: "gauge",
    help: "Whether the control plane answered this scrape in time: 1 or 0. Without it the gauges above that are read there are missing.",
    aggregator: "min",
  },
} as const satisfies Readonly<Record<string, Metric>>;

export type MetricName = keyof typeof METRICS;
export type { Metric };
