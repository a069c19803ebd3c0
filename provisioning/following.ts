import { setImmediate as nextTick, setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../src/domain/clock.ts";
import type { Logger } from "../src/log/logger.ts";
import { LEASE_MS } from "./operation-rows.ts";
import type { Outage } from "./outage.ts";
import type { Change, Processes } from "./processes.ts";
import type { Registry } from "./registry.ts";

/** What another process changes shows here within two seconds: a turn may take one of them. */
const EVERY_MS = 1_000;

/** A lease is renewed so often that two lost renewals do no harm. */
const RENEWAL_MS = LEASE_MS / 3;

export interface FollowingOptions {
  readonly processes: Pick<Processes, "acknowledge" | "changesAfter" | "deregister" | "forgetGone">;
  readonly registry: Pick<Registry, "forget">;
  /** Told of every turn whether it has heard everything. */
  readonly outage: Pick<Outage, "heard" | "missed" | "since">;
  /** Settles when this process uses nothing any more that the change has taken away. Must not fail. */
  readonly letGo: (change: Change) => Promise<unknown>;
  /** Called when other processes have died: they may have left work behind. */
  readonly left: () => void;
  /** What `register` of the processes said. */
  readonly from: number;
  readonly log: Logger;
  readonly clock: Clock;
}

/** Follows what other processes change, and tells them how far it has come. */
export interface Following {
  /** Reads what has changed and acts on it. A timer calls it too. Throws what the control plane's database throws. */
  turn(): Promise<void>;
  /** When it last knew all that others had changed. */
  heardAt(): Date;
  /** Ends it, and takes this process off the list: to be called when no database is open any more. */
  stop(): Promise<void>;
}

/** Begins to follow the changes, once a second until it is stopped. */
export function startFollowing({ processes, outage, log, ...options }: FollowingOptions): Following {
  const stopping = new AbortController();
  const { signal } = stopping;
  const follower = createFollower({ processes, outage, ...options });

  const follow = async () => {
    let isFailing = false;
    while (!signal.aborted) {
      try {
        await follower.turn();
        isFailing = false;
      } catch (error) {
        // Tried again. An outage has been told of; what else it is, is told once.
        if (!isFailing && outage.since() === null) log.error("changes.not_heard", { error });
        isFailing = true;
      }
      await sleep(EVERY_MS, undefined, { signal, ref: false }).catch(() => {});
    }
  };
  const ended = follow();

  return {
    turn: follower.turn,
    heardAt: follower.heardAt,

    async stop() {
      stopping.abort();
      await ended;
      try {
        await processes.deregister();
      } catch (error) {
        // Others see that it is gone, or wait until its lease is long over.
        log.warn("process.not_deregistered", { error });
      }
    },
  };
}

function createFollower(options: Omit<FollowingOptions, "log">) {
  const { processes, registry, outage, letGo, left, from, clock } = options;
  /** By tenant, how many changes have not been let go of. */
  const holding = new Map<string, number>();
  let heard = from;
  let heardAt = clock();
  let isToldAll = true;
  let renewAtMs = 0;
  let turns = Promise.resolve();

  const release = (tenantId: string) => {
    const left = (holding.get(tenantId) ?? 1) - 1;
    if (left > 0) holding.set(tenantId, left);
    else holding.delete(tenantId);
    isToldAll = false;
  };

  const hear = async (changes: readonly Change[]) => {
    for (const { tenantId } of changes) registry.forget(tenantId);
    // Whoever was answered from before it is in the pool by then, and is waited for.
    await nextTick();
    for (const change of changes) {
      const { tenantId } = change;
      holding.set(tenantId, (holding.get(tenantId) ?? 0) + 1);
      void letGo(change).then(() => release(tenantId));
    }
    // What nobody uses is let go of at once and need not be told apart.
    await nextTick();
    heard = changes.at(-1)?.number ?? heard;
    isToldAll = false;
  };

  const tell = async () => {
    const nowMs = clock().getTime();
    const isRenewal = nowMs >= renewAtMs;
    if (isToldAll && !isRenewal) return;
    isToldAll = true;
    try {
      await processes.acknowledge({ number: heard, holding: [...holding.keys()] });
    } catch (error) {
      isToldAll = false;
      throw error;
    }
    if (!isRenewal) return;
    renewAtMs = nowMs + RENEWAL_MS;
    if ((await processes.forgetGone()) > 0) left();
  };

  const hearAll = async () => {
    let changes = await processes.changesAfter(heard);
    while (changes.length > 0) {
      await hear(changes);
      changes = await processes.changesAfter(heard);
    }
    await tell();
  };

  const turn = async () => {
    const began = clock();
    try {
      await hearAll();
    } catch (error) {
      outage.missed(error);
      throw error;
    }
    // What was changed while it went on, it may not have seen.
    heardAt = began;
    outage.heard(began.getTime());
  };

  return {
    heardAt: () => heardAt,

    /** One after the other: a change that is being let go of must not be acknowledged by the turn behind it. */
    turn(): Promise<void> {
      const mine = turns.then(turn);
      turns = mine.catch(() => {});
      return mine;
    },
  };
}
