import { stat } from "node:fs/promises";
import { setImmediate as nextTick } from "node:timers/promises";
import { PlatformError } from "../domain/errors.ts";
import { type Connection, connect } from "./connection.ts";
import type { Database, Statement, StatementResult } from "./database.ts";
import { createDialect, runAll, type Transaction } from "./dialect.ts";
import { closedError, isBusy, lostTransactionError } from "./errors.ts";
import { createFileOnce, hasCode } from "./files.ts";
import { createQueue, type Queue, retryBusy } from "./queue.ts";
import { kindOf } from "./sql.ts";
import { createWriteAheadLog, type Datasync, type WriteAheadLog } from "./write-ahead-log.ts";

/** Native calls block, so after this many the event loop gets its turn: about a millisecond of reads. */
const CALLS_PER_TICK = 64;

/** So many writes are done between two turns of the event loop; more of them at once let it have its turn in between. */
const WRITES_PER_TICK = CALLS_PER_TICK;

/** These cannot run inside a transaction. */
const BARE = /^\s*(?:vacuum|pragma)\b/i;

export interface FileOptions {
  /**
   * Makes an empty database when there is none, for its owner only: secrets inside are sealed, names and
   * password hashes are not. Without it a missing file is `not_found`.
   */
  readonly create?: boolean;
  /** The caller has just seen that there is one. */
  readonly isThere?: boolean;
  /** Of a file that is still empty: a power of two from 512 to 65536. It stays for good. Default: SQLite's 4096. */
  readonly pageBytes?: number;
  /** How what is written is brought to the disk. Default: `fdatasync`, on another thread. */
  readonly datasync?: Datasync;
}

/**
 * Opens a database file with the native driver: one connection for reads and short writes, one for transactions.
 *
 * Throws `not_found` (`database_missing`) and `unavailable` (`database_unreadable`, `database_busy`).
 * A short write begins and ends within one turn of the event loop, so no read can see the middle of it. The other
 * connection opens at the first transaction. Writing is done in turns. Every write is a transaction of its own, because
 * then only BEGIN IMMEDIATE can find the file locked, when nothing has run yet and repeating is safe. It is answered when
 * it is on the disk, and meanwhile others have their turns.
 */
export async function openFile(path: string, options: FileOptions = {}): Promise<Database> {
  const { create = false, isThere = false, pageBytes, datasync } = options;
  if (!isThere) await requireFile(path, create);
  const breathe = createBreather();
  const log = createWriteAheadLog(`${path}-wal`, datasync);
  const near = await openNear(path, log, pageBytes);
  const queue = createQueue();
  const far = createFar(path, { queue, breathe, log });
  let closing: Promise<void> | undefined;

  const write = async (statements: readonly Statement[]): Promise<readonly StatementResult[]> => {
    if (statements.length > WRITES_PER_TICK) return runAll(await far.begin(), statements);
    const leave = await queue.enter();
    const results = await near.write(statements).finally(leave);
    await log.flushed();
    return results;
  };

  const pass = async () => {
    await breathe();
    if (closing) throw closedError();
  };

  const batch = async (statements: readonly Statement[]): Promise<readonly StatementResult[]> => {
    await pass();
    if (statements.length === 0) return [];
    if (statements.every(({ sql }) => kindOf(sql) === "read")) return near.snapshot(statements);
    return write(statements);
  };

  return {
    dialect: createDialect({
      async execute(statement, kind) {
        await pass();
        if (kind === "read") return near.run(statement);
        if (BARE.test(statement.sql)) return far.bare(statement);
        const [result] = await write([statement]);
        return result ?? { rows: [], changes: 0 };
      },
      async begin() {
        await pass();
        return far.begin();
      },
    }),
    batch,
    close() {
      closing ??= queue.close().finally(async () => {
        await log.close();
        const wasWritten = far.close();
        near.close(wasWritten);
      });
      return closing;
    },
  };
}

/**
 * Looks without opening: closing any descriptor of a file drops every lock this process holds on it (POSIX), and
 * another process would then take the log away under our open connections.
 */
async function requireFile(path: string, create: boolean): Promise<void> {
  try {
    await stat(path);
  } catch (cause) {
    if (!hasCode(cause, "ENOENT")) throw unreadable(cause);
    if (!create) throw new PlatformError("not_found", "database_missing", "There is no such database file", { cause });
    await createFileOnce(path, "").catch((error: unknown) => {
      throw unreadable(error);
    });
  }
}

function unreadable(cause: unknown): PlatformError {
  return new PlatformError("unavailable", "database_unreadable", "The database file cannot be opened", { cause });
}

/** A connection made ready by `prepare`, and closed again when that fails. */
function connectPrepared(path: string, prepare: (connection: Connection) => void): Connection {
  const connection = connect(path);
  try {
    prepare(connection);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/**
 * A commit that waited for the disk would hold up everybody, since native calls block: it leaves its changes in the log, and
 * who has written waits for that. Checkpoints wait as ever.
 */
const withoutWaiting = ({ exec }: Connection) => exec("pragma synchronous = normal");

/** One connection that is opened when needed and thrown away when it cannot be trusted any more. */
function createSlot(log: WriteAheadLog, openConnection: () => Connection) {
  let connection: Connection | undefined;
  const discard = () => {
    const doomed = connection;
    connection = undefined;
    if (!doomed) return;
    endTransaction(doomed);
    doomed.close();
    log.renew();
  };

  return {
    discard,
    current: () => connection,
    get: () => {
      connection ??= openConnection();
      return connection;
    },
    /** A statement that found the file locked stays unfinished in the driver and would spoil what follows. */
    attempt: <T>(work: (connection: Connection) => T): Promise<T> =>
      retryBusy(() => {
        try {
          connection ??= openConnection();
          return work(connection);
        } catch (error) {
          if (isBusy(error)) discard();
          throw error;
        }
      }),
  };
}

/** Reads, and what is written within one turn of the event loop. */
async function openNear(path: string, log: WriteAheadLog, pageBytes?: number) {
  const slot = createSlot(log, () =>
    connectPrepared(path, (connection) => {
      if (pageBytes) connection.exec(`pragma page_size = ${pageBytes}`);
      // Readers and a writer disturb each other in every other mode. WAL is kept in the file.
      const [mode] = connection.run(statementOf("pragma journal_mode")).rows;
      if (mode?.journal_mode !== "wal") connection.run(statementOf("pragma journal_mode = wal"));
      withoutWaiting(connection);
    }),
  );
  let wasWritten = false;
  await slot.attempt(() => {});

  return {
    run: (statement: Statement) => slot.attempt((connection) => connection.run(statement)),

    /** All see the same state, because nothing else runs between BEGIN and COMMIT. */
    snapshot: (statements: readonly Statement[]) =>
      slot.attempt((connection) => {
        // One statement is a snapshot by itself.
        if (statements.length > 1) connection.exec("begin");
        try {
          return statements.map((statement) => connection.run(statement));
        } finally {
          endTransaction(connection);
        }
      }),

    /** Runs all and commits, or none of them. Only who has the turn may call it. */
    async write(statements: readonly Statement[]): Promise<readonly StatementResult[]> {
      log.requireTrust();
      const outcome = await retryBusy(() => {
        const connection = slot.get();
        connection.exec("begin immediate");
        wasWritten = true;
        // From here on nothing is repeated, whatever fails.
        return settle(connection, statements, slot.discard);
      });
      if ("error" in outcome) throw outcome.error;
      return outcome.results;
    },

    /** `isWritten`: whether the other connection may have written, too. */
    close(isWritten: boolean) {
      try {
        if (wasWritten || isWritten) slot.current()?.run(statementOf("pragma wal_checkpoint(truncate)"));
      } catch {
        // Only a kindness to whoever copies the file: SQLite reads the log again at the next opening.
      }
      slot.discard();
    },
  };
}

type Outcome = { readonly results: readonly StatementResult[] } | { readonly error: unknown };

/** Ends a transaction that has begun: with the statements, or without any of them. */
function settle(connection: Connection, statements: readonly Statement[], discard: () => void): Outcome {
  try {
    return { results: runThrough(connection, statements) };
  } catch (error) {
    if (!endTransaction(connection) || isBusy(error)) discard();
    return { error };
  }
}

function runThrough(connection: Connection, statements: readonly Statement[]): readonly StatementResult[] {
  // Some statements (RAISE(ROLLBACK), a full disk) end a transaction, and what follows would commit by itself.
  const inside = <T>(work: () => T): T => {
    if (!connection.inTransaction()) throw lostTransactionError();
    return work();
  };
  const results = statements.map((statement) => inside(() => connection.run(statement)));
  inside(() => connection.exec("commit"));
  return results;
}

/** What the connections of one database have in common. */
interface Surroundings {
  readonly queue: Queue;
  readonly log: WriteAheadLog;
  breathe(): Promise<void>;
}

/** Transactions whose statements come one after another, and what cannot run in one. Opens when it is needed. */
function createFar(path: string, { queue, breathe, log }: Surroundings) {
  const slot = createSlot(log, () => connectPrepared(path, withoutWaiting));

  return {
    async begin(): Promise<Transaction> {
      const leave = await queue.enter();
      try {
        log.requireTrust();
        const connection = await retryBusy(() => {
          const candidate = slot.get();
          candidate.exec("begin immediate");
          return candidate;
        });
        const { discard } = slot;
        return createTransaction(connection, { discard, leave, breathe, flushed: log.flushed });
      } catch (error) {
        leave();
        throw error;
      }
    },

    async bare(statement: Statement): Promise<StatementResult> {
      const leave = await queue.enter();
      try {
        log.requireTrust();
        const result = await slot.attempt((connection) => connection.run(statement));
        await log.flushed();
        return result;
      } finally {
        leave();
      }
    },

    /** True when it may have written. */
    close(): boolean {
      const wasOpen = slot.current() !== undefined;
      slot.discard();
      return wasOpen;
    },
  };
}

interface Turn extends Pick<Surroundings, "breathe">, Pick<WriteAheadLog, "flushed"> {
  discard(): void;
  leave(): void;
}

function createTransaction(connection: Connection, { discard, leave, breathe, flushed }: Turn): Transaction {
  let over = false;
  let spoiled = false;
  const end = () => {
    if (over) return;
    over = true;
    if (!endTransaction(connection) || spoiled) discard();
    leave();
  };

  const step = async <T>(work: () => T): Promise<T> => {
    await breathe();
    // Some errors (a full disk, RAISE(ROLLBACK)) end a transaction, and what follows would commit by itself.
    if (over || !connection.inTransaction()) throw lostTransactionError();
    try {
      return work();
    } catch (error) {
      spoiled ||= isBusy(error);
      throw error;
    }
  };

  return {
    execute: (statement) => step(() => connection.run(statement)),
    async commit() {
      // The next one need not wait for the disk.
      await step(() => connection.exec("commit")).finally(end);
      await flushed();
    },
    rollback: () => breathe().finally(end),
  };
}

/** Makes sure that no transaction is open. False when the connection does not obey. */
function endTransaction(connection: Connection): boolean {
  try {
    if (connection.inTransaction()) connection.exec("rollback");
    return true;
  } catch {
    // The caller has the error that led here; this one would only hide it.
    return false;
  }
}

function createBreather() {
  let calls = 0;
  return async (): Promise<void> => {
    calls += 1;
    if (calls % CALLS_PER_TICK === 0) await nextTick();
  };
}

const statementOf = (sql: string): Statement => ({ sql, parameters: [] });
