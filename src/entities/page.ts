import {
  type CursorPayload,
  decodeCursor,
  encodeCursor,
  type ListParams,
  type Totals,
} from "@authhero/adapter-interfaces";
import { type SelectQueryBuilder, sql } from "kysely";
import { PlatformError } from "../domain/errors.ts";
import type { Row } from "./entity.ts";
import type { Tables } from "./store.ts";

// biome-ignore lint/suspicious/noExplicitAny: a query over a table chosen at run time; see `Tables` in store.ts.
export type Rows = SelectQueryBuilder<Tables, any, any>;

const PAGE_ROWS_DEFAULT = 50;
// The server asks for up to 10,000 role permissions in one page.
const PAGE_ROWS_MAX = 10_000;

/** What a page's counters are made of. `total` is null when it was not counted. */
export interface Counted {
  readonly page: number;
  readonly perPage: number;
  readonly rows: number;
  readonly total: number | null;
}

/** How a list tells its counters: they are not uniform in the contract (section 1.3), so each family is named. */
export const COUNTERS = {
  /** All zero unless totals were asked for; then `length` is the total. Most lists. */
  zeroUnlessAsked: ({ page, perPage, total }: Counted): Totals =>
    total === null ? { start: 0, limit: 0, length: 0 } : { start: page * perPage, limit: perPage, length: total },
  /** `length` is the page's size, or the total when asked for. Roles, failed outbox events. */
  pageUnlessAsked: ({ page, perPage, rows, total }: Counted): Totals => ({
    start: page * perPage,
    limit: perPage,
    length: total ?? rows,
  }),
  /** `length` is the page's size; `total` too, until asked for. Organizations; clients, one level down. */
  pageAndTotal: ({ page, perPage, rows, total }: Counted): Totals => ({
    start: page * perPage,
    limit: perPage,
    length: rows,
    total: total ?? rows,
  }),
} as const;

export type Counters = keyof typeof COUNTERS;

export interface Offset {
  readonly page: number;
  readonly perPage: number;
}

/** The page asked for, within limits. Pages count from 0. */
export function offsetOf(params: ListParams, perPageDefault = PAGE_ROWS_DEFAULT): Offset {
  return {
    page: Math.max(0, Math.trunc(params.page ?? 0) || 0),
    perPage: clampRows(params.per_page ?? perPageDefault),
  };
}

const clampRows = (rows: number) => Math.min(Math.max(0, Math.trunc(rows) || 0), PAGE_ROWS_MAX);

export const isCheckpoint = (params: ListParams) => params.from !== undefined || params.take !== undefined;

/** One page by offset, and the number of all rows when it was asked for. */
export async function readPage(rows: Rows, count: Rows, offset: Offset, counted: boolean) {
  const [page, total] = await Promise.all([
    rows
      .limit(offset.perPage)
      .offset(offset.page * offset.perPage)
      .execute() as Promise<Row[]>,
    counted ? countOf(count) : null,
  ]);
  return { rows: page, total };
}

async function countOf(rows: Rows): Promise<number> {
  const found = await rows.select(sql<number>`count(*)`.as("count")).executeTakeFirstOrThrow();
  return Number(found.count);
}

/** The order a walk by checkpoint follows, always made unique by the key. */
export interface Checkpoint {
  readonly by: string;
  readonly key: string;
  readonly direction: "asc" | "desc";
  /** Callers may choose the direction, and a cursor is good for that order only. Elsewhere their sort is ignored. */
  readonly strict?: boolean;
}

/**
 * One page of a walk by checkpoint: every row exactly once, also when rows are added meanwhile or share a time.
 * A cursor that cannot be read starts at the beginning.
 *
 * Throws `invalid` (`invalid_sort`, `invalid_cursor`) where the walk is strict about its order.
 */
export async function readCheckpoint(rows: Rows, walk: Checkpoint, params: ListParams) {
  const direction = directionOf(walk, params);
  const spec = `${walk.by}:${direction}`;
  const cursor = params.from ? decodeCursor(params.from) : null;
  if (walk.strict && cursor && cursor.k !== spec) {
    throw new PlatformError(
      "invalid",
      "invalid_cursor",
      "This cursor belongs to another sort order; start again without `from`",
    );
  }
  const take = Math.max(1, clampRows(params.take ?? PAGE_ROWS_DEFAULT));
  const found = (await after(rows, walk, direction, cursor)
    // What the cursor is made of, whatever else is selected.
    .select([walk.by, walk.key])
    .orderBy(walk.by, direction)
    .orderBy(walk.key, direction)
    .limit(take + 1)
    .execute()) as Row[];
  const page = found.slice(0, take);
  const last = page.at(-1);
  return {
    rows: page,
    counters: {
      start: 0,
      limit: take,
      length: page.length,
      ...(found.length > take && last ? { next: cursorAt(last, walk, spec) } : {}),
    },
  };
}

function directionOf(walk: Checkpoint, { sort }: ListParams): "asc" | "desc" {
  if (!walk.strict || !sort) return walk.direction;
  if (sort.sort_by === walk.by) return sort.sort_order;
  throw new PlatformError(
    "invalid",
    "invalid_sort",
    `A walk with \`from\` and \`take\` can be sorted by ${walk.by} only`,
  );
}

function after(rows: Rows, { by, key }: Checkpoint, direction: "asc" | "desc", cursor: CursorPayload | null): Rows {
  if (!cursor) return rows;
  const further = sql.raw(direction === "asc" ? ">" : "<");
  if (cursor.s === undefined || cursor.s === null)
    return rows.where(sql<boolean>`${sql.ref(key)} ${further} ${cursor.i}`);
  return rows.where(sql<boolean>`(${sql.ref(by)}, ${sql.ref(key)}) ${further} (${cursor.s}, ${cursor.i})`);
}

function cursorAt(row: Row, { by, key }: Checkpoint, spec: string): string {
  const sortValue = row[by];
  return encodeCursor({
    s: typeof sortValue === "number" || typeof sortValue === "string" ? sortValue : null,
    i: String(row[key]),
    k: spec,
  });
}
