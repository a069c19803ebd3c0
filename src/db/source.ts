import { type ClientOptions, openClient } from "./client.ts";
import type { Database } from "./database.ts";
import { type AnyKysely, fromKysely } from "./kysely.ts";
import type { KeyRing } from "./seal.ts";

/** A Kysely instance of any SQLite dialect, a client of `@libsql/client`, or where to reach a libSQL server. */
export type Source = AnyKysely | Parameters<typeof openClient>[0];

const opened = new WeakMap<object, Database>();

/**
 * A caller's database. The same client or instance is the same database, whoever asks for it, so that its writers queue
 * in one line; it stays the caller's to close. One that is opened here by its address is ours to close.
 */
export function openSource(source: Source): Database {
  if (!("selectFrom" in source) && isAddress(source)) return openClient(source);
  const known = opened.get(source);
  if (known) return known;
  const database = "selectFrom" in source ? fromKysely(source) : openClient(source);
  const theirs = { ...database, close: () => Promise.resolve() };
  opened.set(source, theirs);
  return theirs;
}

const isAddress = (source: Exclude<Source, AnyKysely>): source is ClientOptions => !("execute" in source);

/** What adapters were made of by whoever made them for a caller. */
export interface Making {
  readonly source: Source;
  readonly keyRing: KeyRing | undefined;
}

const made = new WeakMap<object, Making>();

/** Notes what adapters were made of, so that those who get them later need not be told again. */
export function noteMaking<T extends object>(adapters: T, making: Making): T {
  made.set(adapters, making);
  return adapters;
}

/** Undefined for adapters that somebody else has made. */
export const makingOf = (adapters: object): Making | undefined => made.get(adapters);
