import { METRICS, type Metric } from "../src/metrics/table.ts";

/** The table of docs/observability.md. */
export function metricsTable(): string {
  const rows = Object.entries<Metric>(METRICS).map(
    ([name, { type, labels = [], help }]) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(", ")} | ${help} |\n`,
  );
  return `| name | type | labels | |\n|---|---|---|---|\n${rows.join("")}`;
}
