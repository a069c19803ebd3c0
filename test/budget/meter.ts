import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { DataAdapters } from "@authhero/adapter-interfaces";
import type { DatabaseConnection, Dialect, Driver } from "kysely";
import type { Database } from "../../src/db/database.ts";

/** What a request cost until its answer was there. */
export interface Reading<T> {
  readonly answer: T;
  /**
   * What every call that ended before the answer was asked for by, in order. Calls that nobody waited for are
   * background: those still running when the answer came, and those started after it. One that nobody waited for
   * and that ended in time all the same counts too, so the reading is never too low.
   */
  readonly calls: readonly string[];
  /** The longest chain of them in which each began only after the one before had ended. */
  readonly depth: number;
  /** How many calls began before the answer and outlived it, or began after it. */
  readonly background: number;
}

export interface Meter {
  /** The same database; each statement, batch, BEGIN, COMMIT and ROLLBACK is a call that takes a while. */
  database(inner: Database): Database;
  /** The same adapters; calls to the database are known by the method that caused them. */
  named(adapters: DataAdapters): DataAdapters;
  /** Runs one request, its body read to the end, and waits until nothing is left running behind it. */
  measure<T>(request: () => Promise<T>): Promise<Reading<T>>;
}

interface Call {
  readonly by: string;
  readonly began: number;
  ended: number;
}

// Longer than the work between two calls that are independent of each other, so that those overlap.
const CALL_MS = 8;
// Behind an answer nothing happens for as long as that: then its background work is over.
const QUIET_MS = 60;

/** Counts what AuthHero asks of a database, and how much of it one after the other. */
export function createMeter(): Meter {
  const cause = new AsyncLocalStorage<string>();
  // Beginnings and ends are numbered, not timed: only their order counts.
  let moment = 0;
  let calls: Call[] = [];

  const counted: Counted = async (work) => {
    const call: Call = { by: cause.getStore() ?? "unnamed", began: ++moment, ended: Number.POSITIVE_INFINITY };
    calls.push(call);
    try {
      await sleep(CALL_MS);
      return await work();
    } finally {
      call.ended = ++moment;
    }
  };

  const quiet = async () => {
    for (let seen = -1; seen !== moment || calls.some(({ ended }) => ended === Number.POSITIVE_INFINITY); ) {
      seen = moment;
      await sleep(QUIET_MS);
    }
  };

  return {
    database: (inner) => ({
      dialect: countedDialect(inner.dialect, counted),
      batch: (statements) => counted(() => inner.batch(statements)),
      close: () => inner.close(),
    }),

    named: (adapters) => namedAdapters(adapters, cause),

    async measure(request) {
      await quiet();
      calls = [];
      const answer = await request();
      const answered = ++moment;
      const before = calls.filter(({ ended }) => ended < answered);
      await quiet();
      return {
        answer,
        calls: before.map(({ by }) => by),
        depth: depthOf(before),
        background: calls.length - before.length,
      };
    },
  };
}

type Counted = <T>(work: () => Promise<T>) => Promise<T>;

function countedDialect(inner: Dialect, counted: Counted): Dialect {
  return {
    createAdapter: () => inner.createAdapter(),
    createDriver: () => countedDriver(inner.createDriver(), counted),
    createIntrospector: (db) => inner.createIntrospector(db),
    createQueryCompiler: () => inner.createQueryCompiler(),
  };
}

function countedDriver(inner: Driver, counted: Counted): Driver {
  const inners = new WeakMap<DatabaseConnection, DatabaseConnection>();
  const innerOf = (connection: DatabaseConnection) => inners.get(connection) ?? connection;
  return {
    init: () => inner.init(),
    destroy: () => inner.destroy(),
    async acquireConnection() {
      const connection = await inner.acquireConnection();
      const outer: DatabaseConnection = {
        executeQuery: (query) => counted(() => connection.executeQuery(query)),
        streamQuery: (query, size) => connection.streamQuery(query, size),
      };
      inners.set(outer, connection);
      return outer;
    },
    beginTransaction: (connection, settings) => counted(() => inner.beginTransaction(innerOf(connection), settings)),
    commitTransaction: (connection) => counted(() => inner.commitTransaction(innerOf(connection))),
    rollbackTransaction: (connection) => counted(() => inner.rollbackTransaction(innerOf(connection))),
    releaseConnection: (connection) => inner.releaseConnection(innerOf(connection)),
  };
}

function namedAdapters(adapters: DataAdapters, cause: AsyncLocalStorage<string>): DataAdapters {
  const methodsOf = (name: string, adapter: object) =>
    Object.entries(adapter).map(([method, call]) => [
      method,
      (...args: unknown[]) => cause.run(`${name}.${method}`, () => call(...args)),
    ]);
  const members = Object.entries(adapters).map(([name, member]) => [
    name,
    typeof member === "object" ? Object.fromEntries(methodsOf(name, member)) : member,
  ]);
  return {
    ...(Object.fromEntries(members) as DataAdapters),
    transaction: (work) =>
      cause.run("transaction", () => adapters.transaction((inside) => work(namedAdapters(inside, cause)))),
  };
}

/** The longest chain of calls, each begun after the one before had ended. They come in the order of their beginnings. */
export function depthOf(calls: readonly Pick<Call, "began" | "ended">[]): number {
  const depths: number[] = [];
  for (const { began } of calls) {
    const earlier = depths.filter((_, index) => (calls[index]?.ended ?? 0) < began);
    depths.push(1 + Math.max(0, ...earlier));
  }
  return Math.max(0, ...depths);
}
