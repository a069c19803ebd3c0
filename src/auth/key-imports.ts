import { createHash, type webcrypto } from "node:crypto";
import { keepRecent } from "../domain/recent.ts";

/** Three of each tenant that is at work: its private key, and its public one in two forms. About 20 MB in all. */
const KEYS_MAX = 3_000;

type CryptoKey = webcrypto.CryptoKey;
type ImportKey = webcrypto.SubtleCrypto["importKey"];
type Arguments = Parameters<ImportKey>;

/**
 * Lets WebCrypto give the same key for the same bytes, instead of reading them anew: AuthHero imports a tenant's private
 * key for every signature, and its public one for every token. Answers a function that undoes it.
 *
 * It changes a global, so only the server program does it, never the library. What is kept is the platform's own key
 * object, which nobody can change and whose private part nobody can read; whoever gets it, had the bytes. Private keys
 * that may be exported, and secrets of any kind, are imported as ever and not kept. What was asked for last, is kept.
 */
export function keepImportedKeys(subtle: webcrypto.SubtleCrypto = crypto.subtle, keysMax = KEYS_MAX): () => void {
  const original = subtle.importKey;
  const importKey = original.bind(subtle) as (...args: Arguments) => Promise<CryptoKey>;
  const kept = new Map<string, Promise<CryptoKey>>();

  const keep = (name: string, key: Promise<CryptoKey>) => {
    keepRecent(kept, name, key, keysMax);
    return key;
  };

  const imported = (...args: Arguments): Promise<CryptoKey> => {
    const name = nameOf(args);
    if (name === null) return importKey(...args);
    const found = kept.get(name);
    if (found) return keep(name, found);
    const key = importKey(...args);
    // Whoever asked for it hears why; the next one tries anew.
    key.catch(() => kept.delete(name));
    return keep(name, key);
  };

  subtle.importKey = imported as ImportKey;
  return () => {
    subtle.importKey = original;
  };
}

/** One name for each key and everything it may be used for; null for what is not kept. */
function nameOf([format, keyData, algorithm, isExtractable, usages]: Arguments): string | null {
  const material = materialOf(format, keyData, isExtractable);
  const parameters = material && parametersOf(algorithm);
  if (!material || !parameters) return null;
  const hash = createHash("sha256");
  hash.update(JSON.stringify([format, parameters, isExtractable, usages]));
  // No JSON has it, so where the one ends and the other begins is never in doubt.
  return hash.update("\0").update(material).digest("base64");
}

/** The bytes of a public key, or of a private one that can be used and not read. */
function materialOf(format: string, keyData: unknown, isExtractable: boolean): Uint8Array | string | null {
  if (format === "jwk") return publicJwk(keyData);
  if (format !== "spki" && (format !== "pkcs8" || isExtractable)) return null;
  if (keyData instanceof ArrayBuffer) return new Uint8Array(keyData);
  if (!ArrayBuffer.isView(keyData)) return null;
  return new Uint8Array(keyData.buffer, keyData.byteOffset, keyData.byteLength);
}

/** RFC 7518, section 6: `d` is the private part, and `oct` keys have nothing else. */
function publicJwk(jwk: unknown): string | null {
  if (typeof jwk !== "object" || jwk === null || !("kty" in jwk) || jwk.kty === "oct" || "d" in jwk) return null;
  return JSON.stringify(jwk);
}

/** All that the import of a key pair's half is told (Web Cryptography API: `RsaHashedImportParams`, `EcKeyImportParams`). */
function parametersOf(algorithm: unknown): readonly unknown[] | null {
  if (typeof algorithm === "string") return [algorithm];
  if (typeof algorithm !== "object" || algorithm === null) return null;
  const { name, hash, namedCurve } = algorithm as { name?: unknown; hash?: unknown; namedCurve?: unknown };
  const hashName = typeof hash === "object" && hash !== null && "name" in hash ? hash.name : hash;
  const parameters = [name, hashName ?? null, namedCurve ?? null];
  return parameters.every((value) => value === null || typeof value === "string") ? parameters : null;
}
