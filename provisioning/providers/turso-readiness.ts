import { PlatformError } from "../../src/domain/errors.ts";
import type { DatabaseName } from "../../src/domain/names.ts";
import type { Location } from "./provider.ts";
import type { Patience } from "./turso-patience.ts";

/** How to reach a host: what `openClient` takes. */
export type Connect = (hostname: string) => { readonly url: string; readonly fetch?: typeof fetch };

/** What a database says of itself: `absent` also while a new one is still on its way. */
type Condition = "ready" | "blocked" | "absent" | "refused" | "unreachable";

interface Needs {
  readonly connect: Connect;
  readonly patience: Patience;
  /** The limit of one request, in milliseconds. */
  readonly timeoutMs: number;
  /** Whether Turso knows the database, asked for `budgetMs` at most. */
  readonly exists: (database: DatabaseName, budgetMs: number) => Promise<boolean>;
}

/**
 * Waits until a database answers. A new one says 404 for seconds, as does an absent one, so Turso is asked which it
 * is, once. No attempt begins after `budgetMs`. `fresh`: it was seen a moment ago, and the token may be newer than
 * what the database knows; a refusal is then waited out too.
 *
 * Throws `not_found` (`database_missing`) and `unavailable` (`database_not_ready`, `database_refused`).
 */
export function createReadiness({ connect, patience, timeoutMs, exists }: Needs) {
  return async (
    database: DatabaseName,
    { locator, secret }: Location,
    { budgetMs, fresh = false }: { readonly budgetMs: number; readonly fresh?: boolean },
  ): Promise<"ready" | "blocked"> => {
    const deadline = patience.now() + budgetMs;
    let isKnown = fresh;
    for (let attempt = 1; ; attempt++) {
      const condition = await conditionOf(connect(locator), secret, timeoutMs);
      if (condition === "ready" || condition === "blocked") return condition;
      isKnown ||= await exists(database, budgetMs);
      if (!isKnown) throw missing(database);
      const mayChange = condition !== "refused" || fresh;
      if (!mayChange || !(await patience.rest(attempt, deadline))) throw unusable(database, condition);
    }
  };
}

/** What `open` says of an absent and of a retained database. */
export function missing(database: DatabaseName): PlatformError {
  return new PlatformError("not_found", "database_missing", `There is no database ${database}`);
}

function unusable(database: DatabaseName, condition: Condition): PlatformError {
  return condition === "refused"
    ? new PlatformError("unavailable", "database_refused", `The database ${database} refused its token`)
    : new PlatformError("unavailable", "database_not_ready", `The database ${database} does not answer yet`);
}

/** The cheapest question there is, in the protocol's own words (https://github.com/tursodatabase/libsql, Hrana 2). */
const QUESTION = JSON.stringify({ requests: [{ type: "execute", stmt: { sql: "select 1" } }, { type: "close" }] });

/** Not through the client, which repeats a 404 in its own time and keeps what it was told to itself. */
async function conditionOf(
  { url, fetch: ask = fetch }: ReturnType<Connect>,
  secret: string | undefined,
  timeoutMs: number,
): Promise<Condition> {
  if (secret === undefined) return "refused";
  try {
    const response = await ask(new URL("v2/pipeline", `${url.replace(/^libsql:/, "https:").replace(/\/$/, "")}/`), {
      method: "POST",
      headers: { authorization: `Bearer ${secret}`, "content-type": "application/json" },
      body: QUESTION,
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    if (response.ok) return told(JSON.parse(text));
    if (response.status === 404) return "absent";
    return response.status === 401 || response.status === 403 ? "refused" : "unreachable";
  } catch {
    // Whatever it was, waiting may help; when it does not, the caller gets one error for all of it.
    return "unreachable";
  }
}

function told(answer: Pipeline): Condition {
  const [first] = answer.results ?? [];
  if (first?.type === "ok") return "ready";
  return first?.error?.code === "BLOCKED" ? "blocked" : "unreachable";
}

interface Pipeline {
  readonly results?: readonly { readonly type?: string; readonly error?: { readonly code?: string } }[];
}
