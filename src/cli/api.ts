import { type ErrorCode, PlatformError } from "../domain/errors.ts";
import { jsonIn, objectIn } from "../domain/json.ts";
import type { Credentials, Server } from "./settings.ts";

/** AuthHero's `MANAGEMENT_API_AUDIENCE`, without loading AuthHero for it: commands begin at once. */
export const MANAGEMENT_AUDIENCE = "urn:authhero:management";

/** A request that takes longer is lost; what takes long is asked for in many short ones. */
const REQUEST_MS = 30_000;

export interface ApiRequest {
  readonly json?: unknown;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The management API of a running server. What it refuses is thrown under its own reason and message. */
export type Api = ReturnType<typeof createApi>;

type Fetch = (url: string, init: RequestInit) => Response | Promise<Response>;

/** `send` is for a house in this process. */
export function createApi({ url, credentials }: Server, send: Fetch = fetch) {
  const ask = async (path: string, init: RequestInit): Promise<Response> => {
    try {
      return await send(new URL(path, url).href, { ...init, signal: AbortSignal.timeout(REQUEST_MS) });
    } catch (cause) {
      throw noAnswer(url, cause);
    }
  };
  let token: Promise<string> | undefined;
  const bearer = () => (token ??= tokenOf(credentials, ask));

  const call = async <T>(method: string, path: string, { json, query, headers }: ApiRequest = {}): Promise<T> => {
    const answer = await ask(`/api/v2${path}${queryOf(query)}`, {
      method,
      headers: {
        authorization: `Bearer ${await bearer()}`,
        ...(json !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
    });
    return (await bodyOf(answer)) as T;
  };

  return {
    url,
    get: <T>(path: string, request?: ApiRequest) => call<T>("GET", path, request),
    post: <T>(path: string, request?: ApiRequest) => call<T>("POST", path, request),
    patch: <T>(path: string, request?: ApiRequest) => call<T>("PATCH", path, request),
    remove: <T>(path: string, request?: ApiRequest) => call<T>("DELETE", path, request),
  };
}

/** A client's token ends after a day, long after any command. */
async function tokenOf(credentials: Credentials, ask: (path: string, init: RequestInit) => Promise<Response>) {
  if ("token" in credentials) return credentials.token;
  const form = {
    grant_type: "client_credentials",
    client_id: credentials.clientId,
    client_secret: credentials.clientSecret,
    audience: MANAGEMENT_AUDIENCE,
  };
  const answer = await ask("/oauth/token", { method: "POST", body: new URLSearchParams(form) });
  const { access_token } = (await bodyOf(answer)) as { access_token?: unknown };
  if (typeof access_token === "string") return access_token;
  throw new PlatformError("unavailable", "no_token", "The server has answered a request for a token without one");
}

function queryOf(query: ApiRequest["query"] = {}): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) given.set(name, String(value));
  return given.size === 0 ? "" : `?${given}`;
}

async function bodyOf(answer: Response): Promise<unknown> {
  const text = await answer.text();
  // A proxy's page is none, say: its status has to be enough.
  if (!answer.ok) throw refusalOf(answer.status, objectIn(text) ?? {});
  return text === "" ? undefined : (jsonIn(text) ?? text);
}

/** The Management API's shape, or OAuth's (RFC 6749, section 5.2). */
function refusalOf(status: number, body: Readonly<Record<string, unknown>>): PlatformError {
  const word = (...names: string[]) => names.map((name) => body[name]).find((value) => typeof value === "string");
  const reason = word("errorCode", "error") ?? `status_${status}`;
  const message = word("message", "error_description") ?? `The server has answered ${status}`;
  return new PlatformError(codeOf(status), String(reason), String(message));
}

function codeOf(status: number): ErrorCode {
  const codes: Readonly<Record<number, ErrorCode>> = {
    ...{ 400: "invalid", 422: "invalid", 401: "unauthorized", 403: "forbidden", 404: "not_found", 409: "conflict" },
    ...{ 429: "unavailable", 502: "unavailable", 503: "unavailable", 504: "unavailable" },
  };
  return codes[status] ?? "internal";
}

function noAnswer(url: string, cause: unknown): PlatformError {
  const isSlow = cause instanceof Error && cause.name === "TimeoutError";
  const message = isSlow
    ? `The server at ${url} has not answered within ${REQUEST_MS / 1_000} s.`
    : `No server answers at ${url}. Start one (rowhouse start), or say where it is: --url or ROWHOUSE_URL.`;
  return new PlatformError("unavailable", isSlow ? "timeout" : "no_answer", message, { cause });
}
