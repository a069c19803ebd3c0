import { join } from "node:path";
import { importPKCS8, type JWTPayload, SignJWT } from "jose";
import { openFile } from "../../src/db/native.ts";
import { loadOrCreateKeyFile } from "../../src/db/seal.ts";
import { systemClock } from "../../src/domain/clock.ts";
import { createDataAdapters } from "../../src/entities/adapters.ts";
import { createStore } from "../../src/entities/store.ts";

/** Signs an access token with a tenant's own key: what AuthHero would issue there, or what its code hooks could make of it. */
export type Mint = (tenantId: string, claims: JWTPayload, issuedSecondsAgo?: number) => Promise<string>;

const LIFETIME_SECONDS = 3_600;

/** Signs with the keys of a house whose control plane's file lies in `directory`. */
export async function minting(directory: string, controlPlaneTenantId: string): Promise<Mint> {
  const keys = await signingKeysOf(directory);
  return async (tenantId, claims, issuedSecondsAgo = 0) => {
    const key = keys.find(({ tenant_id }) => (tenant_id ?? controlPlaneTenantId) === tenantId);
    if (!key?.pkcs7) throw new Error(`${tenantId} has no signing key`);
    const issuedAt = Math.floor(Date.now() / 1_000) - issuedSecondsAgo;
    return await new SignJWT({ tenant_id: tenantId, ...claims })
      .setProtectedHeader({ alg: "RS256", kid: key.kid, typ: "JWT" })
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + LIFETIME_SECONDS)
      .sign(await importPKCS8(key.pkcs7, "RS256"));
  };
}

/** All signing keys of a house, the tenants' and the control plane's, unsealed. */
export async function signingKeysOf(directory: string) {
  const database = await openFile(join(directory, "control-plane.db"));
  const keyRing = await loadOrCreateKeyFile(join(directory, "encryption.key"));
  const { keys } = createDataAdapters(createStore(database, { clock: systemClock, keyRing }));
  const { signingKeys } = await keys.list({ q: "type:jwt_signing" });
  await database.close();
  return signingKeys;
}
