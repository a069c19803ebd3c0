import type { DataAdapters } from "@authhero/adapter-interfaces";
import { readCensus } from "../../provisioning/census.ts";
import type { LifecycleOptions } from "../../provisioning/lifecycle.ts";
import type { Providers } from "../../provisioning/ownership.ts";
import type { Pool } from "../../provisioning/pool.ts";
import type { DatabaseProvider } from "../../provisioning/providers/provider.ts";
import { watchedProvider } from "../../provisioning/providers/watched.ts";
import { type Around, nested } from "../domain/around.ts";
import type { Clock } from "../domain/clock.ts";
import { within } from "../domain/within.ts";
import type { Census, Metrics, Sources } from "../metrics/metrics.ts";
import type { Traces } from "../traces/traces.ts";
import { type ControlPlane, OWN_PLACE } from "./control-plane.ts";

/** A scrape comes every some seconds; what it costs the control plane has a limit, and so has its patience. */
const CENSUS_KEPT_MS = 5_000;
const CENSUS_PATIENCE_MS = 2_000;

/** Who stands around the work, if anybody does: what nobody watches has nothing around it. */
export interface Watchers {
  readonly metrics?: Metrics | undefined;
  readonly traces?: Traces | undefined;
}

/** The providers with their calls, and those of their databases, measured and traced. */
export function watchedProviders(providers: Providers, { metrics, traces }: Watchers): Providers {
  if (!metrics && !traces) return providers;
  const watched = (name: string, provider: DatabaseProvider) => {
    const measured = metrics?.databaseCalls(name);
    return watchedProvider(provider, {
      calls: nested(metrics?.providerCalls(name), traces?.providerCalls(name)),
      databases: (database) => nested(measured, traces?.databaseCalls(name, database)),
    });
  };
  return Object.fromEntries(Object.entries(providers).map(([name, provider]) => [name, watched(name, provider)]));
}

/** Around the trips to the control plane's own database; undefined when nobody watches them. */
export function aroundControlPlane({ metrics, traces }: Watchers): Around | undefined {
  if (!metrics && !traces) return undefined;
  return nested(metrics?.databaseCalls(OWN_PLACE), traces?.databaseCalls(OWN_PLACE));
}

/** What the life of tenants tells watchers: of attempts at operations and their steps. */
export const watchedLifecycle = ({
  metrics,
  traces,
}: Watchers): Pick<LifecycleOptions, "around" | "aroundAttempt" | "ended"> => ({
  ended: metrics?.operationEnded,
  around: traces?.step,
  aroundAttempt:
    traces && (({ kind, tenantId, lease }, run) => traces.attempt({ kind, tenantId, id: lease.operationId }, run)),
});

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
