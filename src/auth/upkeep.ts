import { setTimeout as sleep } from "node:timers/promises";
import type { DataAdapters } from "@authhero/adapter-interfaces";
import { runRetention } from "authhero";
import type { Clock } from "../domain/clock.ts";
import { plainId } from "../domain/ids.ts";
import type { Logger } from "../log/logger.ts";
import { runInContext } from "../tenancy/context.ts";
import { relayOutbox } from "./relay.ts";

export interface UpkeepOptions {
  readonly data: DataAdapters;
  /** Every tenant that can be served, the control plane included. */
  readonly tenants: () => AsyncIterable<string>;
  /** Signing keys made in advance: `refill` makes one, false when there are enough. */
  readonly keys: { isFull(): Promise<boolean>; refill(): Promise<boolean> };
  /** Removes what has expired beside the tenants. */
  readonly sweepShared: () => Promise<unknown>;
  /** Does what one of several processes does for all, unless another is at it. */
  readonly ifFree: (name: string, work: () => Promise<void>) => Promise<unknown>;
  /** The canonical origin of a tenant: the issuer of what is sent in its name. */
  readonly originOf: (tenantId: string) => Promise<URL>;
  readonly log: Logger;
  readonly clock: Clock;
}

export interface Upkeep {
  /** A process has died and may have left something behind: what is left in outboxes is delivered. */
  tidy(): void;
  /** A request has left something in a tenant's outbox: it is delivered in a moment. */
  wake(tenantId: string): void;
  /** How many tenants' outboxes are to be looked at again. */
  waiting(): number;
  stop(): Promise<void>;
}

// After a write: at once for what arrives within a moment, then when what had failed is due again (AuthHero tries
// five times within a minute), and once more for good measure. What is left then waits for the daily round.
const ROUNDS_MS = [20, 15_000, 60_000, 300_000];
const TICK_MS = 1_000;
const SWEEP_EVERY_MS = 24 * 3_600_000;

// A key keeps a processor busy for a tenth of a second; the pauses are the requests'.
const REFILL_EVERY_MS = 10_000;
const REFILL_PAUSE_MS = 300;

/** Delivers what is left in outboxes and removes what has expired, one tenant at a time, until it is stopped. */
export function startUpkeep(options: UpkeepOptions): Upkeep {
  const relays = createRelays(options);
  const deliver = oneAtATime(relays.run, options.log);
  const { keys, ifFree, log } = options;
  const sweep = oneAtATime((stopped) => ifFree("housekeeping", () => sweepAll(options, relays, stopped)), log);
  const refill = oneAtATime(async (stopped) => {
    // Looked at first, because it nearly always is, and a lease is two writes.
    if (!(await keys.isFull())) await ifFree("key-reserve", () => refillAll(keys.refill, stopped));
  }, log);
  const timers = [
    setInterval(deliver.run, TICK_MS),
    setInterval(sweep.run, SWEEP_EVERY_MS),
    setInterval(refill.run, REFILL_EVERY_MS),
  ];
  let waking: NodeJS.Timeout | undefined;
  // At the start too: a killed process may have left something behind.
  sweep.run();

  return {
    tidy: sweep.run,

    wake(tenantId) {
      relays.expect(tenantId);
      waking ??= setTimeout(() => {
        waking = undefined;
        deliver.run();
      }, ROUNDS_MS[0]).unref();
    },

    waiting: relays.waiting,

    async stop() {
      for (const timer of timers) clearInterval(timer);
      clearTimeout(waking);
      await Promise.all([deliver.stop(), sweep.stop(), refill.stop()]);
      // What the last requests have left is not for the next start.
      await relays.flush();
    },
  };
}

async function refillAll(refillOne: () => Promise<boolean>, stopped: () => boolean): Promise<void> {
  while (!stopped() && (await refillOne())) await sleep(REFILL_PAUSE_MS);
}

/** A job that runs once at a time; asked again meanwhile, it runs again behind. What it throws is logged. */
function oneAtATime(job: (stopped: () => boolean) => Promise<unknown>, log: Logger) {
  let stopped = false;
  let running: Promise<unknown> | undefined;
  let again = false;

  const run = () => {
    if (stopped) return;
    again = running !== undefined;
    running ??= job(() => stopped)
      .catch((error: unknown) => log.error("upkeep.failed", { error }))
      .finally(() => {
        running = undefined;
        if (again) run();
      });
  };
  return {
    run,
    async stop() {
      stopped = true;
      await running;
    },
  };
}

/** Whose outbox is to be looked at, and when. */
function createRelays({ data, originOf, log, clock }: Pick<UpkeepOptions, "data" | "originOf" | "log" | "clock">) {
  const due = new Map<string, { readonly round: number; readonly at: number }>();
  const plan = (tenantId: string, round: number) => {
    const delay = ROUNDS_MS[round];
    if (delay === undefined) due.delete(tenantId);
    else due.set(tenantId, { round, at: clock().getTime() + delay });
  };

  /** False when it failed: logged here, at the edge, because the tenant's turn comes again. */
  const attempt = async (tenantId: string): Promise<boolean> => {
    try {
      const origin = await originOf(tenantId);
      await runInContext(jobContext(tenantId, origin), () => relayOutbox(data, origin.href));
      return true;
    } catch (error) {
      log.warn("outbox.relay_failed", { tenant: tenantId, error });
      return false;
    }
  };

  return {
    expect: (tenantId: string) => plan(tenantId, 0),
    waiting: () => due.size,

    /** Delivers what was never tried. What fails stays in its outbox, where the next start finds it. */
    async flush() {
      for (const [tenantId, { round }] of due) if (round === 0) await attempt(tenantId);
    },
    attempt,

    async run(stopped: () => boolean) {
      for (const [tenantId, planned] of due) {
        if (stopped()) return;
        if (planned.at > clock().getTime()) continue;
        const delivered = await attempt(tenantId);
        // Written to again meanwhile: that is a round of its own.
        if (due.get(tenantId) === planned) plan(tenantId, delivered ? planned.round + 1 : Math.max(1, planned.round));
      }
    },
  };
}

/** What is left in every outbox, and what has expired in every database. */
async function sweepAll(
  { data, tenants, sweepShared, originOf, log }: UpkeepOptions,
  relays: { attempt(tenantId: string): Promise<boolean> },
  stopped: () => boolean,
): Promise<void> {
  await sweepShared();
  for await (const tenantId of tenants()) {
    if (stopped()) return;
    await relays.attempt(tenantId);
    try {
      const origin = await originOf(tenantId);
      await runInContext(jobContext(tenantId, origin), () => runRetention({ dataAdapter: data }));
    } catch (error) {
      // The next round comes, and the other tenants must not wait for it.
      log.warn("retention.failed", { tenant: tenantId, error });
    }
  }
}

const jobContext = (tenantId: string, origin: URL) => ({ requestId: plainId(), tenantId, origin });
