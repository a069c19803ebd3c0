import type { PlatformError } from "./errors.ts";
import { createWaitingLine } from "./waiting-line.ts";

/**
 * A number of places that are taken and given back, in order of arrival.
 * `waitMs`: how long anybody waits for one, in milliseconds; then `exhausted` is thrown.
 */
export function createCapacity(places: number, waitMs: number, exhausted: () => PlatformError) {
  const line = createWaitingLine(waitMs, exhausted);
  let taken = 0;

  return {
    /** Takes a place, waiting for one if need be. */
    async take(): Promise<void> {
      if (taken >= places) return await line.wait();
      taken += 1;
    },

    /** Gives a place back: to the one who has waited longest, if anybody has. */
    giveBack(): void {
      if (!line.admitFirst()) taken -= 1;
    },

    refuseAll: line.refuseAll,

    taken: () => taken,
    waiting: line.length,
  };
}
