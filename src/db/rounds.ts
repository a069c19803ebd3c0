import type { DatabaseConnection, Dialect, Driver } from "kysely";
import { errorCode } from "../domain/errors.ts";
import type { Database, Statement, StatementResult } from "./database.ts";
import { kindOf } from "./sql.ts";

// A round runs from end to end before anybody in it has an answer; beyond this, waiting costs more than travelling.
const ROUND_STATEMENTS_MAX = 32;

/**
 * The same database, where what is asked in one turn of the event loop travels together: one call for its reads, one
 * for its writes. Worth it where a batch costs one round trip; not for somebody else's Kysely instance.
 *
 * Who travels together does not notice. What fails for one alone is repeated one by one, because nothing of the round
 * has happened then; only when the database cannot be had do all hear of it. Transactions keep to themselves.
 */
export function inRounds(database: Database): Database {
  const rounds = { read: createRounds(database), write: createRounds(database) };
  const join: Join = (unit) => {
    const isRead = unit.statements.every(({ sql }) => kindOf(sql) === "read");
    return rounds[isRead ? "read" : "write"](unit);
  };

  return {
    dialect: joiningDialect(database.dialect, join),
    batch(statements) {
      const alone = () => database.batch(statements);
      return statements.length === 0 ? alone() : join({ statements, alone, answer: (results) => results });
    },
    close: () => database.close(),
  };
}

/** Statements that succeed or fail as one, and how their answer is had: alone, or from their part of a round. */
interface Unit<T> {
  readonly statements: readonly Statement[];
  alone(): Promise<T>;
  answer(results: readonly StatementResult[]): T;
}

type Join = <T>(unit: Unit<T>) => Promise<T>;

/** A unit and whoever waits for it; neither way of ending it fails. */
interface Passenger {
  readonly statements: readonly Statement[];
  alone(): Promise<void>;
  arrive(results: readonly StatementResult[]): void;
  fail(error: unknown): void;
}

function createRounds(database: Database): Join {
  let waiting: Passenger[] = [];

  const depart = () => {
    const rounds = roundsOf(waiting);
    waiting = [];
    for (const round of rounds) void send(database, round);
  };

  return (unit) =>
    new Promise((resolve, reject) => {
      // Behind every microtask of this turn: what `Promise.all` starts has then arrived, however deep it began.
      if (waiting.length === 0) setImmediate(depart);
      waiting.push({
        statements: unit.statements,
        alone: () => unit.alone().then(resolve, reject),
        arrive: (results) => resolve(unit.answer(results)),
        fail: reject,
      });
    });
}

function roundsOf(passengers: readonly Passenger[]): Passenger[][] {
  const rounds: Passenger[][] = [];
  let seats = 0;
  for (const passenger of passengers) {
    const needed = passenger.statements.length;
    if (needed > seats) {
      rounds.push([]);
      seats = ROUND_STATEMENTS_MAX;
    }
    rounds.at(-1)?.push(passenger);
    seats -= needed;
  }
  return rounds;
}

/** Never fails: every passenger hears for itself. */
async function send(database: Database, round: readonly Passenger[]): Promise<void> {
  const [first] = round;
  if (round.length === 1) return await first?.alone();
  let results: readonly StatementResult[];
  try {
    results = await database.batch(round.flatMap(({ statements }) => statements));
  } catch (error) {
    return await sendApart(round, error);
  }
  let at = 0;
  for (const { statements, arrive } of round) {
    arrive(results.slice(at, at + statements.length));
    at += statements.length;
  }
}

async function sendApart(round: readonly Passenger[], error: unknown): Promise<void> {
  // The outcome may be unknown then, and what may have happened is not repeated.
  if (errorCode(error) === "unavailable") for (const { fail } of round) fail(error);
  else for (const { alone } of round) await alone();
}

function joiningDialect(inner: Dialect, join: Join): Dialect {
  return {
    createAdapter: () => inner.createAdapter(),
    createDriver: () => joiningDriver(inner.createDriver(), join),
    createIntrospector: (db) => inner.createIntrospector(db),
    createQueryCompiler: () => inner.createQueryCompiler(),
  };
}

function joiningDriver(inner: Driver, join: Join): Driver {
  /** Their connection for each of ours, and which of them are in a transaction. */
  const theirs = new WeakMap<DatabaseConnection, DatabaseConnection>();
  const busy = new WeakSet<DatabaseConnection>();
  const theirsFor = (connection: DatabaseConnection) => theirs.get(connection) ?? connection;

  return {
    init: () => inner.init(),
    destroy: () => inner.destroy(),

    async acquireConnection() {
      const connection = await inner.acquireConnection();
      const joining: DatabaseConnection = {
        executeQuery: (query) => {
          const alone = () => connection.executeQuery<never>(query);
          if (busy.has(joining)) return alone();
          return join({ statements: [query], alone, answer: ([result]) => answerOf(query.sql, result) });
        },
        streamQuery: (query, size) => connection.streamQuery(query, size),
      };
      theirs.set(joining, connection);
      return joining;
    },

    async beginTransaction(connection, settings) {
      await inner.beginTransaction(theirsFor(connection), settings);
      busy.add(connection);
    },
    commitTransaction: (connection) => inner.commitTransaction(theirsFor(connection)),
    rollbackTransaction: (connection) => inner.rollbackTransaction(theirsFor(connection)),
    async releaseConnection(connection) {
      await inner.releaseConnection(theirsFor(connection));
      busy.delete(connection);
    },

    savepoint: async (connection, name, compile) => inner.savepoint?.(theirsFor(connection), name, compile),
    rollbackToSavepoint: async (connection, name, compile) =>
      inner.rollbackToSavepoint?.(theirsFor(connection), name, compile),
    releaseSavepoint: async (connection, name, compile) =>
      inner.releaseSavepoint?.(theirsFor(connection), name, compile),
  };
}

/** As the dialect gives it. Kysely's caller names the row type; only the database knows whether it is right. */
function answerOf(sql: string, result: StatementResult | undefined) {
  const rows = [...(result?.rows ?? [])] as never[];
  return kindOf(sql) === "read" ? { rows } : { rows, numAffectedRows: BigInt(result?.changes ?? 0) };
}
