import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { PlatformError } from "../../src/domain/errors.ts";
import type { DatabaseName } from "../../src/domain/names.ts";

/** The server answers these within milliseconds, or something is wrong. */
const QUICK_MS = 5_000;

/** A fork copies data, and a checkpoint waits for transactions, which the server ends after five seconds. */
const SLOW_MS = 15_000;

/** Everything here may be repeated, so whatever may be over in a moment is. */
const ATTEMPTS_MAX = 4;
const PAUSE_MS = 100;

/** A namespace that is being moved out of the server's memory is denied for a moment: who is absent is so repeatedly. */
const ABSENCES = 3;
const ABSENCE_PAUSE_MS = 40;

/** A deletion that met such a move has been undone by it. */
const REMOVALS_MAX = 4;

/** Enough of a refusal to see what was wrong. */
const TEXT_CHARACTERS_MAX = 200;

/** What this code reads of a configuration. The rest goes back as it came: the server replaces all of it. */
const NamespaceConfig = z.looseObject({
  jwt_key: z.string().nullish(),
  block_reads: z.boolean(),
  block_writes: z.boolean(),
  block_reason: z.string().nullish(),
});
type NamespaceConfig = z.output<typeof NamespaceConfig>;

const NamespaceStats = z.object({
  storage_bytes_used: z.number(),
  rows_read_count: z.number(),
  rows_written_count: z.number(),
});
type NamespaceStats = z.output<typeof NamespaceStats>;

interface AdminOptions {
  /** Ends with a slash. */
  readonly url: string;
  readonly key: string;
  readonly fetch: typeof fetch;
}

/**
 * The admin API of a libSQL server, as far as it is needed. Every call may be repeated.
 *
 * Throws `unavailable` with `server_unreachable` when the server does not answer in time, fails or is busy, and
 * with `server_refused` when it does not take the admin key; `invalid` (`server_rejected`) for any other refusal.
 */
export function createNamespaceAdmin(options: AdminOptions) {
  const inTurn = createTurns();
  const post = (path: string, body: object, limitMs = QUICK_MS): Call => ({ method: "POST", path, body, limitMs });

  const config = async (database: DatabaseName, attempts = ATTEMPTS_MAX): Promise<NamespaceConfig | null> => {
    const answer = await askSurely(options, { method: "GET", path: `${database}/config`, attempts });
    return answer.status === 404 ? null : parse(NamespaceConfig, requireDone(answer));
  };

  return {
    /** Null when there is no such namespace. */
    config,

    /** Whether the namespace is to be seen at first sight. It may be there although it is not. */
    async isSeen(database: DatabaseName): Promise<boolean> {
      const answer = await ask(options, { method: "GET", path: `${database}/config` });
      if (answer.status === 404) return false;
      requireDone(answer);
      return true;
    },

    /** Makes an empty namespace, unless there is one. */
    async create(database: DatabaseName, jwtKey: string): Promise<void> {
      const answer = await ask(options, post(`${database}/create`, { jwt_key: jwtKey }));
      if (!saysExists(answer)) requireDone(answer);
    },

    /** Copies a namespace, configuration included, unless there is one. False when the source is absent. */
    async fork(from: DatabaseName, database: DatabaseName): Promise<boolean> {
      const answer = await askSurely(options, post(`${from}/fork/${database}`, {}, SLOW_MS));
      if (answer.status === 404) return false;
      if (!saysExists(answer)) requireDone(answer);
      return true;
    },

    /** Sets some members of the configuration and keeps the others. False when there is no such namespace. */
    change: (database: DatabaseName, values: Partial<NamespaceConfig>): Promise<boolean> =>
      inTurn(database, async () => {
        const before = await config(database);
        if (!before) return false;
        if (Object.entries(values).every(([name, value]) => before[name] === value)) return true;
        const answer = await askSurely(options, post(`${database}/config`, { ...before, ...values }));
        if (answer.status === 404) return false;
        requireDone(answer);
        return true;
      }),

    /** What the server has counted; null when there is no such namespace. It may be a little behind. */
    async stats(database: DatabaseName): Promise<NamespaceStats | null> {
      const answer = await askSurely(options, { method: "GET", path: `${database}/stats` });
      return answer.status === 404 ? null : parse(NamespaceStats, requireDone(answer));
    },

    /** Settles when every transaction that was open is over: a checkpoint needs the write lock. */
    async drain(database: DatabaseName): Promise<void> {
      const answer = await askSurely(options, post(`${database}/checkpoint`, {}, SLOW_MS));
      if (answer.status !== 404) requireDone(answer);
    },

    /** Removes a namespace, unless there is none. */
    async remove(database: DatabaseName): Promise<void> {
      for (let removal = 1; removal <= REMOVALS_MAX; removal += 1) {
        const answer = await ask(options, { method: "DELETE", path: database, body: {}, limitMs: SLOW_MS });
        if (answer.status !== 404) requireDone(answer);
        if (!(await config(database))) return;
      }
      throw new PlatformError("unavailable", "server_unreachable", `The libSQL server does not let go of ${database}`);
    },
  };
}

interface Call {
  readonly method: "GET" | "POST" | "DELETE";
  /** Behind `v1/namespaces/`. */
  readonly path: string;
  readonly body?: object;
  readonly limitMs?: number;
  readonly attempts?: number;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** The same as `ask`, where a 404 is true. */
async function askSurely(options: AdminOptions, call: Call): Promise<Answer> {
  for (let absences = 1; ; absences += 1) {
    const answer = await ask(options, call);
    if (answer.status !== 404 || absences === ABSENCES) return answer;
    await sleep(ABSENCE_PAUSE_MS * (0.5 + Math.random()));
  }
}

/** The server's answer, whatever it says, unless it says that it cannot answer now. */
async function ask(options: AdminOptions, call: Call): Promise<Answer> {
  const attempts = call.attempts ?? ATTEMPTS_MAX;
  for (let attempt = 1; ; attempt += 1) {
    const answer = await askOnce(options, call).catch((error: unknown) => ({ error }));
    if (!("error" in answer) && answer.status !== 429 && answer.status < 500) return answer;
    if (attempt === attempts) throw unreachable("error" in answer ? answer.error : answer);
    // Several processes that were turned away together do not come back together.
    await sleep(PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random()));
  }
}

async function askOnce({ url, key, fetch: send }: AdminOptions, { method, path, body, limitMs = QUICK_MS }: Call) {
  const response = await send(`${url}v1/namespaces/${path}`, {
    method,
    headers: { authorization: `basic ${key}`, ...(body && { "content-type": "application/json" }) },
    ...(body && { body: JSON.stringify(body) }),
    // A redirect would carry the admin key elsewhere.
    redirect: "error",
    signal: AbortSignal.timeout(limitMs),
  });
  return { status: response.status, text: await response.text() };
}

/** Servers have said it with each of these. */
function saysExists({ status, text }: Answer): boolean {
  return [400, 409, 422].includes(status) && /already exists|not available/i.test(text);
}

function requireDone({ status, text }: Answer): string {
  if (status >= 200 && status < 300) return text;
  if (status === 401 || status === 403) {
    throw new PlatformError("unavailable", "server_refused", "The libSQL server does not accept the admin key");
  }
  const message = `The libSQL server answered ${status}: ${text.slice(0, TEXT_CHARACTERS_MAX)}`;
  throw new PlatformError("invalid", "server_rejected", message);
}

function parse<T>(shape: z.ZodType<T>, text: string): T {
  try {
    return shape.parse(JSON.parse(text));
  } catch (cause) {
    // Something else answers there, such as a proxy's page.
    throw unreachable(cause);
  }
}

function unreachable(reason: unknown): PlatformError {
  const message = "The libSQL server's admin API cannot be reached";
  if (reason instanceof Error)
    return new PlatformError("unavailable", "server_unreachable", message, { cause: reason });
  const { status } = reason as Answer;
  return new PlatformError("unavailable", "server_unreachable", `${message}: it answered ${status}`);
}

/** Between reading a configuration and writing it back nobody else of this process does the same. */
function createTurns() {
  const last = new Map<DatabaseName, Promise<unknown>>();
  return <T>(database: DatabaseName, work: () => Promise<T>): Promise<T> => {
    const turn = (last.get(database) ?? Promise.resolve()).then(work);
    const over = turn
      .catch(() => {})
      .then(() => {
        if (last.get(database) === over) last.delete(database);
      });
    last.set(database, over);
    return turn;
  };
}
