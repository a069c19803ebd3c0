import { type KeyObject, X509Certificate } from "node:crypto";
import type { KeysAdapter, SigningKey } from "@authhero/adapter-interfaces";
import { ensureSigningKey } from "authhero";
import type { Clock } from "../domain/clock.ts";
import { PlatformError } from "../domain/errors.ts";

/** Whose key it is, and the key. The control plane's keys name no tenant. */
export interface KeyOwner {
  readonly tenantId: string;
  readonly publicKey: KeyObject;
}

// A revocation reaches every process within two seconds; reading a certificate takes longer than checking a signature.
const KEPT_MS = 1_000;
const KEPT_KEYS_MAX = 1_000;

/** Who owns the key of a `kid`, asked of the control plane's key rows. */
export function createKeyOwners(keys: KeysAdapter, controlPlaneTenantId: string, clock: Clock) {
  const kept = new Map<string, { readonly owner: KeyOwner | null; readonly until: number }>();

  const read = async (kid: string): Promise<KeyOwner | null> => {
    const { signingKeys } = await keys.list({ q: `kid:${JSON.stringify(kid)} type:jwt_signing` });
    const key = signingKeys.find((candidate) => candidate.kid === kid && isLive(candidate, clock()));
    if (!key) return null;
    return { tenantId: key.tenant_id ?? controlPlaneTenantId, publicKey: new X509Certificate(key.cert).publicKey };
  };

  return {
    /** Null for a key that nobody has, or that is revoked. */
    async ownerOf(kid: string): Promise<KeyOwner | null> {
      const now = clock().getTime();
      const known = kept.get(kid);
      if (known && known.until > now) return known.owner;
      const owner = await read(kid);
      if (kept.size >= KEPT_KEYS_MAX) kept.clear();
      kept.set(kid, { owner, until: now + KEPT_MS });
      return owner;
    },
  };
}

/** A revocation in the future is a grace period. */
const isLive = ({ revoked_at }: SigningKey, now: Date) => revoked_at === undefined || new Date(revoked_at) > now;

/** A new RS256 key of nobody's yet, with its certificate: made by AuthHero, caught before it is stored. */
export async function generateSigningKey(): Promise<SigningKey> {
  let made: SigningKey | undefined;
  const nowhere: KeysAdapter = {
    create: (key) => {
      made = key;
      return Promise.resolve();
    },
    list: () => Promise.resolve({ signingKeys: [], start: 0, limit: 0, length: 0 }),
    update: () => Promise.resolve(false),
  };
  await ensureSigningKey(nowhere, { name: "rowhouse" });
  if (!made) throw new PlatformError("internal", "no_signing_key", "No signing key was made");
  return made;
}

/** The `signing-key` step: a key of the tenant's own, made once. Without one AuthHero would use the control plane's. */
export async function ensureTenantKey(
  keys: KeysAdapter,
  tenantId: string,
  take: () => Promise<SigningKey>,
): Promise<void> {
  const { signingKeys } = await keys.list({ q: `type:jwt_signing tenant_id:${tenantId}` });
  if (signingKeys.some(({ pkcs7, revoked_at }) => pkcs7 !== undefined && revoked_at === undefined)) return;
  await keys.create({ ...(await take()), tenant_id: tenantId });
}

/** Ends a tenant's keys, so that no token of its is good for a later tenant of that id. */
export async function revokeTenantKeys(keys: KeysAdapter, tenantId: string, now: Date): Promise<void> {
  const { signingKeys } = await keys.list({ q: `type:jwt_signing tenant_id:${tenantId}` });
  const own = signingKeys.filter((key) => key.tenant_id === tenantId && isLive(key, now));
  for (const { kid } of own) await keys.update(kid, { revoked_at: now.toISOString() });
}
