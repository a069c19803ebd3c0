import type { KeyObject } from "node:crypto";
import type { Context, MiddlewareHandler } from "hono";
import type { TenantState } from "../../domain/tenants.ts";
import type { Logger } from "../../log/logger.ts";
import type { Actor } from "../../tenancy/context.ts";

/** What the front needs to know about a tenant: its placement, seen from here. */
export interface PlacementView {
  readonly state: TenantState;
  /** When this life of the tenant id began. Tokens issued earlier belong to a tenant that is gone. */
  readonly began: Date;
  /** The organization on the control plane whose members administer it. */
  readonly organizationId: string | null;
  /** Its verified domains, the canonical one first. */
  readonly domains: readonly string[];
}

/** Whose a name is that is not ours. */
export interface OwnDomains {
  /** The tenant that has verified the domain; null when nobody has. May be a moment old: the placement has the word. */
  ownerOf(name: string): Promise<string | null>;
}

/** Where tenants are looked up. The control plane itself is never asked for. */
export interface Placements {
  /** Null when there is no such tenant. */
  get(tenantId: string): Promise<PlacementView | null>;
  /** The tenant that an organization of the control plane administers; null when there is none. */
  ofOrganization(organizationId: string): Promise<string | null>;
}

/** Who belongs to which organization of the control plane, now: a token only says who did when it was issued. */
export interface Affiliations {
  /** A user by membership, a machine by its client grant. */
  belongs(organizationId: string, subject: string): Promise<boolean>;
}

/** Whose key it is, and the key. */
export interface KeyOwner {
  readonly tenantId: string;
  readonly publicKey: KeyObject;
}

/** The signing keys of all tenants. */
export interface SigningKeys {
  /** Null for a key that nobody has, or that is revoked. */
  ownerOf(kid: string): Promise<KeyOwner | null>;
}

/** What the login pages of a tenant lead to and show, for their Content-Security-Policy. */
export interface PageSources {
  /**
   * Absolute URLs to which a form of this login may redirect: the redirect URI of the login session, and the
   * authorization endpoints of the identity providers it offers. Empty when there is no such login session.
   */
  formTargets(tenantId: string, state: string): Promise<readonly string[]>;
  /** Absolute URLs of the logos, pictures and fonts that the tenant's own branding names. */
  assets(tenantId: string): Promise<readonly string[]>;
}

/** Whose login a `state` belongs to that an identity provider sent back. */
export interface StateOwners {
  /** Null when nobody waits for it, or no more. */
  ownerOf(state: string): Promise<string | null>;
}

/** Where a logout may lead. */
export interface LogoutUrls {
  /** The addresses that the application and its tenant list. */
  listed(tenantId: string, clientId: string | null): Promise<readonly string[]>;
}

/** New passwords for those who forgot theirs. */
export interface PasswordResets {
  /** Throws `invalid` when nobody sends this tenant's mail. */
  requireSender(tenantId: string): Promise<void>;
  /** The `state` of a login in which the link for a new password can be mailed; null for an unknown application. */
  begin(reset: {
    readonly tenantId: string;
    readonly clientId: string;
    readonly email: string;
    readonly origin: URL;
    readonly ip: string | undefined;
  }): Promise<string | null>;
  /** Whether the login of this `state` is there and does not say yet who signs in. */
  isNameless(tenantId: string, state: string): Promise<boolean>;
  /** Says who signs in. */
  name(tenantId: string, state: string, username: string): Promise<void>;
}

/** Where the front reports what it has answered, and what it could not answer well. */
export type FrontLog = Pick<Logger, "debug" | "warn" | "error">;

/** A tenant as a request meets it. `placement` is null for the control plane, which is always there. */
export interface Addressed {
  readonly tenantId: string;
  readonly origin: URL;
  readonly placement: PlacementView | null;
}

/** The request as it will reach AuthHero; the middlewares put it right, one duty each. */
export interface Draft {
  method: string;
  /** Path and query are the caller's, the origin is the tenant's. */
  url: URL;
  /** The path as Hono's router reads it, decoded: what a middleware decides by is what AuthHero routes by. */
  readonly path: string;
  readonly headers: Headers;
  /** Set when a middleware had to read the body; else the original one is passed on. */
  body?: string;
}

export interface FrontEnv {
  Variables: {
    requestId: string;
    draft: Draft;
    /** The host that a trusted proxy says the caller asked for; else the request's own. */
    hostHeader: string;
    /** The tenant of the host. */
    host: Addressed;
    /** The name by which the request found that tenant, without port: one of those it has. */
    hostName: string;
    /** The tenant that a header names on a management route. */
    namedTenantId: string | undefined;
    /** The tenant that the request acts on. */
    target: Addressed;
    actor: Actor | undefined;
    /** The access token that came with it, on routes the guard leaves alone. */
    presented: string | undefined;
    /** What AuthHero takes for the tenant's issuer, where it is not the canonical origin. */
    issuer: string | undefined;
    patchKeys: ReadonlySet<string> | undefined;
  };
}

export type Middleware = MiddlewareHandler<FrontEnv>;
export type Exchange = Context<FrontEnv>;

/** The body as text, read once: whatever reads it later, AuthHero included, gets this one. */
export async function readBody(c: Exchange): Promise<string> {
  const draft = c.get("draft");
  draft.body ??= await c.req.raw.text();
  return draft.body;
}

/** Puts another response in place. Hono would otherwise carry the old one's headers over, cookies included. */
export function replaceResponse(c: Exchange, response: Response): void {
  c.res = undefined;
  c.res = response;
}
