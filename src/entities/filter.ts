import { type Expression, type ExpressionBuilder, type RawBuilder, type SqlBool, sql } from "kysely";
import { type Operator, parseQuery, type Term } from "./query.ts";
import { rarely } from "./rarely.ts";
import type { Tables } from "./store.ts";

/** How a field of `q` compares. `contains` is a substring match whatever was asked, as Auth0's is for some fields. */
export interface Filter {
  readonly as: "text" | "number" | "flag" | "time" | "contains";
  /** What stands in SQL for the field, where it is not a column of its name. */
  readonly expression?: RawBuilder<unknown>;
}

export interface Filters {
  readonly fields: Readonly<Record<string, Filter["as"] | Filter>>;
  /** Where a bare word is looked for; `exact` columns must equal it. */
  readonly search?: Readonly<Record<string, "contains" | "exact">>;
}

type Where = ExpressionBuilder<Tables, string>;

/**
 * The condition a `q` stands for, or null when it asks for nothing. A term whose field is not listed is dropped, so
 * a query can only narrow; alternatives (OR) of which none is left match nothing.
 */
export function whereQuery(filters: Filters, q: string | undefined): ((where: Where) => Expression<SqlBool>) | null {
  if (!q?.trim()) return null;
  const alternatives = parseQuery(q);
  const usable = alternatives
    .map((terms) => terms.filter((term) => isUsable(filters, term, alternatives.length > 1)))
    .filter((terms) => terms.length > 0);
  if (usable.length === 0) return alternatives.length > 1 ? () => sql<SqlBool>`0` : null;
  return (where) => where.or(usable.map((terms) => where.and(terms.map((term) => conditionOf(filters, term)))));
}

/** `LIKE %value%` with the value's own `%`, `_` and `\` taken literally; ASCII letters match in either case. */
export const contains = (column: Expression<unknown>, value: string): Expression<SqlBool> =>
  sql<SqlBool>`${column} like ${`%${value.replace(/[\\%_]/g, "\\$&")}%`} escape '\\'`;

function isUsable(filters: Filters, term: Term, amongAlternatives: boolean): boolean {
  if (term.kind === "word") return !amongAlternatives && filters.search !== undefined;
  return Object.hasOwn(filters.fields, term.field);
}

function conditionOf(filters: Filters, term: Term): Expression<SqlBool> {
  if (term.kind === "word") return anywhere(filters.search ?? {}, term.value);
  const filter = filterOf(filters, term.field);
  const column = filter.expression ?? sql.ref(term.field);
  if (term.kind === "exists")
    return term.present ? sql<SqlBool>`${column} is not null` : sql<SqlBool>`${column} is null`;
  return compare(column, filter.as, term.operator, term.value);
}

function filterOf(filters: Filters, field: string): Filter {
  const found = filters.fields[field] ?? "text";
  return typeof found === "string" ? { as: found } : found;
}

function anywhere(search: NonNullable<Filters["search"]>, value: string): Expression<SqlBool> {
  const matches = Object.entries(search).map(([column, match]) =>
    match === "exact" ? sql<SqlBool>`${sql.ref(column)} = ${value}` : contains(sql.ref(column), value),
  );
  return sql<SqlBool>`(${sql.join(matches, sql` or `)})`;
}

function compare(
  column: Expression<unknown>,
  as: Filter["as"],
  operator: Operator,
  value: string,
): Expression<SqlBool> {
  if (as === "contains") {
    const found = contains(column, value);
    return operator === "!=" ? sql<SqlBool>`not ${found}` : found;
  }
  const bound = boundValue(as, value);
  // A value that cannot be one of the column's kind equals none of them.
  if (bound === null) return sql<SqlBool>`0`;
  const compared = sql<SqlBool>`${column} ${sql.raw(operator)} ${bound}`;
  return as === "text" && operator === "=" ? rarely(compared) : compared;
}

function boundValue(as: Exclude<Filter["as"], "contains">, value: string): string | number | null {
  if (as === "text") return value;
  if (as === "flag") return { true: 1, "1": 1, false: 0, "0": 0 }[value] ?? null;
  const number = as === "time" && !/^\d{5,}$/.test(value) ? Date.parse(value) : Number(value);
  return value.trim() === "" || Number.isNaN(number) ? null : number;
}
