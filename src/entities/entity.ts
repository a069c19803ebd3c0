import { type AliasedRawBuilder, type RawBuilder, sql } from "kysely";
import type { SqlValue } from "../db/database.ts";
import { safeInteger } from "../db/values.ts";
import { PlatformError } from "../domain/errors.ts";
import type { Column, Place } from "./columns.ts";
import type { Filters } from "./filter.ts";
import { withFields, withoutFields } from "./json-document.ts";

/** A row as SQLite gives it. */
export type Row = Readonly<Record<string, unknown>>;

/** Fields an entity stores: every field of the contract but the tenant, which every table has. */
type Fields<E> = Exclude<keyof E, "tenant_id"> & string;

/** What `defaults` may need to know. */
interface Making {
  readonly now: string;
  readonly tag: string | undefined;
}

/** Everything that sets one entity apart from the others. `E` is what is read, `I` what a caller supplies. */
export interface Entity<E extends object, I extends object = Partial<E>> {
  readonly table: string;
  readonly key: Fields<E>;
  /** One column per field, no more and no fewer: the compiler checks both directions. */
  readonly columns: { readonly [K in Fields<E>]-?: Column<NonNullable<E[K]>> };
  /** Fields callers send that are computed or belong elsewhere. */
  readonly ignored?: readonly string[];
  /** What `create` fills in where the caller says nothing. */
  readonly defaults?: (input: I, making: Making) => Partial<E>;
  /** What every `update` sets besides the patch. */
  readonly touch?: (now: string, patch: Partial<E>) => Partial<E>;
  /** What a reader gets for a field that holds nothing. Made anew for each row, so that nothing is shared. */
  readonly absent?: () => Partial<E>;
  /** The contract shows `tenant_id` on this entity. */
  readonly showsTenant?: boolean;
  /** The only fields `q` may name, and the columns a bare word is looked for in. */
  readonly filters?: Filters;
  /** The only fields that may reach ORDER BY. */
  readonly sortable?: readonly Fields<E>[];
  /** The order without a caller's sort; the key is always the tie-break. */
  readonly order?: readonly (readonly [Fields<E>, "asc" | "desc"])[];
  /** Rows elsewhere that go with a row of this: `[table, column]`, column = the key's value. */
  readonly cascade?: readonly (readonly [table: string, column: string])[];
}

/** A definition as the shapes see it: tables and columns, the contract's types kept only as a promise. */
export interface Definition<E extends object = object, I extends object = object> {
  readonly table: string;
  readonly key: string;
  readonly columns: Readonly<Record<string, Column<unknown>>>;
  readonly ignored?: readonly string[];
  readonly defaults?: (input: object, making: Making) => object;
  readonly touch?: (now: string, patch: object) => object;
  readonly absent?: () => object;
  readonly showsTenant?: boolean;
  readonly filters?: Filters;
  readonly sortable?: readonly string[];
  readonly order?: readonly (readonly [string, "asc" | "desc"])[];
  readonly cascade?: readonly (readonly [table: string, column: string])[];
  /** Never there at run time: carries the types from a definition to what is made of it. */
  readonly types?: { readonly read: E; readonly insert: I };
}

/** Checks a definition against its contract types, then lets the shapes treat all entities alike. */
export const entity = <E extends object, I extends object = Partial<E>>(definition: Entity<E, I>): Definition<E, I> =>
  // The mapped type over `E` is what a Record is, but TypeScript cannot see it while `E` is open.
  definition as unknown as Definition<E, I>;

/** What travels to and from a row: all that encoding needs to know of an entity. */
export type Shape = Pick<Definition, "table" | "columns" | "ignored" | "absent" | "showsTenant">;

export const placeOf = (entity: { readonly table: string }, tenantId: string, keyRing: Place["keyRing"]): Place => ({
  tenantId,
  table: entity.table,
  keyRing,
});

const columnOf = (entity: Shape, field: string): Column<unknown> | undefined =>
  Object.hasOwn(entity.columns, field) ? entity.columns[field] : undefined;

/** Names in SELECT: the columns, and `doc` once if any field lives there. */
export const storedColumns = (entity: Shape): readonly string[] => layoutOf(entity).stored;

/**
 * All stored columns of a row as one value, for SELECT in their place: a driver makes each value of a row by itself, which
 * takes three times as long as SQLite writing the row as JSON and the engine reading it. No column holds what JSON has no
 * word for: tables are STRICT, and have text and integers only.
 */
export const packed = (entity: Shape): AliasedRawBuilder<string, "packed"> => layoutOf(entity).packed;

/** What rows of an entity look like, worked out once for its columns. */
interface Layout {
  readonly stored: readonly string[];
  readonly packed: AliasedRawBuilder<string, "packed">;
  /** Where the document stands among the stored columns, or -1. */
  readonly documentAt: number;
  /** The fields, and where each stands; -1 in the document. */
  readonly fields: readonly { readonly field: string; readonly column: Column<unknown>; readonly at: number }[];
}

const layouts = new WeakMap<Shape["columns"], Layout>();

function layoutOf({ columns }: Pick<Shape, "columns">): Layout {
  const known = layouts.get(columns);
  if (known) return known;
  const all = Object.entries(columns);
  const own = all.filter(([, column]) => column.home === "column").map(([field]) => field);
  const stored = own.length === all.length ? own : [...own, "doc"];
  const layout: Layout = {
    stored,
    packed: sql<string>`json_array(${sql.raw(stored.map((name) => `"${name}"`).join(", "))})`.as("packed"),
    documentAt: stored.indexOf("doc"),
    fields: all.map(([field, column]) => ({ field, column, at: own.indexOf(field) })),
  };
  layouts.set(columns, layout);
  return layout;
}

const ignores = (entity: Shape, field: string) => field === "tenant_id" || entity.ignored?.includes(field);

function known(entity: Shape, field: string): Column<unknown> | null {
  const column = columnOf(entity, field);
  if (column) return column;
  if (ignores(entity, field)) return null;
  throw new PlatformError("invalid", "unknown_field", `${entity.table} has no field ${field}`);
}

/** The row to insert. An absent field is NULL, or not in `doc`. Throws `invalid` (`unknown_field`). */
export function encodeRow(entity: Shape, values: object, place: Place): Record<string, SqlValue> {
  const row: Record<string, SqlValue> = {};
  const parts: string[] = [];
  for (const [field, value] of Object.entries(values)) {
    const column = known(entity, field);
    if (!column || value === undefined || value === null) continue;
    const encoded = column.encode(value, place, field);
    if (column.home === "doc") parts.push(`${JSON.stringify(field)}:${String(encoded)}`);
    else row[field] = encoded;
  }
  if (storedColumns(entity).includes("doc")) row.doc = `{${parts.join(",")}}`;
  return row;
}

/** What UPDATE sets: undefined leaves a field alone, null clears it, `doc` fields change inside the document. */
export function encodePatch(
  entity: Shape,
  patch: object,
  place: Place,
): Record<string, SqlValue | RawBuilder<unknown>> {
  const set: Record<string, SqlValue | RawBuilder<unknown>> = {};
  const changed: [field: string, json: string][] = [];
  const cleared: string[] = [];
  for (const [field, value] of Object.entries(patch)) {
    const column = known(entity, field);
    if (!column || value === undefined) continue;
    if (column.home === "column") set[field] = value === null ? null : column.encode(value, place, field);
    else if (value === null) cleared.push(field);
    else changed.push([field, String(column.encode(value, place, field))]);
  }
  if (changed.length + cleared.length > 0) set.doc = withoutFields(withFields(sql`doc`, changed), cleared);
  return set;
}

/** The contract's object for a row: absent fields are omitted, `absent()` fills what the contract always shows. */
export function decodeRow<E extends object>(entity: Shape, row: Row, place: Place): E {
  const decoded: Record<string, unknown> = entity.showsTenant ? { tenant_id: place.tenantId } : {};
  const { stored, documentAt, fields } = layoutOf(entity);
  const values = typeof row.packed === "string" ? unpacked(row.packed) : stored.map((name) => row[name]);
  const document = documentOf(values[documentAt]);
  for (const { field, column, at } of fields) {
    const value = at < 0 ? document[field] : values[at];
    if (value === null || value === undefined) continue;
    const isPlain = at < 0 && !column.isSealed;
    decoded[field] = isPlain ? value : column.decode(value as NonNullable<SqlValue>, place, field);
  }
  const absent = (entity.absent?.() ?? {}) as Record<string, unknown>;
  for (const field in absent) {
    if (decoded[field] === undefined) decoded[field] = absent[field];
  }
  return decoded as E;
}

/** The values of a packed row. A number that JSON could only give inexactly is refused, as a driver's would be. */
function unpacked(text: string): unknown[] {
  const values = JSON.parse(text) as unknown[];
  for (const value of values) if (typeof value === "number") safeInteger(value);
  return values;
}

const EMPTY: Readonly<Record<string, unknown>> = {};

const documentOf = (text: unknown) =>
  typeof text === "string" && text !== "{}" ? (JSON.parse(text) as typeof EMPTY) : EMPTY;
