import type { Logger } from "../log/logger.ts";

/** Changes often come together. */
const REST_MS = 1_000;

/** Whoever could not be reached is tried again, ever more seldom. */
const RETRY_MS = 5_000;
const RETRY_MAX_MS = 300_000;

/**
 * Brings tenants forward behind the requests: when there is something to do, and until nobody is left. `run` answers
 * whether that is so.
 */
export function createSyncRounds(run: (signal: AbortSignal) => Promise<boolean>, log: Pick<Logger, "error">) {
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let retryMs = RETRY_MS;

  const round = async () => {
    timer = undefined;
    try {
      if (await run(stopping.signal)) retryMs = RETRY_MS;
      else again();
    } catch (error) {
      log.error("sync.failed", { error });
      again();
    }
  };
  const after = (ms: number) => {
    if (stopping.signal.aborted || timer) return;
    timer = setTimeout(() => {
      // One after the other: who wakes it during a round means the next.
      running = (running ?? Promise.resolve()).then(round);
    }, ms).unref();
  };
  const again = () => {
    after(retryMs);
    retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
  };

  return {
    wake: () => after(REST_MS),

    async stop(): Promise<void> {
      stopping.abort();
      clearTimeout(timer);
      await running;
    },
  };
}
