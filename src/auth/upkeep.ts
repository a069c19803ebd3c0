import type { DataAdapters } from "@authhero/adapter-interfaces";
import { runOutboxRelay, runRetention } from "authhero";
import { plainId } from "../domain/ids.ts";
import type { Logger } from "../log/logger.ts";
import { runInContext } from "../tenancy/context.ts";

export interface UpkeepOptions {
  readonly data: DataAdapters;
  /** Every tenant that can be served, the control plane included. */
  readonly tenants: () => AsyncIterable<string>;
  /** Removes what has expired beside the tenants. */
  readonly sweepShared: () => Promise<unknown>;
  /** The canonical origin of a tenant: the issuer of what is sent in its name. */
  readonly originOf: (tenantId: string) => URL;
  /** Tenants whose outbox has been written to in this process; taking empties it. */
  readonly takePending: () => readonly string[];
  readonly log: Logger;
}

// Delivery normally happens right behind the response; this is for what failed or was cut off.
const RELAY_EVERY_MS = 15_000;
const RETENTION_EVERY_MS = 24 * 3_600_000;

/** Delivers what is left in outboxes and removes what has expired, one tenant at a time, until it is stopped. */
export function startUpkeep(options: UpkeepOptions): { stop(): Promise<void> } {
  const { log, takePending } = options;
  const left = new Set<string>();
  let nextSweepAt = 0;
  let stopped = false;
  let running: Promise<void> = Promise.resolve();

  /** False when it failed: logged here, at the edge, because the tenant's turn comes again. */
  const attempt = async (event: string, tenantId: string, work: () => Promise<unknown>): Promise<boolean> => {
    try {
      await runInContext({ requestId: plainId(), tenantId, origin: options.originOf(tenantId) }, work);
      return true;
    } catch (error) {
      log.warn(event, { tenant: tenantId, error });
      return false;
    }
  };

  const relay = async (tenantId: string) => {
    const issuer = options.originOf(tenantId).href;
    const relayed = await attempt("outbox.relay_failed", tenantId, () =>
      runOutboxRelay({ dataAdapter: options.data, issuer }),
    );
    if (relayed) left.delete(tenantId);
    else left.add(tenantId);
  };

  const tick = async () => {
    if (Date.now() >= nextSweepAt) {
      nextSweepAt = Date.now() + RETENTION_EVERY_MS;
      await options.sweepShared();
      // At start this also finds what a killed process had left behind.
      for await (const tenantId of options.tenants()) {
        if (stopped) return;
        await relay(tenantId);
        await attempt("retention.failed", tenantId, () => runRetention({ dataAdapter: options.data }));
      }
      return;
    }
    for (const tenantId of new Set([...left, ...takePending()])) {
      if (stopped) return;
      await relay(tenantId);
    }
  };

  const run = () => {
    running = running.then(tick).catch((error: unknown) => log.error("upkeep.failed", { error }));
  };
  const timer = setInterval(run, RELAY_EVERY_MS);
  run();

  return {
    async stop() {
      stopped = true;
      clearInterval(timer);
      await running;
    },
  };
}
