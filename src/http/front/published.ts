import { createHash } from "node:crypto";
import type { Clock } from "../../domain/clock.ts";
import { timeId } from "../../domain/ids.ts";
import { keepRecent } from "../../domain/recent.ts";
import type { VersionOf } from "../../tenancy/caching.ts";
import { type HostRules, originOf } from "../../tenancy/hosts.ts";
import {
  type Addressed,
  type Exchange,
  type Middleware,
  type Placements,
  type PlacementView,
  replaceResponse,
} from "./exchange.ts";
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

/** A request, as far as anybody decides by it whether a document that is kept answers it. */
export interface Asked {
  readonly method: string;
  /** As it was sent, with its query. */
  readonly path: string;
  /** By its name in lower case; null when it is not there. */
  header(name: string): string | null;
}

/** A kept document as it is sent. */
export interface AnsweredAtOnce {
  /** Whose document it is. */
  readonly target: Addressed;
  readonly requestId: string;
  readonly status: 200 | 304;
  readonly headers: Readonly<Record<string, string>>;
  /** Null where only the headers are sent. */
  readonly body: string | null;
}

/** How a tenant stands, and the version of what its documents are made of. */
export interface Standing {
  /** Null for the control plane. */
  readonly placement: PlacementView | null;
  readonly version: string;
}

/** The standing that is known without asking anybody; null when somebody would have to be asked, or there is no such tenant. */
export type StandingAtHand = (tenantId: string) => Standing | null;

export interface PublishedOptions {
  /** Without it nothing is kept. */
  readonly versionOf?: VersionOf | undefined;
  /** Without it nothing is answered at once. */
  readonly atHand?: StandingAtHand | undefined;
  readonly rules: HostRules;
  readonly placements: Placements;
  readonly clock: Clock;
}

/** Answers discovery and key sets from memory, with an `ETag`, for as long as nothing about them has changed. */
export function published(options: PublishedOptions) {
  const { versionOf, atHand, rules, clock } = options;
  const kept = new Map<string, Document>();
  const places = new Map<string, Place>();

  const known = (tenantId: string, path: string, version: string): Document | undefined => {
    const name = `${tenantId} ${path}`;
    const found = kept.get(name);
    if (found?.version !== version || clock().getTime() >= found.until) return undefined;
    keepRecent(kept, name, found, DOCUMENTS_MAX);
    return found;
  };

  /** Where a document was asked for under this very name before; undefined for any other request. */
  const placeAsked = (asked: Asked): Place | undefined => {
    const host = isPublished(asked.path) ? plainHostOf(asked) : null;
    return host === null ? undefined : places.get(`${host} ${asked.path}`);
  };

  /** Null when the tenant has not that name any more, or shows nothing, or its document has become old. */
  const answerAt = (
    { tenantId, domains, origin }: Place,
    asked: Asked,
    { placement, version }: Standing,
  ): AnsweredAtOnce | null => {
    const isControlPlane = tenantId === rules.controlPlaneTenantId;
    if (!isControlPlane && !isStillAt(domains, placement)) return null;
    const document = known(tenantId, asked.path, version);
    if (document?.origin.href !== origin) return null;
    const requestId = timeId(clock());
    const target: Addressed = { tenantId, origin: document.origin, placement };
    const { status, headers, body } = answer(asked.header("if-none-match"), document);
    return { target, requestId, status, headers: { ...headers, "x-request-id": requestId }, body };
  };

  /**
   * Answers a document that was asked for under this very name before, of a tenant that has the name still. The tenant, its
   * state and its version are looked at each time; all else that the middlewares settle is settled for every such request
   * alike. Null for what has to go the whole way: whatever else it says about itself, and what would have to be waited for.
   */
  const atOnce = (asked: Asked): AnsweredAtOnce | null => {
    const place = atHand && placeAsked(asked);
    const standing = place && atHand(place.tenantId);
    return standing ? answerAt(place, asked, standing) : null;
  };

  /** The same for who may wait: the outermost but for what counts and logs. */
  const early: Middleware = async (c, next) => {
    const asked = askedBy(c.req.raw);
    const place = placeAsked(asked);
    const standing = place && (await standingOf(place.tenantId, options));
    const answered = standing ? answerAt(place, asked, standing) : null;
    if (!answered) return await next();
    c.set("requestId", answered.requestId);
    c.set("target", answered.target);
    return responseOf(answered);
  };

  /** Behind what finds the tenant. What the middlewares behind this have to say was said when the document was made. */
  const late: Middleware = async (c, next) => {
    const { tenantId, origin } = c.get("target");
    // From before the document is made: one that a change overtakes is never given out as newer than it.
    const version = versionOf && isPlain(c) ? await versionOf(tenantId) : null;
    if (version === null) return await next();

    const { path, headers } = c.get("draft");
    const etag = headers.get("if-none-match");
    const host = plainHostOf(askedBy(c.req.raw));
    const place = host === null ? null : placeOf(c, rules);
    if (place) keepRecent(places, `${host} ${path}`, place, DOCUMENTS_MAX);
    const found = known(tenantId, path, version);
    if (found?.origin.href === origin.href) return responseOf(answer(etag, found));
    await next();
    const made = await documentOf(c.res);
    if (made === null) return;
    const document = { ...made, version, origin, until: clock().getTime() + KEPT_MS };
    keepRecent(kept, `${tenantId} ${path}`, document, DOCUMENTS_MAX);
    replaceResponse(c, responseOf(answer(etag, document)));
  };

  return { atOnce, early, late };
}

/** Null when there is none, or nobody can say: that is for the whole way to tell. */
async function standingOf(
  tenantId: string,
  { versionOf, rules, placements }: PublishedOptions,
): Promise<Standing | null> {
  try {
    const placement = tenantId === rules.controlPlaneTenantId ? null : await placements.get(tenantId);
    const version = (await versionOf?.(tenantId)) ?? null;
    return version === null ? null : { placement, version };
  } catch {
    return null;
  }
}

function askedBy({ method, url, headers }: Request): Asked {
  // Behind `https://` and the host.
  return { method, path: url.slice(url.indexOf("/", 8)), header: (name) => headers.get(name) };
}

/** The name that a `GET` asks under which says nothing else that anybody decides by; null for every other request. */
function plainHostOf({ method, path, header }: Asked): string | null {
  if (method !== "GET" || path.includes("?") || TELLING.some((name) => header(name) !== null)) return null;
  return header("host");
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
const isStillAt = (domains: string, placement: PlacementView | null): boolean =>
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
function answer(known: string | null, { body, etag, headers }: Document): Answer {
  if (known === null || !matches(known, etag)) return { status: 200, headers, body };
  const { "content-type": _type, "content-length": _length, ...rest } = headers;
  return { status: 304, headers: rest, body: null };
}

type Answer = Pick<AnsweredAtOnce, "status" | "headers" | "body">;

const responseOf = ({ status, headers, body }: Answer) => new Response(body, { status, headers });

/** Compared weakly: a proxy may have marked it as weak. */
const matches = (known: string, etag: string): boolean =>
  known.split(",").some((one) => one.trim() === "*" || one.trim().replace(/^W\//, "") === etag);
