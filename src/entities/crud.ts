import type { CreateOptions, ListParams } from "@authhero/adapter-interfaces";
import type { Compilable, InsertQueryBuilder } from "kysely";
import { PlatformError } from "../domain/errors.ts";
import { type Definition, decodeRow, encodePatch, encodeRow, packed, placeOf, type Row } from "./entity.ts";
import { whereQuery } from "./filter.ts";
import {
  type Checkpoint,
  COUNTERS,
  type Counters,
  isCheckpoint,
  offsetOf,
  type Rows,
  readCheckpoint,
  readPage,
} from "./page.ts";
import { nowOf, type Store, type Tables } from "./store.ts";

/** How a collection is listed: the name of its array in the answer, its counters, and its walk if it has one. */
export interface Listing<C extends string> {
  readonly as: C;
  readonly counters?: Counters;
  readonly perPage?: number;
  readonly checkpoint?: Checkpoint;
}

/** A collection of rows, each owned by one tenant: create, get, list, update, remove. */
export function crud<E extends object, I extends object, C extends string>(
  store: Store,
  entity: Definition<E, I>,
  listing: Listing<C>,
) {
  return {
    async create(tenantId: string, input: I, options?: CreateOptions): Promise<E> {
      const row = newRow(store, entity, tenantId, input, options);
      await insertRow(store, entity, row).execute();
      return decoded(store, entity, tenantId, row);
    },

    get: (tenantId: string, id: string): Promise<E | null> => getRow(store, entity, tenantId, id),

    list: (tenantId: string, params: ListParams = {}) => listRows(store, entity, listing, tenantId, params),

    update: (tenantId: string, id: string, patch: Partial<E>): Promise<boolean> =>
      updateRow(store, entity, tenantId, id, patch),

    remove: (tenantId: string, id: string): Promise<boolean> => removeRow(store, entity, tenantId, id),
  };
}

/** The row that `create` inserts: import metadata over the caller's fields over the entity's defaults. */
export function newRow(store: Store, entity: Definition, tenantId: string, input: object, options?: CreateOptions) {
  const now = nowOf(store);
  const times = { created_at: now, updated_at: now };
  const imported = importedFields(entity, options);
  const values = {
    ...onlyFields(entity, times),
    ...entity.defaults?.(input, { now: imported.created_at ?? now, tag: store.tag }),
    ...defined(input),
    ...imported,
  };
  return { tenant_id: tenantId, ...encodeRow(entity, values, placeOf(entity, tenantId, store.keyRing)) };
}

/** What an import fixes. An absent `updated_at` is the imported `created_at`. */
function importedFields(entity: Definition, options?: CreateOptions): Record<string, string | undefined> {
  const { id, created_at, updated_at = created_at } = options?.importMetadata ?? {};
  return { ...(id && { [entity.key]: id }), ...onlyFields(entity, defined({ created_at, updated_at })) };
}

const defined = <T extends object>(values: T): T =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;

const onlyFields = <T extends object>(entity: Definition, values: T): T =>
  Object.fromEntries(Object.entries(values).filter(([field]) => Object.hasOwn(entity.columns, field))) as T;

export const insertRow = (store: Store, entity: Definition, row: object): InsertQueryBuilder<Tables, string, object> =>
  store.db.insertInto(entity.table).values(row);

export const decoded = <E extends object>(store: Store, entity: Definition<E>, tenantId: string, row: Row): E =>
  decodeRow(entity, row, placeOf(entity, tenantId, store.keyRing));

/** The only way to one row, so that no statement can forget its tenant. */
export async function getRow<E extends object>(
  store: Store,
  entity: Definition<E>,
  tenantId: string,
  id: string,
  by: string = entity.key,
): Promise<E | null> {
  const row = await rowsOf(store, entity, tenantId).select(packed(entity)).where(by, "=", id).executeTakeFirst();
  return row ? decoded(store, entity, tenantId, row) : null;
}

/** One tenant's rows: where every read of an entity begins. */
export const rowsOf = (store: Store, entity: Pick<Definition, "table">, tenantId: string): Rows =>
  store.db.selectFrom(entity.table).where(`${entity.table}.tenant_id`, "=", tenantId);

/** Every row that matches, in the entity's order, for lists the contract gives as plain arrays. */
export async function arrayOf<E extends object>(
  store: Store,
  entity: Definition<E>,
  tenantId: string,
  narrow: (rows: Rows) => Rows = (rows) => rows,
): Promise<E[]> {
  const rows = await ordered(narrow(rowsOf(store, entity, tenantId)), entity)
    .select(packed(entity))
    .execute();
  return rows.map((row) => decoded(store, entity, tenantId, row as Row));
}

/** A page by offset or by checkpoint, narrowed by `q` and by what else a list may ask. */
export async function listRows<E extends object, C extends string>(
  store: Store,
  entity: Definition<E>,
  listing: Listing<C>,
  tenantId: string,
  params: ListParams,
  narrow: (rows: Rows) => Rows = (rows) => rows,
) {
  const narrowed = (rows: Rows) => matching(narrow(rows), entity, params.q);
  const rows = narrowed(rowsOf(store, entity, tenantId)).select(packed(entity));
  const decode = (row: Row) => decoded(store, entity, tenantId, row);
  if (listing.checkpoint && isCheckpoint(params)) {
    const page = await readCheckpoint(rows, listing.checkpoint, params);
    return answer(listing.as, page.rows.map(decode), page.counters);
  }
  const offset = offsetOf(params, listing.perPage);
  const count = narrowed(rowsOf(store, entity, tenantId));
  const page = await readPage(ordered(rows, entity, params), count, offset, params.include_totals === true);
  const counters = COUNTERS[listing.counters ?? "zeroUnlessAsked"];
  return answer(listing.as, page.rows.map(decode), counters({ ...offset, rows: page.rows.length, total: page.total }));
}

const answer = <C extends string, E, T extends object>(as: C, items: E[], counters: T) =>
  ({ [as]: items, ...counters }) as Record<C, E[]> & T;

/** Narrowed by what `q` asks, as far as the entity lets it. */
export function matching(rows: Rows, entity: Definition, q: string | undefined): Rows {
  const where = entity.filters ? whereQuery(entity.filters, q) : null;
  return where ? rows.where(where) : rows;
}

/** The caller's sort where it is allowed, else the entity's own; the key last, so that pages never overlap. */
export function ordered(rows: Rows, entity: Definition, { sort }: ListParams = {}): Rows {
  const own = entity.order ?? [];
  const chosen: typeof own = sort && entity.sortable?.includes(sort.sort_by) ? [[sort.sort_by, sort.sort_order]] : own;
  const tie: "asc" | "desc" = chosen.at(-1)?.[1] === "desc" ? "desc" : "asc";
  return [...chosen, [entity.key, tie] as const].reduce<Rows>(
    (query, [field, order]) => query.orderBy(field, order),
    rows,
  );
}

/** True when a row matched. An empty patch asks only whether there is one. */
export async function updateRow(
  store: Store,
  entity: Definition,
  tenantId: string,
  id: string,
  patch: object,
): Promise<boolean> {
  const statement = updateOf(store, entity, tenantId, id, patch);
  if (!statement) return (await getRow(store, entity, tenantId, id)) !== null;
  const result = await statement.executeTakeFirstOrThrow();
  return result.numUpdatedRows > 0n;
}

/** The UPDATE for a patch, or null when there is nothing to set. */
export function updateOf(store: Store, entity: Definition, tenantId: string, id: string, patch: object) {
  const { [entity.key]: _key, created_at: _created, ...changes } = patch as Record<string, unknown>;
  const now = nowOf(store);
  const touched = { ...changes, ...onlyFields(entity, { updated_at: now }), ...entity.touch?.(now, patch) };
  const set = encodePatch(entity, touched, placeOf(entity, tenantId, store.keyRing));
  if (Object.keys(set).length === 0) return null;
  return store.db.updateTable(entity.table).set(set).where("tenant_id", "=", tenantId).where(entity.key, "=", id);
}

/** True when a row was deleted. What hangs on it goes in the same unit. */
export async function removeRow(store: Store, entity: Definition, tenantId: string, id: string): Promise<boolean> {
  const row = deleteFrom(store, entity.table, tenantId, entity.key, id);
  if (!entity.cascade?.length) return (await row.executeTakeFirstOrThrow()).numDeletedRows > 0n;
  return removeWith(
    store,
    entity.cascade.map(([table, column]) => deleteFrom(store, table, tenantId, column, id)),
    row,
  );
}

/** Deletes a row and, before it, what hangs on it: all or nothing. */
export async function removeWith(store: Store, dependants: readonly Compilable[], row: Compilable): Promise<boolean> {
  const results = await store.batch([...dependants, row]);
  return (results.at(-1)?.changes ?? 0) > 0;
}

export const deleteFrom = (store: Store, table: string, tenantId: string, column: string, value: string) =>
  store.db.deleteFrom(table).where("tenant_id", "=", tenantId).where(column, "=", value);

/** A cutoff that is an instant, or `invalid` (`invalid_date`): a sweep must not delete by a misread date. */
export function cutoffOf(olderThan: string): number {
  const cutoff = Date.parse(olderThan);
  if (Number.isNaN(cutoff)) throw new PlatformError("invalid", "invalid_date", "olderThan must be an ISO 8601 date");
  return cutoff;
}
