import { createHash } from "node:crypto";
import type { Clock } from "../../domain/clock.ts";
import { timeId } from "../../domain/ids.ts";
import { keepRecent } from "../../domain/recent.ts";
import type { VersionOf } from "../../tenancy/caching.ts";
import { type HostRules, originOf } from "../../tenancy/hosts.ts";
import { type Exchange, type Middleware, type Placements, type PlacementView, replaceResponse } from "./exchange.ts";
import { isPublished } from "./routes.ts";
import { refusalByState, refusalOfDocument } from "./tenant-state.ts";

/** A key whose time is over leaves the key set without anybody changing anything. */
const KEPT_MS = 10_000;

/** About 2 KB each; three documents of a thousand tenants that are asked for at once. */
const DOCUMENTS_MAX = 3_000;

/** A document as it was answered, and what it was true for. */
interface Document {
  readonly version: string;
  readonly origin: URL;
  readonly until: number;
  readonly body: string;
  readonly etag: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where a document was asked for, and whose it turned out to be. */
interface Place {
  readonly tenantId: string;
  /** The domains it had: they decide whether the name is its, and what is canonical. */
  readonly domains: string;
  /** What was canonical then. */
  readonly origin: string;
}

export interface PublishedOptions {
  /** Without it nothing is kept. */
  readonly versionOf: VersionOf | undefined;
  readonly rules: HostRules;
  readonly placements: Placements;
  readonly clock: Clock;
}

/** Answers discovery and key sets from memory, with an `ETag`, for as long as nothing about them has changed. */
export function published({ versionOf, rules, placements, clock }: PublishedOptions) {
  const kept = new Map<string, Document>();
  const places = new Map<string, Place>();

  const known = (tenantId: string, path: string, version: string): Document | undefined => {
    const name = `${tenantId} ${path}`;
    const found = kept.get(name);
    if (found?.version !== version || clock().getTime() >= found.until) return undefined;
    keepRecent(kept, name, found, DOCUMENTS_MAX);
    return found;
  };

  /**
   * The outermost: a document that was asked for under this very name before, of a tenant that has the name still. The
   * tenant, its state and its version are looked at each time; all else that the middlewares settle is settled for every
   * such request alike. Whatever else it says about itself, it goes the whole way.
   */
  const early: Middleware = async (c, next) => {
    const { path } = c.req;
    const host = versionOf && isPublished(path) ? plainHostOf(c.req.raw) : null;
    const place = host === null ? undefined : places.get(`${host} ${path}`);
    if (!versionOf || !place) return await next();
    const { tenantId } = place;
    const current = await currentOf(place, versionOf);
    const document = current === null ? undefined : known(tenantId, path, current.version);
    if (!current || document?.origin.href !== place.origin) return await next();
    const requestId = timeId(clock());
    c.set("requestId", requestId);
    c.set("target", { tenantId, origin: document.origin, placement: current.placement });
    return answer(c.req.raw.headers, document, { "x-request-id": requestId });
  };

  /** Null when the tenant has not that name any more, or shows nothing, or nobody can say: that is for the whole way to tell. */
  const currentOf = async (place: Place, ask: VersionOf) => {
    const isControlPlane = place.tenantId === rules.controlPlaneTenantId;
    try {
      const placement = isControlPlane ? null : await placements.get(place.tenantId);
      if (!isControlPlane && !isStillAt(place, placement)) return null;
      const version = await ask(place.tenantId);
      return version === null ? null : { placement, version };
    } catch {
      return null;
    }
  };

  /** Behind what finds the tenant. What the middlewares behind this have to say was said when the document was made. */
  const late: Middleware = async (c, next) => {
    const { tenantId, origin } = c.get("target");
    // From before the document is made: one that a change overtakes is never given out as newer than it.
    const version = versionOf && isPlain(c) ? await versionOf(tenantId) : null;
    if (version === null) return await next();

    const { path, headers } = c.get("draft");
    const host = plainHostOf(c.req.raw);
    const place = host === null ? null : placeOf(c, rules);
    if (place) keepRecent(places, `${host} ${path}`, place, DOCUMENTS_MAX);
    const found = known(tenantId, path, version);
    if (found?.origin.href === origin.href) return answer(headers, found);
    await next();
    const made = await documentOf(c.res);
    if (made === null) return;
    const document = { ...made, version, origin, until: clock().getTime() + KEPT_MS };
    keepRecent(kept, `${tenantId} ${path}`, document, DOCUMENTS_MAX);
    replaceResponse(c, answer(headers, document));
  };

  return { early, late };
}

/** The name that a `GET` asks under which says nothing else that anybody decides by; null for every other request. */
function plainHostOf({ method, url, headers }: Request): string | null {
  if (method !== "GET" || url.includes("?") || TELLING.some((name) => headers.has(name))) return null;
  return headers.get("host");
}

/** What names another tenant, host or request, or whoever asks. */
const TELLING = ["authorization", "tenant-id", "x-tenant-id", "x-forwarded-host", "x-request-id"];

/** Null for a further name that whoever embeds us gives a tenant: only they know for how long. */
function placeOf(c: Exchange, rules: HostRules): Place | null {
  const { tenantId, origin, placement } = c.get("target");
  const hostName = c.get("hostName");
  const domains = placement?.domains ?? [];
  const isIts = domains.includes(hostName) || hostName === originOf(tenantId, rules).hostname;
  return isIts ? { tenantId, domains: domains.join(" "), origin: origin.href } : null;
}

/** Whether the tenant has the same names as then, and shows its documents. */
const isStillAt = ({ domains }: Place, placement: PlacementView | null): boolean =>
  placement !== null && placement.domains.join(" ") === domains && refusalOfDocument(placement.state) === null;

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
function answer(
  asked: Headers,
  { body, etag, headers }: Document,
  more: Readonly<Record<string, string>> = {},
): Response {
  const known = asked.get("if-none-match");
  if (known === null || !matches(known, etag)) return new Response(body, { headers: { ...headers, ...more } });
  const { "content-type": _type, "content-length": _length, ...rest } = headers;
  return new Response(null, { status: 304, headers: { ...rest, ...more } });
}

/** Compared weakly: a proxy may have marked it as weak. */
const matches = (known: string, etag: string): boolean =>
  known.split(",").some((one) => one.trim() === "*" || one.trim().replace(/^W\//, "") === etag);
