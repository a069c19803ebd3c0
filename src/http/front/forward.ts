import { type RequestContext, runInContext } from "../../tenancy/context.ts";
import { answerFailure } from "./errors.ts";
import type { Addressed, Draft, Exchange, FrontLog } from "./exchange.ts";
import { isAboutMailProvider, isForgottenPassword, isLoginPage, isPasswordLogin, isTokenRequest } from "./routes.ts";

/** AuthHero: its `app.fetch`. */
export type Inner = (request: Request, env: Record<string, unknown>) => Response | Promise<Response>;

export interface ForwardOptions {
  readonly inner: Inner;
  /** What every request's environment has besides the tenant's own. */
  readonly env: Readonly<Record<string, unknown>>;
  readonly log: FrontLog;
}

/** The end of the chain: hands the finished draft to AuthHero, as the target tenant's, within its request context. */
export function forward({ inner, env, log }: ForwardOptions) {
  return async (c: Exchange): Promise<Response> => {
    const target = c.get("target");
    const request = requestOf(c.get("draft"), target, await bodyOf(c));
    const context = contextOf(c, target);
    const response = await runInContext(context, () =>
      inner(request, { ...env, ...urlsOf(target.origin, c.get("issuer")) }),
    );
    return isFailure(response, context) ? answerFailure(c, context, response, log) : response;
  };
}

/** A form of a login page, as its visitor sends it. */
export interface AskedForm {
  /** With its query. */
  readonly path: string;
  readonly form: Readonly<Record<string, string>>;
}

/** Sends AuthHero a form that no caller sent, as the tenant's. */
export type AskInner = (target: Addressed, requestId: string, asked: AskedForm) => Promise<Asked>;

interface Asked {
  readonly response: Response;
  readonly context: RequestContext;
}

export function asking({ inner, env }: Pick<ForwardOptions, "inner" | "env">): AskInner {
  return async ({ tenantId, origin }, requestId, { path, form }) => {
    const url = new URL(path, origin);
    const context: RequestContext = { requestId, tenantId, origin, ...aboutLogin(url.pathname, url) };
    const headers = { host: origin.host, "tenant-id": tenantId, "x-request-id": requestId };
    const request = new Request(url, { method: "POST", headers, body: new URLSearchParams(form) });
    const response = await runInContext(context, () => inner(request, { ...env, ...urlsOf(origin) }));
    return { response, context };
  };
}

/** Why what was asked did not go well; null when it did. */
export async function failureOf(asked: Promise<Asked>): Promise<unknown> {
  try {
    const { response, context } = await asked;
    if (response.status < 400) return null;
    return context.failure ?? new Error(`AuthHero answered ${response.status}`);
  } catch (error) {
    return error;
  }
}

/** AuthHero says 501 of what is not wired, on purpose; other failures it does not explain. */
const isFailure = ({ status }: Response, { failure }: RequestContext) =>
  failure === undefined ? status === 500 : status >= 500;

/** Bytes, not a stream: they are few, and AuthHero reads them whole. */
async function bodyOf(c: Exchange): Promise<string | ArrayBuffer | null> {
  const { method, body } = c.get("draft");
  if (method === "GET" || method === "HEAD") return null;
  return body ?? (await c.req.raw.arrayBuffer());
}

function requestOf(draft: Draft, target: Addressed, body: string | ArrayBuffer | null): Request {
  const url = new URL(target.origin);
  // Piece by piece: a path like `//evil.example` would be a host to the URL parser.
  url.pathname = draft.url.pathname;
  url.search = draft.url.search;

  const { headers } = draft;
  for (const name of HOP_BY_HOP) headers.delete(name);
  if (draft.body !== undefined) headers.delete("content-length");
  headers.set("host", target.origin.host);
  headers.set("tenant-id", target.tenantId);
  return new Request(url, { method: draft.method, headers, body });
}

// RFC 9110, section 7.6.1: of this connection, not of the request.
const HOP_BY_HOP = ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"];

function contextOf(c: Exchange, target: Addressed): RequestContext {
  const { path, url } = c.get("draft");
  const actor = c.get("actor");
  const patchKeys = c.get("patchKeys");
  const address = c.get("draft").headers.get("x-real-ip");
  return {
    requestId: c.get("requestId"),
    tenantId: target.tenantId,
    origin: target.origin,
    ...(actor && { actor }),
    ...(address !== null && { address }),
    ...(patchKeys && { patchKeys }),
    ...(isTokenRequest(path) && { asksForToken: true }),
    ...(isAboutMailProvider(path) && { asksForMailProvider: true }),
    ...aboutLogin(path, url),
  };
}

/** Which login the request is part of, and what it does with a password. */
function aboutLogin(path: string, { searchParams }: URL): Pick<RequestContext, "loginState" | "password"> {
  const loginState = isLoginPage(path) ? searchParams.get("state") : null;
  return {
    ...(loginState !== null && { loginState }),
    ...(isForgottenPassword(path) && { password: "forgotten" }),
    ...(isPasswordLogin(path) && { password: "checked" }),
  };
}

/** Where AuthHero believes to be. All of it from the canonical origin. */
function urlsOf(origin: URL, issuer = origin.href) {
  return {
    ISSUER: issuer,
    AUTH_URL: origin.href,
    OAUTH_API_URL: origin.href,
    UNIVERSAL_LOGIN_URL: new URL("u/", origin).href,
  };
}
