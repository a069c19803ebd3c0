import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type * as z from "zod";
import { PlatformError } from "../../src/domain/errors.ts";
import type { Patience } from "./turso-patience.ts";

/** Enough of Turso's words to understand it, and no page of HTML. */
const TEXT_MAX = 200;

/** A "no" that repeating does not change: any 4xx but those about time. */
interface Refusal {
  readonly status: number;
  readonly text: string;
}

export type Answer<T> = { readonly value: T } | { readonly refusal: Refusal };

interface OwnRequest {
  readonly method?: string;
  /** Below the organization. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: object;
}

export type Caller = ReturnType<typeof createCaller>;

interface CallerOptions {
  /** The organization's part of the API; ends in a slash. */
  readonly root: URL;
  readonly apiToken: string;
  readonly timeoutMs: number;
  readonly patience: Patience;
}

/**
 * The two ways to ask Turso, which answer and fail alike: with a value of the expected shape, a refusal, or
 * `unavailable` (`platform_failed`, `rate_limited`). All calls are of a kind that may be repeated.
 */
export function createCaller({ root, apiToken, timeoutMs, patience }: CallerOptions) {
  /** `attempt` throws whatever it likes; a refusal that its error tells of is an answer. */
  const ask = <T>(what: string, attempt: () => Promise<T>, budgetMs?: number): Promise<Answer<T>> =>
    patience.repeat(async () => {
      try {
        return { value: await attempt() };
      } catch (error) {
        return { refusal: refusalOf(what, error) };
      }
    }, budgetMs);

  return {
    /** A call of the package, which has neither time limits nor headers: it is no longer waited for. */
    viaPackage: <T>(what: string, call: () => Promise<unknown>, shape: z.ZodType<T>, budgetMs?: number) =>
      ask(
        what,
        async () => shape.parse(await watchingLimits(root, patience.holdOff, () => within(timeoutMs, call()))),
        budgetMs,
      ),

    /** A request of our own. A successful answer without a body counts as `{}`. */
    viaFetch: <T>(what: string, { method = "GET", path, query = {}, body }: OwnRequest, shape: z.ZodType<T>) =>
      ask(what, async () => {
        const url = new URL(path, root);
        url.search = new URLSearchParams(query).toString();
        const response = await fetch(url, {
          method,
          headers: { authorization: `Bearer ${apiToken}`, ...(body && { "content-type": "application/json" }) },
          ...(body && { body: JSON.stringify(body) }),
          // The token is for this host only.
          redirect: "error",
          signal: AbortSignal.timeout(timeoutMs),
        });
        const text = await response.text();
        if (response.status === 429) patience.holdOff(response.headers.get("retry-after"));
        if (!response.ok) throw new AnswerError(response.status, reasonIn(text));
        return shape.parse(text === "" ? {} : JSON.parse(text));
      }),
  };
}

/**
 * What Turso's refusal means to us when no caller expects it: `unavailable` (`platform_refused`) when our token or
 * plan does not allow the call, else `invalid` (`platform_rejected`).
 */
export function rejected(what: string, { status, text }: Refusal): PlatformError {
  const [code, reason] = [401, 402, 403].includes(status)
    ? (["unavailable", "platform_refused"] as const)
    : (["invalid", "platform_rejected"] as const);
  return new PlatformError(code, reason, `Turso refused to ${what} (${status}): ${text}`);
}

/** An answer to one of our own requests that is no success; never leaves this file. */
class AnswerError extends Error {
  override readonly name = "AnswerError";
  readonly status: number;

  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }
}

function reasonIn(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    const reason = typeof parsed === "object" && parsed !== null && "error" in parsed ? parsed.error : parsed;
    return typeof reason === "string" ? reason : JSON.stringify(reason);
  } catch {
    return "no reason given";
  }
}

/**
 * The refusal an error tells of; else throws what is to be repeated. That is also an answer that cannot be read: an
 * empty one (`SyntaxError`), one without the expected members, one in HTML.
 */
function refusalOf(what: string, error: unknown): Refusal {
  const status = statusOf(error);
  const text = (error instanceof Error ? error.message : "").slice(0, TEXT_MAX);
  const isRefused = status >= 400 && status < 500 && ![408, 425, 429].includes(status);
  if (isRefused) return { status, text };
  throw new PlatformError(
    "unavailable",
    status === 429 ? "rate_limited" : "platform_failed",
    status === 0 ? `Turso gave no usable answer when asked to ${what}` : `Turso answered ${status} to ${what}`,
    { cause: error },
  );
}

/** 0 without an answer. The package exports its error as a type only, and keeps no status where there is no JSON. */
function statusOf(error: unknown): number {
  if (!(error instanceof Error)) return 0;
  const hasStatus = error instanceof AnswerError || error.name === "TursoClientError";
  if (hasStatus && "status" in error) return Number(error.status);
  return Number(/^Something went wrong! Status (\d{3})$/.exec(error.message)?.[1] ?? 0);
}

async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`No answer within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The package drops the headers of an answer, and `Retry-After` is one. Node's own `fetch` announces every answer on
 * a diagnostics channel (https://undici.nodejs.org/#/docs/api/DiagnosticsChannel); with another one, the pauses
 * between attempts must do.
 */
async function watchingLimits<T>(root: URL, holdOff: Patience["holdOff"], work: () => Promise<T>): Promise<T> {
  const channel = "undici:request:headers";
  const look = (message: unknown) => {
    const { request, response } = message as Announcement;
    if (response?.statusCode !== 429 || !request?.path?.startsWith(root.pathname)) return;
    if (String(request.origin) === root.origin) holdOff(headerIn(response.headers ?? [], "retry-after"));
  };
  subscribe(channel, look);
  try {
    return await work();
  } finally {
    unsubscribe(channel, look);
  }
}

/** As far as it concerns us; not promised to stay, so every member may be missing. */
interface Announcement {
  readonly request?: { readonly origin?: string | URL; readonly path?: string };
  /** Names and values by turns. */
  readonly response?: { readonly statusCode?: number; readonly headers?: readonly (Buffer | string)[] };
}

function headerIn(headers: readonly (Buffer | string)[], name: string): string | undefined {
  const at = headers.findIndex((entry, index) => index % 2 === 0 && String(entry).toLowerCase() === name);
  return at === -1 ? undefined : String(headers[at + 1]);
}
