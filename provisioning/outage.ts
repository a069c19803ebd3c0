import { isUnreachable } from "../src/db/errors.ts";
import type { Clock } from "../src/domain/clock.ts";
import { PlatformError } from "../src/domain/errors.ts";
import type { Logger } from "../src/log/logger.ts";

/** So long a process may go on from what it knows while the control plane's database is away. */
export const OUTAGE_MS = 3_600_000;

/** What was read longer before the database went away is not used: whoever it is about was not there lately. */
export const WARM_MS = 600_000;

/** What was read, and when, in milliseconds of the clock. */
export interface Known<T> {
  readonly value: T;
  readonly readMs: number;
}

/**
 * Whether the control plane's database can be reached, as far as this process knows, and what may be done without it.
 *
 * It is away from the first question that does not reach it until this process has heard, from the database itself,
 * everything that others have changed meanwhile.
 */
export interface Outage {
  /** Since when it is away; null while it is not. */
  since(): Date | null;
  /** Throws `unavailable` (`control_plane_unreachable`) while it is away: for what must not be begun without it. */
  requireReachable(): void;
  /**
   * Reads from the database. While it is away: `known`, if that may still be used. `known` is asked at that moment,
   * so that what was forgotten during the reading is not used.
   */
  read<T>(load: () => Promise<T>, known: () => Known<T> | undefined): Promise<T>;
  /** Whether what was read then may be used while the database is away. */
  covers(readMs: number): boolean;
  /** Everything that others had changed by then, in milliseconds of the clock, has taken effect here. */
  heard(untilMs: number): void;
  /** The changes of others could not be asked for. */
  missed(error: unknown): void;
}

/** Begins as if everything had just been heard. Logs when the database goes away, and when it is back. */
export function createOutage(clock: Clock, log: Logger): Outage {
  const nowMs = () => clock().getTime();
  let away: Date | null = null;
  let heardMs = nowMs();

  const begin = (error: unknown) => {
    if (away) return;
    away = clock();
    log.error("control_plane.unreachable", { error });
  };
  const end = () => {
    if (away) log.warn("control_plane.reachable", { since: away.toISOString() });
    away = null;
  };
  const covers = (readMs: number) => nowMs() < heardMs + OUTAGE_MS && readMs >= heardMs - WARM_MS;

  return {
    since: () => away,
    covers,

    requireReachable() {
      if (away) throw new PlatformError("unavailable", "control_plane_unreachable", "The control plane is away");
    },

    async read(load, known) {
      const usable = () => {
        const found = known();
        return found && covers(found.readMs) ? found : undefined;
      };
      // Nobody waits for a server that does not answer; whether it does again, is found out behind the requests.
      const found = away ? usable() : undefined;
      if (found) return found.value;
      try {
        return await load();
      } catch (error) {
        if (!isUnreachable(error)) throw error;
        begin(error);
        const kept = usable();
        if (!kept) throw error;
        return kept.value;
      }
    },

    heard(untilMs) {
      heardMs = untilMs;
      end();
    },

    missed(error) {
      // One that refuses or fails is there, and has the word.
      if (isUnreachable(error)) begin(error);
      else end();
    },
  };
}
