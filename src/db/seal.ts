import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { PlatformError } from "../domain/errors.ts";
import { createFileOnce, hasCode } from "./files.ts";

const FORMAT = "rh1";
const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
// 96 random bits, as NIST SP 800-38D section 8.2.2 wants them: good for 2^32 values per key.
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_ID = /^[A-Za-z0-9_-]{1,32}$/;

/** One key: `id` says which when several are in use; `key` is 32 bytes. */
export interface Key {
  readonly id: string;
  readonly key: Uint8Array;
}

/** The keys of a deployment. Holds them as key objects, which no log or inspection prints. */
export interface KeyRing {
  readonly currentId: string;
  readonly keys: ReadonlyMap<string, KeyObject>;
}

/** A ring that seals with `current` and unseals with any. Throws `invalid` (`encryption_key`). */
export function createKeyRing({ current, previous = [] }: { current: Key; previous?: readonly Key[] }): KeyRing {
  const keys = new Map<string, KeyObject>();
  for (const { id, key } of [current, ...previous]) {
    if (!KEY_ID.test(id)) throw keyError("has an id that is not 1 to 32 letters, digits, - or _");
    if (key.byteLength !== KEY_BYTES) throw keyError(`must be ${KEY_BYTES} bytes long`);
    if (keys.has(id)) throw keyError("has an id that is used twice");
    keys.set(id, createSecretKey(key));
  }
  return { currentId: current.id, keys };
}

/**
 * The ring that a setting or a key file describes: comma-separated keys, the current one first, each
 * `id:base64` or bare base64 or hex of 32 bytes. A bare key gets an id derived from it, so adding a new key
 * in front needs no renaming. Throws `invalid` (`encryption_key`), never showing the text.
 */
export function parseKeyRing(text: string): KeyRing {
  const [current, ...previous] = text.split(",").map((part) => parseKey(part.trim()));
  // `split` never returns an empty list; the compiler cannot know.
  if (!current) throw keyError("is missing");
  return createKeyRing({ current, previous });
}

function parseKey(text: string): Key {
  const separator = text.indexOf(":");
  const encoded = text.slice(separator + 1);
  const isHex = /^[0-9a-f]{64}$/i.test(encoded);
  if (!isHex && !/^[A-Za-z0-9+/_-]{43}=?$/.test(encoded)) throw keyError(`must be ${KEY_BYTES} bytes in base64 or hex`);
  const key = Buffer.from(encoded, isHex ? "hex" : "base64");
  return { id: separator < 0 ? derivedId(key) : text.slice(0, separator), key };
}

function derivedId(key: Uint8Array): string {
  return createHash("sha256").update("rowhouse key id").update(key).digest("hex").slice(0, 8);
}

/**
 * The ring in the file at `path`, which is made with a random key when absent, readable by its owner only.
 * Of several processes that start at once, one makes it and the others read the same. Throws `invalid`
 * (`encryption_key`) when the file holds something else.
 */
export async function loadOrCreateKeyFile(path: string): Promise<KeyRing> {
  const text = await readKeyFile(path);
  if (text !== null) return parseKeyRing(text);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await createFileOnce(path, `${randomBytes(KEY_BYTES).toString("base64")}\n`);
  return parseKeyRing((await readKeyFile(path)) ?? "");
}

async function readKeyFile(path: string): Promise<string | null> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null;
    throw error;
  }
}

/** Seals a secret as `rh1.<key id>.<nonce, ciphertext and tag>`. It opens only with the same `aad`. */
export function seal(ring: KeyRing, plaintext: string, aad: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, keyOf(ring, ring.currentId), nonce).setAAD(Buffer.from(aad));
  const body = Buffer.concat([nonce, cipher.update(plaintext, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return `${FORMAT}.${ring.currentId}.${body.toString("base64url")}`;
}

/**
 * The secret behind a sealed value. Throws `internal` (`unseal_failed`), the same for a wrong key, a wrong
 * `aad` and damaged text.
 */
export function unseal(ring: KeyRing, sealed: string, aad: string): string {
  const [format, keyId = "", encoded = "", ...rest] = sealed.split(".");
  if (format !== FORMAT || rest.length > 0) throw unsealError();
  const body = Buffer.from(encoded, "base64url");
  if (body.length < NONCE_BYTES + TAG_BYTES) throw unsealError();
  const nonce = body.subarray(0, NONCE_BYTES);
  const key = keyOf(ring, keyId);
  try {
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
      .setAAD(Buffer.from(aad))
      .setAuthTag(body.subarray(-TAG_BYTES));
    return decipher.update(body.subarray(NONCE_BYTES, -TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
  } catch {
    // The cause would say which part was wrong.
    throw unsealError();
  }
}

/** The same secret under the ring's current key. Throws as `unseal`. */
export const reseal = (ring: KeyRing, sealed: string, aad: string): string =>
  seal(ring, unseal(ring, sealed, aad), aad);

/** How every value begins that is sealed with a key; without one, every value that is sealed. */
export const sealedPrefix = (keyId?: string): string => `${FORMAT}.${keyId === undefined ? "" : `${keyId}.`}`;

function keyOf(ring: KeyRing, id: string): KeyObject {
  const key = ring.keys.get(id);
  if (!key) throw unsealError();
  return key;
}

function unsealError(): PlatformError {
  return new PlatformError("internal", "unseal_failed", "A stored secret cannot be opened with the configured keys");
}

function keyError(problem: string): PlatformError {
  return new PlatformError("invalid", "encryption_key", `An encryption key ${problem}`);
}
