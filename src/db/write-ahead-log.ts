import { type FileHandle, open } from "node:fs/promises";
import { PlatformError } from "../domain/errors.ts";

/** The write-ahead log of a database file, as far as its way to the disk is concerned. */
export interface WriteAheadLog {
  /**
   * Throws `unavailable` (`database_unreadable`) after a sync that failed, for good: the system may have forgotten what it
   * could not write, and a later sync that succeeds says nothing about that. Opening the database anew begins anew, after
   * what the log holds was brought into the database.
   */
  requireTrust(): void;
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

/** Opens the log when it is first asked for, because SQLite makes it at the first write. Unlike the database file nobody locks it: it may be opened beside SQLite. */
export function createWriteAheadLog(path: string, datasync: Datasync = (handle) => handle.datasync()): WriteAheadLog {
  let failure: PlatformError | undefined;
  const requireTrust = () => {
    if (failure) throw failure;
  };
  const sync: Datasync = async (handle) => {
    await datasync(handle).catch((cause: unknown) => {
      failure ??= unreadable("The disk does not say whether it has the change", cause);
    });
    requireTrust();
  };
  let current = openedOnce(path, sync);
  let ended: Promise<unknown> = Promise.resolve();

  return {
    requireTrust,
    flushed: () => current.flushed(),
    renew() {
      ended = Promise.all([ended, current.close()]);
      current = openedOnce(path, sync);
    },
    async close() {
      await Promise.all([ended, current.close()]);
    },
  };
}

/** The log of one life of the file. */
function openedOnce(path: string, sync: Datasync) {
  let opening: Promise<FileHandle> | undefined;
  let running: Promise<void> | undefined;
  let following: Promise<void> | undefined;

  const handle = () => {
    opening ??= open(path, "r").catch((cause: unknown) => {
      opening = undefined;
      throw unreadable("The database's log cannot be opened", cause);
    });
    return opening;
  };
  const run = () => {
    following = undefined;
    running = handle()
      .then(sync)
      .finally(() => {
        running = undefined;
      });
    return running;
  };

  return {
    flushed(): Promise<void> {
      if (!running) return run();
      // What is under way may have begun before the commit was written.
      following ??= running.then(run, run);
      return following;
    },
    async close(): Promise<void> {
      // Whoever waits hears of a failure; a descriptor that cannot be closed is nobody's trouble.
      await (following ?? running)?.catch(() => undefined);
      await opening?.then((opened) => opened.close()).catch(() => undefined);
    },
  };
}

const unreadable = (message: string, cause: unknown) =>
  new PlatformError("unavailable", "database_unreadable", message, { cause });
