import { Hono } from "hono";
import { createPending } from "../../../src/domain/pending.ts";
import type { TenantState } from "../../../src/domain/tenants.ts";
import type { KeyOwner } from "../../../src/http/front/exchange.ts";
import { createFront, type Front, type FrontOptions } from "../../../src/http/front/index.ts";
import { currentContext } from "../../../src/tenancy/context.ts";

export const BEGAN = new Date("2026-01-01T00:00:00.400Z");
export const NOW = new Date("2026-06-01T12:00:00Z");

/** One tenant per state, named after it; `acme` and `beta` are ready. */
const STATES: Readonly<Record<string, TenantState>> = {
  acme: "ready",
  beta: "ready",
  named: "ready",
  pending: "pending",
  provisioning: "provisioning",
  failed: "failed",
  suspended: "suspended",
  readonly: "read_only",
  deleting: "deleting",
  deleted: "deleted",
};

/** The verified domains of some of them; `beta` has none. */
const DOMAINS: Readonly<Record<string, readonly string[]>> = {
  named: ["login.named.example", "old.named.example", "xn--mnchen-3ya.example"],
  deleted: ["login.deleted.example"],
  lost: ["login.lost.example"],
};

/** Logins that an identity provider is asked about, by their `state`. */
const STATES_OWNED: Readonly<Record<string, string>> = {
  "acmes-state": "acme",
  "own-state": "control_plane",
  "states-of-the-deleted": "deleted",
};

/** What the inner app saw of a request. */
export interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly env: Readonly<Record<string, unknown>>;
  readonly context: {
    readonly tenantId?: string;
    readonly origin?: string;
    readonly requestId?: string;
    readonly patchKeys?: readonly string[];
    readonly actor?: string;
  };
}

/** An inner app that answers with what reached it. */
export async function echo(request: Request, env: Record<string, unknown>): Promise<Response> {
  const context = currentContext();
  const seen: Echo = {
    method: request.method,
    url: request.url,
    headers: Object.fromEntries(request.headers),
    body: await request.text(),
    env,
    context: {
      ...(context && { tenantId: context.tenantId, origin: context.origin.href, requestId: context.requestId }),
      ...(context?.patchKeys && { patchKeys: [...context.patchKeys] }),
      ...(context?.actor && { actor: context.actor.subject }),
    },
  };
  return Response.json(seen);
}

interface LogEntry {
  readonly level: "warn" | "error";
  readonly event: string;
  readonly fields: object | undefined;
}

export interface TestFront extends Front {
  /** Sends a request to a host; headers and body as given. */
  send(host: string, path: string, init?: RequestInit): Promise<Response>;
  /** The same, returning what reached the inner app. */
  seen(host: string, path: string, init?: RequestInit): Promise<Echo>;
  readonly log: LogEntry[];
  readonly keys: FrontOptions["keys"];
}

/** A front over an echo, or over `options.inner`, with the tenants above and whatever keys are given. */
export function testFront(
  options: Partial<FrontOptions> & { signers?: Readonly<Record<string, KeyOwner>> } = {},
): TestFront {
  const { signers = {}, ...rest } = options;
  const log: LogEntry[] = [];
  const write = (level: LogEntry["level"]) => (event: string, fields?: object) => {
    log.push({ level, event, fields });
  };
  const keys: FrontOptions["keys"] = { ownerOf: (kid) => Promise.resolve(signers[kid] ?? null) };
  const front = createFront({
    issuer: new URL("http://localhost:3000/"),
    baseDomain: "localhost",
    controlPlaneTenantId: "control_plane",
    trustedProxies: ["10.0.0.0/8", "2001:db8::1"],
    placements: {
      get: (tenantId) => {
        const state = STATES[tenantId];
        return Promise.resolve(
          state === undefined
            ? null
            : { state, began: BEGAN, organizationId: `org_${tenantId}`, domains: DOMAINS[tenantId] ?? [] },
        );
      },
      ofOrganization: (organizationId) => {
        const tenantId = organizationId.replace("org_", "");
        return Promise.resolve(tenantId in STATES ? tenantId : null);
      },
    },
    domains: {
      ownerOf: (name) =>
        Promise.resolve(Object.keys(DOMAINS).find((tenantId) => DOMAINS[tenantId]?.includes(name)) ?? null),
    },
    verifyDomain: () => Promise.resolve(null),
    states: { ownerOf: (state) => Promise.resolve(STATES_OWNED[state] ?? null) },
    logoutUrls: { listed: () => Promise.resolve(["http://localhost:5000/bye"]) },
    keys,
    affiliations: { belongs: (_, subject) => Promise.resolve(subject !== "former|member") },
    organizationGrants: { allow: (_, clientId) => Promise.resolve(clientId === "granted") },
    changeable: async () => undefined,
    passwordResets: {
      requireSender: () => Promise.resolve(),
      begin: () => Promise.resolve("a-state"),
      isNameless: () => Promise.resolve(false),
      name: () => Promise.resolve(),
    },
    pending: createPending(10),
    pageSources: {
      formTargets: () => Promise.resolve([]),
      assets: () => Promise.resolve([]),
    },
    reference: { described: () => ({}), version: "1.2.3" },
    inner: echo,
    env: { ENVIRONMENT: "test" },
    log: { debug: () => undefined, warn: write("warn"), error: write("error") },
    clock: () => NOW,
    ...rest,
  });

  function send(host: string, path: string, init: RequestInit = {}): Promise<Response> {
    const request = new Request(`http://127.0.0.1${path}`, init);
    request.headers.set("host", host);
    return Promise.resolve(front.fetch(request));
  }
  async function seen(host: string, path: string, init?: RequestInit): Promise<Echo> {
    const response = await send(host, path, init);
    if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
    return JSON.parse(await response.text());
  }
  return { ...front, send, seen, log, keys };
}

/** An inner app with one answer for everything. */
export function answering(answer: () => Response | Promise<Response>): FrontOptions["inner"] {
  const app = new Hono();
  app.all("*", () => answer());
  return (request, env) => app.fetch(request, env);
}

/** Status and stable code of a refusal, whatever its shape. */
export async function refusal(response: Response): Promise<[status: number, errorCode: string | undefined]> {
  const text = await response.text();
  const errorCode = /"errorCode":"([^"]*)"|<code>([^<]*)<\/code>/.exec(text);
  return [response.status, errorCode?.[1] ?? errorCode?.[2]];
}
