import { type RawBuilder, sql } from "kysely";

// SQLite gives a function 127 arguments at most, and a field takes two of them. One call inside another for each
// field is no way out: its parser overflows before thirty.
const FIELDS_PER_CALL = 50;

/** The document with these top-level fields in it, each whole: `[name, its value as JSON]`. */
export const withFields = (document: RawBuilder<unknown>, fields: readonly (readonly [string, string])[]) =>
  chunksOf(fields).reduce<RawBuilder<unknown>>(
    (before, chunk) =>
      sql`json_set(${before}, ${sql.join(chunk.flatMap(([name, value]) => [pathOf(name), sql`json(${value})`]))})`,
    document,
  );

/** The document without these top-level fields. */
export const withoutFields = (document: RawBuilder<unknown>, names: readonly string[]) =>
  chunksOf(names).reduce<RawBuilder<unknown>>(
    (before, chunk) => sql`json_remove(${before}, ${sql.join(chunk.map(pathOf))})`,
    document,
  );

const pathOf = (name: string) => `$.${JSON.stringify(name)}`;

function chunksOf<T>(items: readonly T[]): T[][] {
  const count = Math.ceil(items.length / FIELDS_PER_CALL);
  return Array.from({ length: count }, (_, n) => items.slice(n * FIELDS_PER_CALL, (n + 1) * FIELDS_PER_CALL));
}
