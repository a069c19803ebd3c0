/** Reads may run beside a transaction and be repeated; everything not known to be a read is a write. */
export type StatementKind = "read" | "write";

const READ = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*(?:select\b|explain\b|pragma\s+table_)/i;
const EXPLAIN = /^(?:\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*explain\b/i;

/** The kind of a statement, by its first word. `WITH` may introduce either, so it counts as a write. */
export function kindOf(sql: string): StatementKind {
  return READ.test(sql) ? "read" : "write";
}

/** Whether a statement asks how SQLite would run another. */
export const isExplain = (sql: string): boolean => EXPLAIN.test(sql);

// One alternative per token. Quoted things and comments come whole, so what is inside them cannot mislead.
const TOKEN =
  /(?<blank>\s+|--[^\n]*|\/\*[\s\S]*?\*\/)|'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|(?<word>[a-z_]\w*)|[\s\S]/gi;

const TRIGGER = /^create (?:(?:temp|temporary) )?trigger$/;

/** The single statements of a script, without their semicolons. Knows comments, quotes and trigger bodies. */
export function splitStatements(script: string): string[] {
  const statements: string[] = [];
  let start = -1;
  let opening = "";
  let depth = 0;
  const finish = (end: number) => {
    if (start >= 0) statements.push(script.slice(start, end).trim());
    start = -1;
    opening = "";
    depth = 0;
  };

  for (const { 0: token, index, groups } of script.matchAll(TOKEN)) {
    if (groups?.blank) continue;
    if (token === ";" && depth === 0) {
      finish(index);
      continue;
    }
    if (start < 0) start = index;
    const word = groups?.word?.toLowerCase();
    if (word && TRIGGER.test(opening)) depth += depthOf(word);
    else if (word) opening = `${opening} ${word}`.trimStart();
  }
  finish(script.length);
  return statements;
}

/** Inside a trigger BEGIN and CASE open what END closes, and semicolons in between do not end it. */
function depthOf(word: string): number {
  if (word === "begin" || word === "case") return 1;
  return word === "end" ? -1 : 0;
}
