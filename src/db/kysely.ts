import { CompiledQuery, type Kysely } from "kysely";
import type { Database, Statement, StatementResult } from "./database.ts";
import { createDialect, runAll, type Transaction } from "./dialect.ts";
import { translate } from "./errors.ts";

// biome-ignore lint/suspicious/noExplicitAny: whoever made the instance knows its tables; only its driver is used here.
export type AnyKysely = Kysely<any>;

/**
 * A database behind somebody else's Kysely instance, of any SQLite dialect. A batch is one transaction; inside a
 * transaction of theirs, it and ours are part of that. Closing it leaves the instance open.
 */
export function fromKysely(db: AnyKysely): Database {
  const begin = () => (db.isTransaction ? Promise.resolve(partOf(db)) : beginOn(db));
  return {
    dialect: createDialect({ execute: (statement) => run(db, statement), begin }),
    batch: async (statements) => (statements.length === 0 ? [] : runAll(await begin(), statements)),
    close: () => Promise.resolve(),
  };
}

async function run(db: AnyKysely, { sql, parameters }: Statement): Promise<StatementResult> {
  try {
    const query = CompiledQuery.raw(sql, parameters.map(storable));
    const { rows, numAffectedRows } = await db.executeQuery<Record<string, unknown>>(query);
    return { rows, changes: rows.length > 0 ? rows.length : Number(numAffectedRows ?? 0) };
  } catch (error) {
    throw translate(error);
  }
}

/** Not every driver stores a boolean, and one ends the process over it. */
const storable = (value: unknown) => (typeof value === "boolean" ? Number(value) : value);

async function beginOn(db: AnyKysely): Promise<Transaction> {
  const transaction = await db.startTransaction().execute();
  let over = false;
  const end = async (command: "commit" | "rollback") => {
    if (over) return;
    over = true;
    await transaction[command]().execute();
  };
  return {
    execute: (statement) => run(transaction, statement),
    commit: () => end("commit"),
    // The error that led here is the one to see.
    rollback: () => end("rollback").catch(() => undefined),
  };
}

/** Theirs to commit and to roll back. */
const partOf = (transaction: AnyKysely): Transaction => ({
  execute: (statement) => run(transaction, statement),
  commit: () => Promise.resolve(),
  rollback: () => Promise.resolve(),
});
