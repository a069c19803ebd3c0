import { errorBody, type PlatformError } from "../../domain/errors.ts";
import type { Exchange } from "./exchange.ts";
import { isManagement, isPage } from "./routes.ts";

/** Why a request goes no further, before it has the shape its route's callers understand. */
export interface Refusal {
  readonly status: number;
  /** The reason phrase of the status. */
  readonly error: string;
  /** Stable, for programs. */
  readonly errorCode: string;
  /** For people. */
  readonly message: string;
  /** OAuth's code, where it says more than the status does. */
  readonly oauthError?: string;
}

/**
 * Answers a refusal in the shape of its route: the Management API's body, a readable page for people,
 * RFC 6749 (section 5.2) with CORS headers for OAuth clients. 503 carries `Retry-After`, 401 a challenge.
 */
export function refuse(c: Exchange, refusal: PlatformError | Refusal): Response {
  const { status, error, errorCode, message, oauthError: code = oauthCode(status) } = describedRefusal(refusal);
  const body = { statusCode: status, error, message, errorCode };
  const path = c.get("draft").path;
  const headers = statusHeaders(status);
  if (isManagement(path)) return Response.json(body, { status, headers });
  if (isPage(path)) return page(body, headers);
  return oauthError(code, body, headers, c.req.header("origin"));
}

const RETRY_AFTER_SECONDS = 1;

/** What a refusal tells, whichever shape it will have. */
export const describedRefusal = (refusal: PlatformError | Refusal): Refusal =>
  refusal instanceof Error ? { ...errorBody(refusal), status: refusal.status } : refusal;

type Body = Omit<Refusal, "status" | "oauthError"> & { readonly statusCode: number };

function statusHeaders(status: number): Headers {
  const headers = new Headers({ "cache-control": "no-store" });
  if (status === 503) headers.set("retry-after", String(RETRY_AFTER_SECONDS));
  if (status === 401) headers.set("www-authenticate", 'Bearer error="invalid_token"');
  return headers;
}

/** The nearest registered error code; what exactly is in `errorCode`. */
function oauthCode(status: number): string {
  if (status === 503) return "temporarily_unavailable";
  if (status >= 500) return "server_error";
  if (status === 401) return "invalid_token";
  return status === 403 ? "access_denied" : "invalid_request";
}

function oauthError(code: string, body: Body, headers: Headers, origin: string | undefined): Response {
  if (origin !== undefined) {
    headers.set("access-control-allow-origin", origin);
    headers.set("vary", "Origin");
  }
  const { statusCode: status, errorCode, message } = body;
  return Response.json({ error: code, error_description: message, errorCode }, { status, headers });
}

function page(body: Body, headers: Headers): Response {
  headers.set("content-type", "text/html; charset=utf-8");
  headers.set("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
  headers.set("x-content-type-options", "nosniff");
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(body.error)}</title>
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 20vh auto; padding: 0 1.5rem; color: #1e293b }
  code { color: #64748b }
</style>
<h1>${escapeHtml(body.error)}</h1>
<p>${escapeHtml(body.message)}</p>
<p><code>${escapeHtml(body.errorCode)}</code></p>
</html>
`;
  return new Response(html, { status: body.statusCode, headers });
}

const ENTITIES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
/** Text as it may stand in markup and in quoted attributes. */
export const escapeHtml = (text: string) => text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
