import { setTimeout as sleep } from "node:timers/promises";
import { PlatformError } from "../domain/errors.ts";
import { createWaitingLine } from "../domain/waiting-line.ts";
import { closedError, isBusy } from "./errors.ts";

/** A writer that has not got its turn by then is told to come back: longer than one wait for the file lock. */
const QUEUE_WAIT_MS = 10_000;

/** Another process holds the lock for milliseconds; one that keeps it for seconds is stuck. */
const BUSY_WAIT_MS = 5_000;
const BUSY_PAUSE_MS_MAX = 20;

/** One at a time, in order of arrival. */
export interface Queue {
  /** Waits for a turn; the result ends it. `unavailable` with `database_busy` or `database_closed`. */
  enter(): Promise<() => void>;
  /** Refuses those who wait and waits for the one whose turn it is, up to the same limit. */
  close(): Promise<void>;
}

/** `waitMs`: how long anybody waits for a turn, in milliseconds. */
export function createQueue(waitMs = QUEUE_WAIT_MS): Queue {
  const line = createWaitingLine(waitMs, busyError);
  let taken = false;
  let closed = false;

  const next = () => {
    if (!line.admitFirst()) taken = false;
  };

  const turn = () => {
    let over = false;
    return () => {
      if (over) return;
      over = true;
      // Handing over on the next tick of the event loop lets timers and sockets in between two writers.
      if (line.length() > 0) setImmediate(next);
      else taken = false;
    };
  };

  return {
    async enter() {
      if (closed) throw closedError();
      if (taken) await line.wait();
      taken = true;
      return turn();
    },

    async close() {
      closed = true;
      line.refuseAll(closedError());
      // Whoever does not finish in time loses the connection under it, and SQLite rolls back.
      if (taken) await line.wait().catch(() => {});
    },
  };
}

/**
 * Repeats what found the database locked, with growing random pauses and without blocking the event loop.
 * After `BUSY_WAIT_MS` the `database_busy` comes through.
 */
export async function retryBusy<T>(attempt: () => T | Promise<T>, isPassing = isBusy): Promise<T> {
  let waitedMs = 0;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, BUSY_PAUSE_MS_MAX)) {
    try {
      return await attempt();
    } catch (error) {
      if (!isPassing(error) || waitedMs >= BUSY_WAIT_MS) throw error;
    }
    const restMs = pauseMs * (0.5 + Math.random() / 2);
    waitedMs += restMs;
    await sleep(restMs);
  }
}

function busyError(): PlatformError {
  return new PlatformError("unavailable", "database_busy", "Another transaction has held the database for too long");
}
