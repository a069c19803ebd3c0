import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject, randomBytes } from "node:crypto";
import { SignJWT } from "jose";
import type { Clock } from "../../src/domain/clock.ts";
import { PlatformError } from "../../src/domain/errors.ts";
import type { DatabaseName } from "../../src/domain/names.ts";

const SEED_BYTES = 32;

/** What stands before the seed in a PKCS #8 document of an Ed25519 key (RFC 8410, section 7). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

/** Short, so that a leaked token is soon worthless; the server's clock may differ by minutes. */
const TOKEN_LIFE_S = 600;

/** The key pair of one namespace, as it travels. */
interface NamespaceKey {
  /** The Ed25519 seed in base64url: what the registry seals. */
  readonly secret: string;
  /** The public key in base64url, as the server's `jwt_key` wants it. */
  readonly publicKey: string;
}

/**
 * The key of a namespace, derived from the admin key (HKDF, RFC 5869). A random one could not be learnt again by
 * whoever repeats `ensure` after a crash, and two processes that ensure one namespace would lock each other out.
 */
export function deriveNamespaceKey(adminKey: string, database: DatabaseName): NamespaceKey {
  return keyOf(Buffer.from(hkdfSync("sha256", adminKey, "", `rowhouse libsql-server jwt ${database}`, SEED_BYTES)));
}

/** A key that nobody can derive, for a namespace whose first one may be known to somebody. */
export const newNamespaceKey = (): NamespaceKey => keyOf(randomBytes(SEED_BYTES));

/**
 * Makes tokens for one namespace, and a new one when half of the last one's life is over. They name the namespace,
 * because one that does not would open all that share its key.
 *
 * Throws `internal` (`secret_malformed`) when the secret is no seed.
 */
export function createNamespaceTokens(database: DatabaseName, secret: string, clock: Clock): () => Promise<string> {
  const seed = Buffer.from(secret, "base64url");
  if (seed.byteLength !== SEED_BYTES) {
    throw new PlatformError("internal", "secret_malformed", `The stored key of the database ${database} is no key`);
  }
  const key = toPrivateKey(seed);
  let current: { readonly token: Promise<string>; readonly renewAtMs: number } | undefined;

  return () => {
    const nowMs = clock().getTime();
    if (!current || nowMs >= current.renewAtMs) {
      const token = new SignJWT({ id: database, a: "rw" })
        .setProtectedHeader({ alg: "EdDSA" })
        .setExpirationTime(Math.floor(nowMs / 1000) + TOKEN_LIFE_S)
        .sign(key);
      current = { token, renewAtMs: nowMs + (TOKEN_LIFE_S * 1000) / 2 };
    }
    return current.token;
  };
}

function keyOf(seed: Buffer): NamespaceKey {
  const { x: publicKey = "" } = createPublicKey(toPrivateKey(seed)).export({ format: "jwk" });
  return { secret: seed.toString("base64url"), publicKey };
}

function toPrivateKey(seed: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
}
