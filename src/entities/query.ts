/** One term of a `q`: a comparison of a field, a presence test, or a bare word. */
export type Term =
  | { readonly kind: "compare"; readonly field: string; readonly operator: Operator; readonly value: string }
  | { readonly kind: "exists"; readonly field: string; readonly present: boolean }
  | { readonly kind: "word"; readonly value: string };

export type Operator = "=" | "!=" | ">" | ">=" | "<" | "<=";

/** Alternatives of terms that must hold together: `a:1 b:2 OR c:3` is `[[a, b], [c]]`. */
export type Query = readonly (readonly Term[])[];

// Longer than any search a person types or AuthHero builds; keeps a hostile query from becoming a large statement.
const TERMS_MAX = 50;

/**
 * Reads the part of Lucene's syntax that Auth0's `q` has: words, `field:value`, `field=value`, ranges, negation,
 * `_exists_:field`, quotes, backslash escapes, AND (implied) and OR. Parentheses, wildcards, `[a TO b]` and NOT are
 * not part of it and are read as text. Never throws.
 *
 * @see https://auth0.com/docs/manage-users/user-search/user-search-query-syntax
 */
export function parseQuery(q: string): Query {
  const alternatives: Term[][] = [[]];
  let terms = 0;
  for (const token of tokensOf(q)) {
    if (token === "AND") continue;
    if (/^or$/i.test(token)) alternatives.push([]);
    else if (terms++ < TERMS_MAX) alternatives.at(-1)?.push(termOf(token));
  }
  return alternatives;
}

/** Splits at white space outside quotes. A quote counts only where a value begins and where it is closed again. */
function tokensOf(q: string): string[] {
  return q.match(/(?:-?[A-Za-z_][\w.]*[:=](?:[<>]=?)?)?"(?:\\.|[^"\\])*"(?=\s|$)|\S+/g) ?? [];
}

function termOf(token: string): Term {
  const parts = /^(-?)([A-Za-z_][\w.]*)[:=]([\s\S]*)$/.exec(token);
  if (!parts) return { kind: "word", value: plain(token) };
  const [, minus, field = "", rest = ""] = parts;
  const negated = minus === "-";
  if (field === "_exists_") return { kind: "exists", field: plain(rest), present: !negated };
  const [, sign = "", value = ""] = /^([<>]=?|)([\s\S]*)$/.exec(rest) ?? [];
  return { kind: "compare", field, operator: operatorOf(sign, negated), value: plain(value) };
}

const INVERSE = { ">": "<=", ">=": "<", "<": ">=", "<=": ">", "": "!=" } as const;

function operatorOf(sign: string, negated: boolean): Operator {
  if (negated) return INVERSE[sign as keyof typeof INVERSE];
  return sign === "" ? "=" : (sign as Operator);
}

/** Without its quotes and escapes: `"two words"` → `two words`, `a\-b` → `a-b`. */
function plain(value: string): string {
  const inner = value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
  return inner.replace(/\\([\\"+\-!(){}[\]^~*?:/&|])/g, "$1");
}
