import type { Clock } from "../../src/domain/clock.ts";
import { PlatformError } from "../../src/domain/errors.ts";

/** Within half a minute a hiccup is over; what lasts longer is for the operation that asked, which is resumed later. */
const PATIENCE_MS = 30_000;
const ATTEMPTS_MAX = 6;

/** Doubled with every attempt, up to the maximum. */
const PAUSE_MS = 250;
const PAUSE_MAX_MS = 4_000;

/** Why a call failed that may be repeated; every other error ends it at once. */
const TRANSIENT = ["platform_failed", "rate_limited"];

/** Where time comes from; tests hand in a clock that their `sleep` moves. */
export interface Time {
  readonly clock: Clock;
  readonly sleep: (ms: number) => Promise<unknown>;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
}

export type Patience = ReturnType<typeof createPatience>;

/** How long Turso is waited for, and how often asked. One for all calls with one API token: they share its limit. */
export function createPatience({ clock, sleep, random }: Time) {
  let quietUntil = 0;
  const now = () => clock().getTime();

  /** Half of it is chance, so that many callers that failed together do not come back together. */
  const pauseAfter = (attempt: number) => Math.min(PAUSE_MAX_MS, PAUSE_MS * 2 ** (attempt - 1)) * (0.5 + random() / 2);

  /** Sleeps before the next attempt; false when it would come after the deadline. */
  const rest = async (attempt: number, deadline: number): Promise<boolean> => {
    const pause = pauseAfter(attempt);
    if (now() + pause > deadline) return false;
    await sleep(pause);
    return true;
  };

  /** Whoever asks before Turso's limit has passed only prolongs it. Throws when that is too late. */
  const waitForQuiet = async (deadline: number): Promise<void> => {
    const quietMs = quietUntil - now();
    if (quietMs <= 0) return;
    if (quietUntil > deadline) throw new PlatformError("unavailable", "rate_limited", "Turso asks us to wait");
    // The chance spreads those who have waited together.
    await sleep(quietMs + random() * PAUSE_MS);
  };

  return {
    now,
    rest,

    /** Takes note of a `Retry-After` (RFC 9110, section 10.2.3: seconds or a date); nothing is asked until then. */
    holdOff(retryAfter: string | null | undefined): void {
      const until = /^\d{1,9}$/.test(retryAfter ?? "")
        ? now() + Number(retryAfter) * 1000
        : Date.parse(retryAfter ?? "");
      if (until > quietUntil) quietUntil = until;
    },

    /**
     * Makes a call that may be repeated, until it answers or the patience ends: then its last error is thrown,
     * `unavailable` (`platform_failed` or `rate_limited`).
     */
    async repeat<T>(call: () => Promise<T>, budgetMs = PATIENCE_MS): Promise<T> {
      const deadline = now() + budgetMs;
      for (let attempt = 1; ; attempt++) {
        await waitForQuiet(deadline);
        try {
          return await call();
        } catch (error) {
          const mayRepeat = error instanceof PlatformError && TRANSIENT.includes(error.reason);
          if (!mayRepeat || attempt === ATTEMPTS_MAX || !(await rest(attempt, deadline))) throw error;
        }
      }
    },
  };
}
