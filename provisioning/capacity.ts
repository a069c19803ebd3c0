import { PlatformError } from "../src/domain/errors.ts";
import { createWaitingLine } from "../src/domain/waiting-line.ts";

/**
 * A number of places that are taken and given back, in order of arrival.
 * `waitMs`: how long anybody waits for one, in milliseconds.
 */
export function createCapacity(places: number, waitMs: number) {
  const line = createWaitingLine(waitMs, () => exhausted(places));
  let taken = 0;

  return {
    /** Takes a place, waiting for one if need be. `unavailable` (`pool_exhausted`) when none comes free in time. */
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

function exhausted(places: number): PlatformError {
  return new PlatformError("unavailable", "pool_exhausted", `All ${places} databases that may be open are in use`);
}
