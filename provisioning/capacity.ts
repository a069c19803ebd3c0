import { PlatformError } from "../src/domain/errors.ts";

interface Waiter {
  admit(): void;
  refuse(error: PlatformError): void;
}

/**
 * A number of places that are taken and given back, in order of arrival.
 * `waitMs`: how long anybody waits for one, in milliseconds.
 */
export function createCapacity(places: number, waitMs: number) {
  const waiting = new Set<Waiter>();
  let taken = 0;

  const wait = () =>
    new Promise<void>((resolve, reject) => {
      const leave = () => {
        clearTimeout(timer);
        waiting.delete(waiter);
      };
      const waiter: Waiter = {
        admit() {
          leave();
          resolve();
        },
        refuse(error) {
          leave();
          reject(error);
        },
      };
      const timer = setTimeout(() => waiter.refuse(exhausted(places)), waitMs);
      waiting.add(waiter);
    });

  return {
    /** Takes a place, waiting for one if need be. `unavailable` (`pool_exhausted`) when none comes free in time. */
    async take(): Promise<void> {
      if (taken >= places) return await wait();
      taken += 1;
    },

    /** Gives a place back: to the one who has waited longest, if anybody has. */
    giveBack(): void {
      const [first] = waiting;
      if (first) first.admit();
      else taken -= 1;
    },

    refuseAll(error: PlatformError): void {
      for (const waiter of waiting) waiter.refuse(error);
    },

    taken: () => taken,
    waiting: () => waiting.size,
  };
}

function exhausted(places: number): PlatformError {
  return new PlatformError("unavailable", "pool_exhausted", `All ${places} databases that may be open are in use`);
}
