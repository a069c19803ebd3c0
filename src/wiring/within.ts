import { setTimeout as sleep } from "node:timers/promises";

/** What work answers, or null when it takes longer than that; what it throws in time. It goes on by itself. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T | null> {
  const waiting = new AbortController();
  const late = sleep(ms, null, { signal: waiting.signal, ref: false }).catch(() => null);
  try {
    return await Promise.race([work, late]);
  } finally {
    waiting.abort();
  }
}
