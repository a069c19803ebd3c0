import { PlatformError } from "./errors.ts";

/** Work that goes on behind its answer, so that the end of the process can wait for it. At most `max` at a time. */
export function createPending(max: number) {
  const works = new Set<Promise<void>>();
  return {
    /** Begins `work`, which handles its own failures. `unavailable` (`too_much_pending`) when too much is under way. */
    add(work: () => Promise<void>): void {
      if (works.size >= max) {
        throw new PlatformError("unavailable", "too_much_pending", "Too much of this is under way; try again");
      }
      const running: Promise<void> = work().finally(() => works.delete(running));
      works.add(running);
    },

    /** Settles when nothing is under way. */
    async idle(): Promise<void> {
      while (works.size > 0) await Promise.allSettled(works);
    },
  };
}

export type Pending = ReturnType<typeof createPending>;
