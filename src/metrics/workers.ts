import { AggregatorRegistry } from "prom-client";
import type { Metrics } from "./metrics.ts";

/** In a worker: the process that hands out the connections may ask for these. */
export function shareMetrics({ registry }: Metrics): void {
  AggregatorRegistry.setRegistries([registry]);
  new AggregatorRegistry();
}

/** The metrics of all workers, added up. Throws when one of them does not answer within five seconds. */
export function sumOfWorkers(): () => Promise<string> {
  const sum = new AggregatorRegistry();
  return () => sum.clusterMetrics();
}
