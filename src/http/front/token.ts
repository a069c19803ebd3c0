import { createHash, type KeyObject } from "node:crypto";
import { decodeJwt, decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import type { Clock } from "../../domain/clock.ts";
import { keepRecent } from "../../domain/recent.ts";
import type { Actor } from "../../tenancy/context.ts";
import type { Affiliations, Placements, SigningKeys } from "./exchange.ts";

export interface TokenRules {
  readonly keys: SigningKeys;
  readonly placements: Placements;
  readonly affiliations: Affiliations;
  readonly controlPlaneTenantId: string;
  readonly clock: Clock;
}

/** Whose token it is. `isVoid`: signed and in time, but claiming to be another tenant's or of a life that is over. */
export interface Verified {
  readonly actor: Actor;
  readonly isVoid: boolean;
}

/**
 * Verifies an access token and says whose it is: the owner's of the key, whatever the claims say. Void when it claims
 * to be another tenant's, its tenant is deleted, or it was issued in an earlier life of that tenant's id. Null when it is
 * no token, its signature or times are wrong, or nobody has the key. The audience is AuthHero's to check.
 */
export async function verifyToken(token: string, rules: TokenRules): Promise<Verified | null> {
  const kid = keyIdOf(token);
  const owner = kid === null ? null : await rules.keys.ownerOf(kid);
  if (owner === null) return null;

  const found = await verifiedClaims(token, owner.publicKey, rules.clock());
  if (found === null) return null;
  const { claims, scopes } = found;
  // A value of another type is still a restriction, and not one to be overlooked.
  const organizationId = claims.org_id === undefined ? undefined : String(claims.org_id);
  const subject = claims.sub ?? "";
  const { tenantId } = owner;
  const actor = { tenantId, subject, organizationId, scopes, clientId: clientOf(claims) };
  const isForeign = claims.tenant_id !== undefined && claims.tenant_id !== tenantId;
  if (isForeign || !(await isOfThisLife(tenantId, claims.iat, rules))) return { actor, isVoid: true };
  if (organizationId === undefined || tenantId !== rules.controlPlaneTenantId) return { actor, isVoid: false };
  const organizationTenantId = await tenantOf(organizationId, subject, claims.iat, rules);
  return { actor: { ...actor, organizationTenantId }, isVoid: false };
}

/** `azp` of OpenID Connect and Auth0, or `client_id` of RFC 9068. */
function clientOf({ azp, client_id }: JWTPayload): string | undefined {
  return [azp, client_id].find((id): id is string => typeof id === "string");
}

/**
 * The tenant an organization's token is for: the one whose placement names the organization, if the token was issued
 * in this life of it and its holder still belongs. What the token says about any of this may be a day old.
 */
async function tenantOf(organizationId: string, subject: string, issuedAt: number | undefined, rules: TokenRules) {
  const tenantId = await rules.placements.ofOrganization(organizationId);
  const placement = tenantId === null ? null : await rules.placements.get(tenantId);
  if (tenantId === null || placement?.organizationId !== organizationId) return undefined;
  if (!(await isOfThisLife(tenantId, issuedAt, rules))) return undefined;
  return (await rules.affiliations.belongs(organizationId, subject)) ? tenantId : undefined;
}

/** The tenant an unverified token says it is of: for refusing, never for granting. Null when it does not say. */
export function claimedTenant(token: string): unknown {
  try {
    return decodeJwt(token).tenant_id ?? null;
  } catch {
    return null;
  }
}

/** The issuer that an unverified token names, under the same condition. */
export function claimedIssuer(token: string): string | null {
  try {
    return decodeJwt(token).iss ?? null;
  } catch {
    return null;
  }
}

/** The credentials of `Authorization: Bearer …` (RFC 6750, section 2.1), or null. */
export function bearerToken(authorization: string | null): string | null {
  return /^bearer +([\w.~+/-]+=*)$/i.exec(authorization ?? "")?.[1] ?? null;
}

const KID_CHARACTERS_MAX = 128;

function keyIdOf(token: string): string | null {
  try {
    const { kid } = decodeProtectedHeader(token);
    return typeof kid === "string" && kid.length > 0 && kid.length <= KID_CHARACTERS_MAX ? kid : null;
  } catch {
    return null;
  }
}

/** What a token says that was signed by the key it names. */
interface Signed {
  readonly claims: JWTPayload;
  readonly scopes: ReadonlySet<string>;
}

/** A kilobyte each, or fifty with every scope there is. */
const SIGNED_MAX = 100;

/**
 * What tokens say, by the key that signed them and their hash: programs come with the same one for every call. A key is
 * read anew every second (`createKeyOwners`), and has then signed nothing yet.
 */
const signed = new WeakMap<KeyObject, Map<string, Signed>>();

async function verifiedClaims(token: string, key: KeyObject, now: Date): Promise<Signed | null> {
  const known = signed.get(key) ?? new Map<string, Signed>();
  signed.set(key, known);
  const hash = createHash("sha256").update(token).digest("base64");
  const found = known.get(hash) ?? (await readSigned(token, key, now));
  if (found === null || !isInTime(found.claims, now)) return null;
  keepRecent(known, hash, found, SIGNED_MAX);
  return found;
}

async function readSigned(token: string, key: KeyObject, currentDate: Date): Promise<Signed | null> {
  try {
    const options = { algorithms: algorithmsOf(key), requiredClaims: ["exp", "iat"], currentDate };
    const claims = (await jwtVerify(token, key, options)).payload;
    return { claims, scopes: scopesOf(claims) };
  } catch (cause) {
    if (cause instanceof errors.JOSEError) return null;
    throw cause;
  }
}

/** RFC 7519, sections 4.1.4 and 4.1.5; of which type they are was looked at with the signature. */
function isInTime({ exp = 0, nbf = 0 }: JWTPayload, now: Date): boolean {
  const seconds = Math.floor(now.getTime() / 1_000);
  return nbf <= seconds && seconds < exp;
}

/** What a key of this type signs with; the token's header does not choose. */
function algorithmsOf(key: KeyObject): string[] {
  if (key.asymmetricKeyType === "rsa") return ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
  if (key.asymmetricKeyType === "ed25519") return ["EdDSA"];
  const algorithm = CURVES[key.asymmetricKeyDetails?.namedCurve ?? ""];
  return algorithm === undefined ? [] : [algorithm];
}

const CURVES: Readonly<Record<string, string>> = { prime256v1: "ES256", secp384r1: "ES384", secp521r1: "ES512" };

async function isOfThisLife(tenantId: string, issuedAt: number | undefined, rules: TokenRules): Promise<boolean> {
  if (tenantId === rules.controlPlaneTenantId) return true;
  const placement = await rules.placements.get(tenantId);
  if (placement === null || placement.state === "deleting" || placement.state === "deleted") return false;
  // `iat` counts whole seconds: what was issued right after the beginning must not seem older than it.
  return issuedAt !== undefined && issuedAt >= Math.floor(placement.began.getTime() / 1000);
}

function scopesOf(claims: JWTPayload): ReadonlySet<string> {
  const { permissions, scope } = claims;
  const granted = Array.isArray(permissions) ? permissions : [];
  const asked = typeof scope === "string" ? scope.split(" ") : [];
  return new Set([...granted, ...asked].filter((value) => typeof value === "string" && value !== ""));
}
