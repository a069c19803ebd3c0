import type { DataAdapters } from "@authhero/adapter-interfaces";
import { readCensus } from "../../provisioning/census.ts";
import type { Providers } from "../../provisioning/ownership.ts";
import type { Pool } from "../../provisioning/pool.ts";
import { watchedProvider } from "../../provisioning/providers/watched.ts";
import type { Clock } from "../domain/clock.ts";
import { within } from "../domain/within.ts";
import type { Census, Metrics, Sources } from "../metrics/metrics.ts";
import type { ControlPlane } from "./control-plane.ts";

/** A scrape comes every some seconds; what it costs the control plane has a limit, and so has its patience. */
const CENSUS_KEPT_MS = 5_000;
const CENSUS_PATIENCE_MS = 2_000;

/** The providers with their calls, and those of their databases, measured. */
export function measuredProviders(providers: Providers, metrics: Metrics | undefined): Providers {
  if (!metrics) return providers;
  return Object.fromEntries(
    Object.entries(providers).map(([name, provider]) => [
      name,
      watchedProvider(provider, { calls: metrics.providerCalls(name), databases: metrics.databaseCalls(name) }),
    ]),
  );
}

/** The adapters for the relay: what becomes of an outbox's events is counted. */
export function countedOutbox(data: DataAdapters, metrics: Metrics | undefined): DataAdapters {
  const { outbox } = data;
  if (!outbox || !metrics) return data;
  return {
    ...data,
    outbox: {
      ...outbox,
      async markProcessed(ids) {
        await outbox.markProcessed(ids);
        metrics.outboxEvents("delivered", ids.length);
      },
      async markRetry(...retry) {
        await outbox.markRetry(...retry);
        metrics.outboxEvents("retried", 1);
      },
      async deadLetter(...event) {
        await outbox.deadLetter(...event);
        metrics.outboxEvents("dead", 1);
      },
    },
  };
}

interface Watched {
  readonly pool: Pick<Pool<unknown>, "stats">;
  readonly poolPlaces: number;
  readonly outboxTenants: () => number;
  readonly heardAt: () => Date;
  /** The version of what is shared; null when it was not read yet. */
  readonly sharedVersion: () => number | null;
  readonly clock: Clock;
}

/** What metrics are read from. The control plane is asked once in some seconds, however many ask. */
export function sourcesOf({ database, tenantId, outage }: ControlPlane, watched: Watched): Sources {
  const { pool, poolPlaces, outboxTenants, heardAt, sharedVersion, clock } = watched;
  let kept: { readonly untilMs: number; readonly answer: Promise<Census | null> } | undefined;
  // Nobody knows the numbers then, which is what null says; the metric rowhouse_registry_up shows it.
  const count = () => within(CENSUS_PATIENCE_MS, readCensus(database, tenantId, sharedVersion())).catch(() => null);

  const secondsSince = (date: Date) => Math.max(0, (clock().getTime() - date.getTime()) / 1_000);

  return {
    levels: () => ({
      pool: pool.stats(),
      poolPlaces,
      outboxTenants: outboxTenants(),
      followedAgeSeconds: secondsSince(heardAt()),
      awaySeconds: secondsSince(outage.since() ?? clock()),
    }),

    census() {
      const nowMs = clock().getTime();
      if (!kept || nowMs >= kept.untilMs) kept = { untilMs: nowMs + CENSUS_KEPT_MS, answer: count() };
      return kept.answer;
    },
  };
}
