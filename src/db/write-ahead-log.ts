import { type FileHandle, open } from "node:fs/promises";
import { PlatformError } from "../domain/errors.ts";

/** The write-ahead log of a database file, as far as its way to the disk is concerned. */
export interface WriteAheadLog {
  /**
   * Settles when everything that was committed before the call is on the disk. Who asks while the disk is busy shares
   * the next turn with all who do. Throws `unavailable` (`database_unreadable`) when it cannot be known.
   */
  flushed(): Promise<void>;
  /** A connection has gone. With the last one SQLite takes the file away, and the next one makes another. */
  renew(): void;
  /** Ends it; whoever waits is told first. */
  close(): Promise<void>;
}

/** Brings a file's data to the disk, and settles when they are there. */
export type Datasync = (handle: FileHandle) => Promise<void>;

/** Opens the log when it is first asked for. Unlike the database file nobody locks it: it may be opened beside SQLite. */
export function createWriteAheadLog(path: string, datasync: Datasync = (handle) => handle.datasync()): WriteAheadLog {
  let current = openedOnce(path, datasync);
  let ended: Promise<unknown> = Promise.resolve();
  return {
    flushed: () => current.flushed(),
    renew() {
      ended = Promise.all([ended, current.close()]);
      current = openedOnce(path, datasync);
    },
    async close() {
      await Promise.all([ended, current.close()]);
    },
  };
}

function openedOnce(path: string, datasync: Datasync): Omit<WriteAheadLog, "renew"> {
  let handle: FileHandle | undefined;
  let running: Promise<void> | undefined;
  let following: Promise<void> | undefined;

  const flush = async () => {
    try {
      handle ??= await open(path, "r");
      await datasync(handle);
    } catch (cause) {
      throw unknownError(cause);
    }
  };
  const run = () => {
    following = undefined;
    running = flush().finally(() => {
      running = undefined;
    });
    return running;
  };

  return {
    flushed() {
      if (!running) return run();
      // What is under way may have begun before the commit was written.
      following ??= running.then(run, run);
      return following;
    },
    async close() {
      await (following ?? running)?.catch(() => undefined);
      // What was waited for is on the disk; a descriptor that cannot be closed is nobody's trouble.
      await handle?.close().catch(() => undefined);
    },
  };
}

const unknownError = (cause: unknown) =>
  new PlatformError("unavailable", "database_unreadable", "The disk does not say whether it has the change", { cause });
