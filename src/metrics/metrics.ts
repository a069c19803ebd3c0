import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Around } from "../domain/around.ts";
import { METRICS, type Metric, type MetricName } from "./table.ts";

/** A request that has been answered, or nearly. */
export interface Answered {
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly seconds: number;
}

/** Read at each scrape, without a statement. */
export interface Levels {
  readonly pool: {
    readonly open: number;
    readonly leased: number;
    readonly waiting: number;
    readonly opened: number;
    readonly closed: number;
    readonly failed: number;
    readonly refused: number;
  };
  readonly poolPlaces: number;
  readonly outboxTenants: number;
  readonly followedAgeSeconds: number;
  readonly awaySeconds: number;
}

/** How many there are of a kind, in a state. */
export interface Counted {
  readonly labels: Readonly<Record<string, string>>;
  readonly count: number;
}

/** What only the control plane knows. */
export interface Census {
  readonly tenants: readonly Counted[];
  /** Those that are not over. */
  readonly operations: readonly Counted[];
  readonly fleetJobs: readonly Counted[];
  readonly processes: number;
  /** Ready tenants that lack something of what is shared, */
  readonly tenantsBehind: number;
  /** and how many changes the last of them lacks. */
  readonly versionsBehind: number;
}

export interface Sources {
  levels(): Levels;
  /** Null when the control plane does not answer in time. */
  census(): Promise<Census | null>;
}

export interface Metrics {
  /** Tells that a request has begun; to be called with how it was answered. */
  requestBegun(): (answered: Answered) => void;
  /** Around a provider's own calls. */
  providerCalls(provider: string): Around;
  /** Around the trips to databases of a provider. */
  databaseCalls(provider: string): Around;
  operationEnded(kind: string, outcome: "done" | "failed"): void;
  outboxEvents(outcome: "delivered" | "retried" | "dead", count: number): void;
  /** What is read at each scrape, once there is a house to read it from. */
  readFrom(sources: Sources): void;
  /** In the format of Prometheus, with those of the process and of Node. */
  text(): Promise<string>;
  readonly registry: Registry;
}

/** What the service counts and measures of itself. Nothing of it costs a request a statement. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  let sources: Sources | undefined;
  let reading: Promise<void> | undefined;
  /** Once for all that are asked for together. */
  const collect = () => {
    reading ??= read().finally(() => {
      reading = undefined;
    });
    return reading;
  };
  const counters = made("counter", (name) => new Counter({ ...optionsOf(name, registry), collect }));
  const gauges = made("gauge", (name) => new Gauge({ ...optionsOf(name, registry), collect }));
  const histograms = made("histogram", (name) => new Histogram(optionsOf(name, registry)));

  async function read(): Promise<void> {
    if (!sources) return;
    const census = await sources.census();
    showLevels(sources.levels(), gauges, counters);
    showCensus(census, gauges);
  }

  const timed =
    (histogram: Histogram, provider: string): Around =>
    async (call, work) => {
      const begun = performance.now();
      let outcome = "ok";
      try {
        return await work();
      } catch (error) {
        outcome = "failed";
        throw error;
      } finally {
        histogram.observe({ provider, call, outcome }, (performance.now() - begun) / 1_000);
      }
    };

  return {
    registry,

    requestBegun() {
      gauges.rowhouse_http_requests_running.inc();
      return ({ route, method, status, seconds }) => {
        gauges.rowhouse_http_requests_running.dec();
        counters.rowhouse_http_requests_total.inc({ route, method, status });
        histograms.rowhouse_http_request_duration_seconds.observe({ route, method }, seconds);
      };
    },

    providerCalls: (provider) => timed(histograms.rowhouse_provider_duration_seconds, provider),
    databaseCalls: (provider) => timed(histograms.rowhouse_database_duration_seconds, provider),
    operationEnded: (kind, outcome) => counters.rowhouse_operation_attempts_total.inc({ kind, outcome }),
    outboxEvents: (outcome, count) => counters.rowhouse_outbox_events_total.inc({ outcome }, count),

    readFrom(given) {
      sources = given;
    },

    text: () => registry.metrics(),
  };
}

type NamesOf<T extends Metric["type"]> = {
  [N in MetricName]: (typeof METRICS)[N]["type"] extends T ? N : never;
}[MetricName];
type Gauges = Readonly<Record<NamesOf<"gauge">, Gauge>>;
type Counters = Readonly<Record<NamesOf<"counter">, Counter>>;

function made<T extends Metric["type"], M>(type: T, make: (name: MetricName) => M): Readonly<Record<NamesOf<T>, M>> {
  const names = Object.keys(METRICS) as MetricName[];
  const own = names.filter((name) => METRICS[name].type === type);
  // The names of a type are those whose row has it; the compiler does not follow a filter.
  return Object.fromEntries(own.map((name) => [name, make(name)])) as Readonly<Record<NamesOf<T>, M>>;
}

function optionsOf(name: MetricName, registry: Registry) {
  const { help, labels = [], buckets, aggregator }: Metric = METRICS[name];
  return {
    ...{ name, help, labelNames: [...labels], registers: [registry] },
    ...(buckets && { buckets: [...buckets] }),
    ...(aggregator && { aggregator }),
  };
}

function showLevels({ pool, poolPlaces, ...levels }: Levels, gauges: Gauges, counters: Counters): void {
  gauges.rowhouse_pool_places.set(poolPlaces);
  gauges.rowhouse_pool_open.set(pool.open);
  gauges.rowhouse_pool_leased.set(pool.leased);
  gauges.rowhouse_pool_waiting.set(pool.waiting);
  become(counters.rowhouse_pool_opened_total, pool.opened);
  become(counters.rowhouse_pool_closed_total, pool.closed);
  become(counters.rowhouse_pool_failed_total, pool.failed);
  become(counters.rowhouse_pool_refused_total, pool.refused);
  gauges.rowhouse_outbox_tenants_pending.set(levels.outboxTenants);
  gauges.rowhouse_changes_followed_age_seconds.set(levels.followedAgeSeconds);
  gauges.rowhouse_control_plane_away_seconds.set(levels.awaySeconds);
}

/** The pool has counted itself. */
function become(counter: Counter, count: number): void {
  counter.reset();
  counter.inc(count);
}

function showCensus(census: Census | null, gauges: Gauges): void {
  gauges.rowhouse_registry_up.set(census ? 1 : 0);
  const { rowhouse_tenants, rowhouse_operations_unfinished, rowhouse_fleet_jobs_running } = gauges;
  show(rowhouse_tenants, census?.tenants);
  show(rowhouse_operations_unfinished, census?.operations);
  show(rowhouse_fleet_jobs_running, census?.fleetJobs);
  // What is not known now is not shown as it was.
  const whole = (value: number | undefined) => (value === undefined ? [] : [{ labels: {}, count: value }]);
  show(gauges.rowhouse_processes, whole(census?.processes));
  show(gauges.rowhouse_sync_tenants_behind, whole(census?.tenantsBehind));
  show(gauges.rowhouse_sync_versions_behind, whole(census?.versionsBehind));
}

function show(gauge: Gauge, counted: readonly Counted[] = []): void {
  gauge.reset();
  // A gauge without labels begins at zero, which would be an answer.
  gauge.remove({});
  for (const { labels, count } of counted) gauge.set({ ...labels }, count);
}
