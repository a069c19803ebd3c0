/** The Grafana dashboard `ops/grafana/rowhouse.json`, as data: rows of panels, each with its queries. */

interface Panel {
  readonly title: string;
  readonly unit: "short" | "reqps" | "s" | "percentunit" | "bytes" | "ops";
  /** Query and legend. */
  readonly series: readonly (readonly [string, string])[];
}

const HOLDS = 'instance=~"$instance"';
const rate = (metric: string, by: string, more = "") =>
  `sum by (${by}) (rate(${metric}{${HOLDS}${more}}[$__rate_interval]))`;
const quantile = (q: number, metric: string, by: string) =>
  `histogram_quantile(${q}, ${rate(`${metric}_bucket`, `le, ${by}`)})`;
/** All processes read it at the same place. */
const shared = (metric: string, by = "") => `max${by && ` by (${by})`} (${metric}{${HOLDS}})`;
const sum = (metric: string) => `sum (${metric}{${HOLDS}})`;

const ROWS: Readonly<Record<string, readonly Panel[]>> = {
  Requests: [
    {
      title: "Requests a second, by route",
      unit: "reqps",
      series: [[rate("rowhouse_http_requests_total", "route"), "{{route}}"]],
    },
    {
      title: "Answered with 5xx",
      unit: "percentunit",
      series: [
        [
          `sum (rate(rowhouse_http_requests_total{${HOLDS}, status=~"5.."}[$__rate_interval])) / sum (rate(rowhouse_http_requests_total{${HOLDS}}[$__rate_interval]))`,
          "5xx",
        ],
      ],
    },
    {
      title: "95th percentile, by route",
      unit: "s",
      series: [[quantile(0.95, "rowhouse_http_request_duration_seconds", "route"), "{{route}}"]],
    },
    { title: "Under way", unit: "short", series: [[sum("rowhouse_http_requests_running"), "requests"]] },
  ],
  "Tenant databases": [
    {
      title: "Pool",
      unit: "short",
      series: [
        [sum("rowhouse_pool_places"), "places"],
        [sum("rowhouse_pool_open"), "open"],
        [sum("rowhouse_pool_leased"), "in use"],
        [sum("rowhouse_pool_waiting"), "waiting"],
      ],
    },
    {
      title: "Opened, closed, failed, refused",
      unit: "ops",
      series: ["opened", "closed", "failed", "refused"].map(
        (what) => [`sum (rate(rowhouse_pool_${what}_total{${HOLDS}}[$__rate_interval]))`, what] as const,
      ),
    },
    {
      title: "Trips to databases, 95th percentile",
      unit: "s",
      series: [[quantile(0.95, "rowhouse_database_duration_seconds", "provider, call"), "{{provider}} {{call}}"]],
    },
    {
      title: "Trips that failed",
      unit: "ops",
      series: [[rate("rowhouse_database_duration_seconds_count", "provider", ', outcome="failed"'), "{{provider}}"]],
    },
    {
      title: "Providers' calls, 95th percentile",
      unit: "s",
      series: [[quantile(0.95, "rowhouse_provider_duration_seconds", "provider, call"), "{{provider}} {{call}}"]],
    },
  ],
  "Tenants and operations": [
    { title: "Tenants, by state", unit: "short", series: [[shared("rowhouse_tenants", "state"), "{{state}}"]] },
    {
      title: "Operations that are not over",
      unit: "short",
      series: [[shared("rowhouse_operations_unfinished", "kind, state"), "{{kind}} {{state}}"]],
    },
    {
      title: "Attempts",
      unit: "ops",
      series: [[rate("rowhouse_operation_attempts_total", "kind, outcome"), "{{kind}} {{outcome}}"]],
    },
    {
      title: "Jobs over many tenants",
      unit: "short",
      series: [[shared("rowhouse_fleet_jobs_running", "kind"), "{{kind}}"]],
    },
    {
      title: "Behind the control plane",
      unit: "short",
      series: [
        [shared("rowhouse_sync_tenants_behind"), "tenants"],
        [shared("rowhouse_sync_versions_behind"), "changes, at most"],
      ],
    },
  ],
  "In the background": [
    { title: "Outbox events", unit: "ops", series: [[rate("rowhouse_outbox_events_total", "outcome"), "{{outcome}}"]] },
    { title: "Outboxes to look at", unit: "short", series: [[sum("rowhouse_outbox_tenants_pending"), "tenants"]] },
    {
      title: "Since the changes of others were heard",
      unit: "s",
      series: [
        [`rowhouse_changes_followed_age_seconds{${HOLDS}}`, "{{instance}}"],
        [shared("rowhouse_control_plane_away_seconds"), "control plane away"],
      ],
    },
    {
      title: "Processes, and whether the control plane answers",
      unit: "short",
      series: [
        [shared("rowhouse_processes"), "processes"],
        [`min (rowhouse_registry_up{${HOLDS}})`, "answers"],
      ],
    },
  ],
  Process: [
    {
      title: "Processor",
      unit: "percentunit",
      series: [[`rate(process_cpu_seconds_total{${HOLDS}}[$__rate_interval])`, "{{instance}}"]],
    },
    { title: "Memory", unit: "bytes", series: [[`process_resident_memory_bytes{${HOLDS}}`, "{{instance}}"]] },
    {
      title: "Event loop lag, 99th percentile",
      unit: "s",
      series: [[`nodejs_eventloop_lag_p99_seconds{${HOLDS}}`, "{{instance}}"]],
    },
    { title: "Open files", unit: "short", series: [[`process_open_fds{${HOLDS}}`, "{{instance}}"]] },
  ],
};

const WIDTH = 8;
const HEIGHT = 8;
const ACROSS = 3;

/** The file, as Grafana imports it; it asks which Prometheus to read. */
export function dashboard(): string {
  const panels: object[] = [];
  let y = 0;
  for (const [row, own] of Object.entries(ROWS)) {
    panels.push({
      type: "row",
      title: row,
      collapsed: false,
      panels: [],
      id: panels.length + 1,
      gridPos: { h: 1, w: 24, x: 0, y },
    });
    y += 1;
    own.forEach((panel, index) => {
      const gridPos = { h: HEIGHT, w: WIDTH, x: (index % ACROSS) * WIDTH, y: y + Math.floor(index / ACROSS) * HEIGHT };
      panels.push({ ...panelOf(panel), id: panels.length + 1, gridPos });
    });
    y += Math.ceil(own.length / ACROSS) * HEIGHT;
  }
  return `${JSON.stringify({ ...HEAD, panels }, null, 2)}\n`;
}

const SOURCE = { type: "prometheus", uid: "$" + "{DS_PROMETHEUS}" };

const panelOf = ({ title, unit, series }: Panel) => ({
  type: "timeseries",
  title,
  datasource: SOURCE,
  fieldConfig: {
    defaults: { unit, min: 0, custom: { lineWidth: 1, fillOpacity: 10, showPoints: "never" } },
    overrides: [],
  },
  options: {
    legend: { displayMode: "list", placement: "bottom", showLegend: true },
    tooltip: { mode: "multi", sort: "desc" },
  },
  targets: series.map(([expr, legendFormat], index) => ({
    ...{ refId: String.fromCharCode("A".charCodeAt(0) + index), datasource: SOURCE, expr, legendFormat, range: true },
  })),
});

const HEAD = {
  __inputs: [
    {
      name: "DS_PROMETHEUS",
      label: "Prometheus",
      type: "datasource",
      pluginId: "prometheus",
      pluginName: "Prometheus",
    },
  ],
  title: "Rowhouse",
  uid: "rowhouse",
  tags: ["rowhouse"],
  schemaVersion: 39,
  version: 1,
  refresh: "30s",
  time: { from: "now-3h", to: "now" },
  timezone: "browser",
  editable: true,
  templating: {
    list: [
      {
        ...{ name: "instance", label: "Process", type: "query", datasource: SOURCE, refresh: 2, sort: 1 },
        ...{ multi: true, includeAll: true, current: { text: "All", value: "$__all" } },
        query: { query: "label_values(rowhouse_http_requests_running, instance)", refId: "instance" },
      },
    ],
  },
};
