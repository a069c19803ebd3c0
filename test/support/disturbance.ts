import type { Fault } from "./turso-faults.ts";

/** Calls on one line, counted, of which some go wrong. */
export type Disturbance = ReturnType<typeof createDisturbance>;

export interface Trouble {
  readonly fault: Fault;
  /** The first call that goes wrong; the next one has the number 1. */
  readonly first: number;
  /** Whether all calls after it go wrong, too, until `end`. */
  readonly lasting: boolean;
}

export function createDisturbance() {
  let count = 0;
  let trouble: Trouble | undefined;

  return {
    /** Counts anew. */
    begin(next?: Trouble): void {
      count = 0;
      trouble = next;
    },
    /** The world is well again. */
    end(): void {
      trouble = undefined;
    },
    count: () => count,
    /** What is to become of the call that has just come. */
    take(): Fault | undefined {
      count += 1;
      if (!trouble) return undefined;
      const { first, lasting, fault } = trouble;
      return count === first || (lasting && count > first) ? fault : undefined;
    },
  };
}

/** A `fetch` on which calls go wrong as the disturbance says. What hangs has already hung for as long as anybody waits. */
export function disturbedFetch(disturbance: Disturbance): typeof fetch {
  return async (input, init) => {
    const fault = disturbance.take();
    if (!fault) return await fetch(input, init);
    if (fault.carriedOut) await (await fetch(input, init)).arrayBuffer();
    const { answer } = fault;
    if (answer === "hang") throw new DOMException("The operation was aborted due to timeout", "TimeoutError");
    if (answer === "cut") throw new TypeError("fetch failed", { cause: new Error("other side closed") });
    const { status, body = "", retryAfter } = answer;
    return new Response(body, { status, headers: retryAfter === undefined ? {} : { "retry-after": retryAfter } });
  };
}
