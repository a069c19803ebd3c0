import type { SqlText } from "../domain/around.ts";

/** OpenTelemetry's limit for `db.query.summary`. */
const CHARACTERS_MAX = 255;

const TABLE = /\b(?:from|join|into|update)\s+"?([a-z_]\w*)"?/gi;

/**
 * What statements are about: `select users`, `insert logs outbox_events`, several with commas between them. Made of
 * their verbs and the tables they name, and of nothing else.
 */
export function summaryOf(statements: readonly SqlText[]): string {
  const summaries = new Set(statements.map(({ sql }) => summaryOfOne(sql)));
  return [...summaries].join(", ").slice(0, CHARACTERS_MAX);
}

function summaryOfOne(sql: string): string {
  const verb = /^\s*([a-z]+)/i.exec(sql)?.[1]?.toLowerCase() ?? "statement";
  const tables = Array.from(sql.matchAll(TABLE), ([, table = ""]) => table);
  return [verb, ...new Set(tables)].join(" ");
}
