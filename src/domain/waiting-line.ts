import type { PlatformError } from "./errors.ts";

interface Waiter {
  admit(): void;
  refuse(error: PlatformError): void;
}

/** People who wait in order of arrival, none of them longer than `waitMs` milliseconds; then `tooLate` is thrown. */
export function createWaitingLine(waitMs: number, tooLate: () => PlatformError) {
  const waiting = new Set<Waiter>();

  return {
    /** Settles when it is one's turn, or throws. */
    wait: () =>
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
        const timer = setTimeout(() => waiter.refuse(tooLate()), waitMs);
        waiting.add(waiter);
      }),

    /** Lets in the one who has waited longest; false when nobody waits. */
    admitFirst(): boolean {
      const [first] = waiting;
      first?.admit();
      return first !== undefined;
    },

    refuseAll(error: PlatformError): void {
      for (const waiter of waiting) waiter.refuse(error);
    },

    length: () => waiting.size,
  };
}
