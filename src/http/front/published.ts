import { createHash } from "node:crypto";
import type { Clock } from "../../domain/clock.ts";
import { keepRecent } from "../../domain/recent.ts";
import type { VersionOf } from "../../tenancy/caching.ts";
import { type Exchange, type Middleware, replaceResponse } from "./exchange.ts";
import { isPublished } from "./routes.ts";
import { refusalByState } from "./tenant-state.ts";

/** A key whose time is over leaves the key set without anybody changing anything. */
const KEPT_MS = 10_000;

/** About 2 KB each; three documents of a thousand tenants that are asked for at once. */
const DOCUMENTS_MAX = 3_000;

/** A document as it was answered, and what it was true for. */
interface Document {
  readonly version: string;
  readonly origin: string;
  readonly until: number;
  readonly body: string;
  readonly etag: string;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Answers discovery and key sets from memory, with an `ETag`, for as long as nothing about the tenant or its control
 * plane has changed. The tenant's state counts each time, and what the middlewares behind this have to say about such a
 * request they have said when the document was made: it is no page and no route of the Management API, it comes without
 * a token and without parameters. Without a version nothing is kept.
 */
export function published(versionOf: VersionOf | undefined, clock: Clock): Middleware {
  const kept = new Map<string, Document>();

  return async (c, next) => {
    const { tenantId, origin } = c.get("target");
    // From before the document is made: one that a change overtakes is never given out as newer than it.
    const version = versionOf && isPlain(c) ? await versionOf(tenantId) : null;
    if (version === null) return await next();

    const name = `${tenantId} ${c.get("draft").path}`;
    const now = clock().getTime();
    const found = kept.get(name);
    if (found && found.version === version && found.origin === origin.href && now < found.until) {
      keepRecent(kept, name, found, DOCUMENTS_MAX);
      return answer(c, found);
    }
    await next();
    const made = await documentOf(c.res);
    if (made === null) return;
    const document = { ...made, version, origin: origin.href, until: now + KEPT_MS };
    keepRecent(kept, name, document, DOCUMENTS_MAX);
    replaceResponse(c, answer(c, document));
  };
}

/** Nothing in the request could lead to another answer than everybody's. */
function isPlain(c: Exchange): boolean {
  const draft = c.get("draft");
  const { method, path, url, headers } = draft;
  if (method !== "GET" || !isPublished(path) || url.search !== "" || headers.has("authorization")) return false;
  return refusalByState(c.get("target"), draft) === null;
}

/** Null for what is none, such as a failure, or an answer that another request may not get. */
async function documentOf(response: Response): Promise<Pick<Document, "body" | "etag" | "headers"> | null> {
  if (response.status !== 200 || response.headers.has("set-cookie") || response.headers.has("vary")) return null;
  const headers = Object.fromEntries(response.headers);
  const body = await response.text();
  const etag = `"${createHash("sha256").update(body).digest("base64url")}"`;
  return { body, etag, headers: { ...headers, etag } };
}

/** RFC 9110, sections 13.1.2 and 15.4.5. */
function answer(c: Exchange, { body, etag, headers }: Document): Response {
  const known = c.get("draft").headers.get("if-none-match");
  if (known === null || !matches(known, etag)) return new Response(body, { headers });
  const { "content-type": _type, "content-length": _length, ...rest } = headers;
  return new Response(null, { status: 304, headers: rest });
}

/** Compared weakly: a proxy may have marked it as weak. */
const matches = (known: string, etag: string): boolean =>
  known.split(",").some((one) => one.trim() === "*" || one.trim().replace(/^W\//, "") === etag);
