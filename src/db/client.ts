import { setTimeout as sleep } from "node:timers/promises";
import { type Client, createClient, type InStatement, type ResultSet, type Row } from "@libsql/client";
import { createCapacity } from "../domain/capacity.ts";
import { errorCode, PlatformError } from "../domain/errors.ts";
import type { Database, Statement, StatementResult } from "./database.ts";
import { createDialect, type Transaction } from "./dialect.ts";
import { closedError, isBusy, lostTransactionError, translate } from "./errors.ts";
import { createQueue, retryBusy } from "./queue.ts";
import { kindOf, type StatementKind } from "./sql.ts";
import { fromDriver, toParameters } from "./values.ts";

/** A server holds a transaction of another writer for five seconds at most; twice that is no answer any more. */
const TIMEOUT_MS = 10_000;

/** A new database and an evicted one answer 404 for a moment, an overloaded server 429 or 503. */
const ATTEMPTS_MAX = 4;
const PAUSE_MS = 100;

/** Requests of one client that are under way at once; a server that stalls has no more of our sockets than these. */
const REMOTE_REQUESTS = 20;

/** One for the open transaction, one for the reads beside it; more only cost memory and descriptors. */
const FILE_CONNECTIONS = 2;

export interface ClientOptions {
  /** `libsql:`, `https:`, `http:` or `file:`. */
  readonly url: string;
  readonly authToken?: string;
  readonly fetch?: typeof fetch;
  /** The limit of one request with its repetitions, and of the wait for its turn, in milliseconds each. */
  readonly timeoutMs?: number;
  /**
   * Called before each request. What it returns is asked once when the server has refused that request (401), and so has
   * not acted on it: whether `fetch` has other credentials by now, with which it is sent once more.
   */
  readonly renewing?: () => () => Promise<boolean>;
}

/**
 * Opens a database through `@libsql/client`: a libSQL server, Turso Cloud, or a file where the native driver
 * does not suit. A ready-made client is taken as it is, with whatever time limit its own `fetch` has.
 *
 * Nothing is asked of the server yet. Requests that the server has certainly not acted on are repeated, reads
 * also when the answer was lost; a write whose answer was lost is `unavailable` and may have happened.
 */
export function openClient(source: ClientOptions | Client): Database {
  const client = "execute" in source ? source : createClient(configOf(source));
  // A ready-made client has a limit of its own, too.
  const requests = "execute" in source ? Number.POSITIVE_INFINITY : REMOTE_REQUESTS;
  const { timeoutMs = TIMEOUT_MS } = "execute" in source ? {} : source;
  const gate = createCapacity(requests, timeoutMs, crowdedError);
  const lane = client.protocol === "file" ? createFileLane(client) : createRemoteLane(client, gate);
  let closing: Promise<void> | undefined;

  const pass = () => {
    if (closing) throw closedError();
  };

  return {
    dialect: createDialect({
      async execute(statement, kind) {
        pass();
        const bound = toClient(statement);
        return fromClient(await lane[kind](() => client.execute(bound)), kind);
      },
      async begin() {
        pass();
        return await lane.begin();
      },
    }),

    async batch(statements) {
      pass();
      if (statements.length === 0) return [];
      const kinds = statements.map(({ sql }) => kindOf(sql));
      const kind = kinds.includes("write") ? "write" : "read";
      const bound = statements.map(toClient);
      const results = await lane[kind](() => client.batch(bound, kind));
      return results.map((result, index) => fromClient(result, kinds[index] ?? "write"));
    },

    close() {
      closing ??= lane.close();
      return closing;
    },
  };
}

/** How statements take their turns; the one thing in which a file and a server differ. */
interface Lane {
  read<T>(work: () => Promise<T>): Promise<T>;
  write<T>(work: () => Promise<T>): Promise<T>;
  begin(): Promise<Transaction>;
  close(): Promise<void>;
}

/**
 * A server orders writers itself, so everything may run at once. Of some hundreds at a time it refuses a few as busy,
 * which have not run and are repeated.
 */
function createRemoteLane(client: Client, gate: ReturnType<typeof createCapacity>): Lane {
  const once = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw translate(error);
    }
  };

  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    await gate.take();
    try {
      return await retryBusy(() => once(work), isLocked);
    } finally {
      gate.giveBack();
    }
  };

  return {
    async read(work) {
      try {
        return await inTurn(work);
      } catch (error) {
        // Whoever did not answer in time has had the time of this read.
        if (translate(error).reason !== "database_unreachable" || isTimeout(error)) throw error;
        return inTurn(work);
      }
    },
    write: inTurn,
    // Not in turn: those who have it may be waiting on the server for this transaction to end.
    begin: () => once(() => createTransaction(client, once, () => {})),
    close() {
      gate.refuseAll(closedError());
      return Promise.resolve(client.close());
    },
  };
}

function crowdedError(): PlatformError {
  return new PlatformError("unavailable", "database_busy", "Too many requests wait for the database");
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof Error && error.cause.name === "TimeoutError";
}

/** A lock that another writer had. Too many requests (429) are busy too, but have been repeated by `patientFetch`. */
function isLocked(error: unknown): boolean {
  const cause = isBusy(error) && error instanceof Error ? error.cause : undefined;
  // Not by class: a ready-made client may be of another copy of the package.
  return cause instanceof Error && "code" in cause && /^SQLITE_(?:BUSY|LOCKED)/.test(String(cause.code));
}

/**
 * A file has one writer. A connection that found the file locked reports later writes as done and loses them,
 * until it is reconnected; so that happens first, at a moment when no transaction is open.
 */
function createFileLane(client: Client): Lane {
  const queue = createQueue();
  let prepared = false;
  let spoiled = false;

  const watch = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      const translated = translate(error);
      spoiled ||= isBusy(translated);
      throw translated;
    }
  };

  const attempt = <T>(work: () => Promise<T>) =>
    retryBusy(async () => {
      if (spoiled) client.reconnect();
      spoiled = false;
      if (!prepared) await watch(() => client.execute("pragma journal_mode = wal"));
      prepared = true;
      return watch(work);
    });

  const write = async <T>(work: () => Promise<T>): Promise<T> => {
    const leave = await queue.enter();
    try {
      return await attempt(work);
    } finally {
      leave();
    }
  };

  return {
    async read(work) {
      if (spoiled || !prepared) return write(work);
      try {
        return await watch(work);
      } catch (error) {
        if (!isBusy(error)) throw error;
        return write(work);
      }
    },
    write,
    async begin() {
      const leave = await queue.enter();
      try {
        return await attempt(() => createTransaction(client, watch, leave));
      } catch (error) {
        leave();
        throw error;
      }
    },
    async close() {
      await queue.close();
      client.close();
    },
  };
}

async function createTransaction(
  client: Client,
  watch: <T>(work: () => Promise<T>) => Promise<T>,
  leave: () => void,
): Promise<Transaction> {
  const transaction = await client.transaction("write");
  const end = () => {
    try {
      transaction.close();
    } catch {
      // What remains open ends with its connection; the caller has the error that led here.
    }
    leave();
  };

  // A full disk or a lost stream ends the transaction on the server, which would then commit what follows by
  // itself. RAISE(ROLLBACK) and ON CONFLICT ROLLBACK do too and cannot be told apart: no schema of ours has them.
  let lost = false;
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    if (lost) throw lostTransactionError();
    try {
      return await watch(work);
    } catch (error) {
      lost = errorCode(error) === "unavailable";
      throw error;
    }
  };

  return {
    execute: async (statement, kind) => {
      const bound = toClient(statement);
      return fromClient(await step(() => transaction.execute(bound)), kind);
    },
    commit: () => step(() => transaction.commit()).finally(end),
    rollback: () =>
      transaction
        .rollback()
        .catch(() => {})
        .finally(end),
  };
}

function toClient({ sql, parameters }: Statement): InStatement {
  // The client's type wants ArrayBuffer-backed bytes; every transport takes any Uint8Array.
  return { sql, args: toParameters(parameters) };
}

function fromClient({ columns, rows, rowsAffected }: ResultSet, kind: StatementKind): StatementResult {
  if (columns.length === 0) return { rows: [], changes: kind === "read" ? 0 : rowsAffected };
  return { rows: rows.map((row) => toRecord(columns, row)), changes: kind === "read" ? 0 : rows.length };
}

/** The client's rows carry hidden members that a plain comparison or spread would trip over. */
function toRecord(columns: readonly string[], row: Row): Record<string, unknown> {
  return Object.fromEntries(columns.map((column, index) => [column, fromDriver(row[index])]));
}

function configOf({ url, authToken, fetch: ask = fetch, timeoutMs = TIMEOUT_MS, renewing }: ClientOptions) {
  const isFile = url.startsWith("file:");
  return {
    url,
    ...(authToken !== undefined && { authToken }),
    ...(isFile
      ? { concurrency: FILE_CONNECTIONS }
      : { concurrency: REMOTE_REQUESTS, fetch: patientFetch(ask, timeoutMs, renewing) }),
  };
}

/** Sets the time limit the client lacks, and repeats what the server has certainly not acted on within it. */
function patientFetch(ask: typeof fetch, timeoutMs: number, renewing: ClientOptions["renewing"]) {
  const patiently = async (request: Request, signal: AbortSignal): Promise<Response> => {
    for (let attempt = 1; ; attempt++) {
      const isLast = attempt === ATTEMPTS_MAX;
      try {
        const response = await ask(request.clone(), { signal });
        if (isLast || ![404, 429, 503].includes(response.status)) return response;
        await response.body?.cancel();
      } catch (error) {
        if (isLast || !isRefused(error)) throw error;
      }
      await sleep(PAUSE_MS * 2 ** (attempt - 1));
    }
  };

  return async (request: Request): Promise<Response> => {
    const signal = AbortSignal.timeout(timeoutMs);
    const isRenewed = renewing?.();
    const response = await patiently(request, signal);
    if (response.status !== 401 || !(await isRenewed?.())) return response;
    await response.body?.cancel();
    return await patiently(request, signal);
  };
}

/** No connection was made, so no statement has left. */
function isRefused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  return code === "ECONNREFUSED" || code === "ENOTFOUND" || code === "EAI_AGAIN";
}
