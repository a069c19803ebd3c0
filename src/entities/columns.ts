import type { SqlValue } from "../db/database.ts";
import { type KeyRing, seal, unseal } from "../db/seal.ts";

/** Where a value stands: what a sealed one is bound to, so that it cannot be moved to another row's place. */
export interface Place {
  readonly tenantId: string;
  readonly table: string;
  readonly keyRing: KeyRing | undefined;
}

/** How one field travels between SQLite and the contract. NULL never reaches a codec. */
export interface Column<T> {
  /** `doc` fields share the table's one JSON column; the others have a column of their own name. */
  readonly home: "column" | "doc";
  /** Nobody may read it at rest: what is stored is opened by `decode` alone. */
  readonly isSealed?: true;
  encode(value: T, place: Place, field: string): SqlValue;
  decode(value: NonNullable<SqlValue>, place: Place, field: string): T;
}

export function text<T extends string = string>(): Column<T> {
  return { home: "column", encode: (value) => value, decode: (value) => String(value) as T };
}

export function integer(): Column<number> {
  return { home: "column", encode: (value) => value, decode: Number };
}

export function flag(): Column<boolean> {
  return { home: "column", encode: (value) => (value ? 1 : 0), decode: (value) => Number(value) === 1 };
}

/** A flag that is either true or not there: `is_system` of roles, connections, APIs. */
export function mark(): Column<boolean> {
  return { home: "column", encode: (value) => (value ? 1 : null), decode: () => true };
}

/** ISO 8601 outside, epoch milliseconds inside: compared as a number, shown exactly as it came. */
export function time(): Column<string> {
  return {
    home: "column",
    encode: (value) => Date.parse(value),
    decode: (value) => new Date(Number(value)).toISOString(),
  };
}

/** A value with a JSON column of its own, for what is changed inside by SQL. */
export function json<T>(): Column<T> {
  return {
    home: "column",
    encode: (value) => JSON.stringify(value),
    decode: (value) => JSON.parse(String(value)) as T,
  };
}

/** Text that nobody may read at rest. */
export function secret(): Column<string> {
  return {
    home: "column",
    isSealed: true,
    encode: (value, place, field) => sealed(value, place, field),
    decode: (value, place, field) => opened(String(value), place, field),
  };
}

/** A JSON value that nobody may read at rest, as one unit. */
export function secretJson<T>(): Column<T> {
  return {
    home: "column",
    isSealed: true,
    encode: (value, place, field) => sealed(JSON.stringify(value), place, field),
    decode: (value, place, field) => JSON.parse(opened(String(value), place, field)) as T,
  };
}

/** A field of the row's JSON document: nothing filters, sorts or joins by it. */
export function doc<T>(): Column<T> {
  return { home: "doc", encode: (value) => JSON.stringify(value), decode: (value) => JSON.parse(String(value)) as T };
}

/** A field of the document that nobody may read at rest, as one unit. What stands there in the open is from before. */
export function secretDoc<T extends object>(): Column<T> {
  return {
    home: "doc",
    isSealed: true,
    encode: (value, place, field) => JSON.stringify(sealed(JSON.stringify(value), place, field)),
    // It comes out of the document, and that is parsed already.
    decode: (value: unknown, place, field) =>
      (typeof value === "string" ? JSON.parse(opened(value, place, field)) : value) as T,
  };
}

/** What a sealed value opens with, and only with. */
export const boundTo = (place: Pick<Place, "tenantId" | "table">, field: string): string =>
  `${place.tenantId}\n${place.table}.${field}`;

/** Without a key ring (`createAdapters` on one's own database) secrets are stored as they come. */
function sealed(value: string, place: Place, field: string): string {
  return place.keyRing ? seal(place.keyRing, value, boundTo(place, field)) : value;
}

function opened(value: string, place: Place, field: string): string {
  return place.keyRing ? unseal(place.keyRing, value, boundTo(place, field)) : value;
}
