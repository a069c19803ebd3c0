import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/config.ts";
import { createLogger } from "../../src/log/logger.ts";
import { createRowhouse, type RowhouseOptions } from "../../src/wiring/rowhouse.ts";

export const MANAGEMENT_AUDIENCE = "urn:authhero:management";

/** A whole Rowhouse in this process, over files of its own: all of the service but the socket. */
export type HouseInProcess = Awaited<ReturnType<typeof openInProcess>>;

export interface ApiInit {
  readonly method?: string;
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  /** A body that is no JSON. */
  readonly text?: string;
  /** The tenant's label, for its own host; default: the control plane's. */
  readonly at?: string;
}

/** Opens one with settings besides the defaults. `localhost` is the control plane's host, `acme.localhost` a tenant's. */
export async function openInProcess(
  variables: Readonly<Record<string, string>> = {},
  options: Partial<Omit<RowhouseOptions, "config">> = {},
) {
  const directory = variables.DATA_DIR ?? mkdtempSync(join(tmpdir(), "rowhouse-in-process-"));
  const config = loadConfig({ LOG_LEVEL: "error", ...variables, DATA_DIR: directory });
  const rowhouse = await createRowhouse({ config, log: createLogger({ level: "error" }), ...options });
  const login = readLogin(directory);

  return {
    directory,
    issuer: config.ISSUER,
    login,
    fetch: rowhouse.fetch,
    atOnce: rowhouse.atOnce,
    routes: rowhouse.routes,
    ...callerOf(rowhouse.fetch, config.PORT, login),

    /** Ends it; `keep` leaves the data for a later one. */
    async close({ keep = false } = {}) {
      await rowhouse.close();
      if (!keep) rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** What a test calls a server in this process by. */
export function callerOf(
  fetch: (request: Request) => Response | Promise<Response>,
  port: number,
  login: { readonly clientId: string; readonly clientSecret: string },
) {
  const send = (host: string, path: string, init: RequestInit = {}) => {
    const request = new Request(`http://127.0.0.1${path}`, { redirect: "manual", ...init });
    request.headers.set("host", host);
    return Promise.resolve(fetch(request));
  };
  const hostOf = (label: string | undefined) => `${label === undefined ? "" : `${label}.`}localhost:${port}`;

  /** A request to the Management API. */
  const api = (path: string, { method, token, headers, json, text, at }: ApiInit = {}) =>
    send(hostOf(at), `/api/v2${path}`, {
      method: method ?? (json === undefined ? "GET" : "POST"),
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(json !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
      ...(text !== undefined && { body: text }),
    });

  /** An answer to a request at the token endpoint. */
  const ask = (form: Readonly<Record<string, string>>, at?: string) =>
    send(hostOf(at), "/oauth/token", { method: "POST", body: new URLSearchParams(form) });

  return {
    send,
    hostOf,
    api,
    ask,

    /** The body of an answer that has to be a success. */
    async made<T = Record<string, unknown>>(path: string, init: ApiInit = {}): Promise<T> {
      const answer = await api(path, init);
      const text = await answer.text();
      if (!answer.ok) throw new Error(`${init.method ?? ""} ${path} answered ${answer.status}: ${text}`);
      return text === "" ? (undefined as T) : JSON.parse(text);
    },

    /** A token of a client on its own account; by default of the first management client. */
    async machineToken(extra: Readonly<Record<string, string>> = {}, at?: string): Promise<string> {
      const client = { client_id: login.clientId, client_secret: login.clientSecret };
      const form = { grant_type: "client_credentials", audience: MANAGEMENT_AUDIENCE, ...client, ...extra };
      const answer = await ask(form, at);
      const body = (await answer.json()) as { access_token?: string };
      if (!body.access_token) throw new Error(`/oauth/token answered ${answer.status}: ${JSON.stringify(body)}`);
      return body.access_token;
    },
  };
}

function readLogin(directory: string) {
  const text = readFileSync(join(directory, "first-login.txt"), "utf8");
  const value = (name: string) => new RegExp(`^${name}: (.+)$`, "m").exec(text)?.[1]?.trim() ?? "";
  return {
    clientId: value("client id"),
    clientSecret: value("client secret"),
    username: value("administrator"),
    password: value("password"),
  };
}
