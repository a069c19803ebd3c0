import { createPrivateKey } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What must turn up nowhere: a text, or bytes that are none. */
export type Secret = string | Buffer;

/** A secret as it may turn up somewhere: as it is, and as texts and addresses write it. */
export function writingsOf(secret: Secret): readonly string[] {
  const bytes = Buffer.from(secret);
  // Base64 depends on where in a text the secret begins: what is the same at all three places.
  const base64s = [0, 1, 2].map((offset) =>
    Buffer.concat([Buffer.alloc(offset), bytes])
      .toString("base64")
      .slice(Math.ceil((offset * 8) / 6), -4),
  );
  const writings = [
    // As files are read here.
    bytes.toString("latin1"),
    ...base64s,
    ...base64s.map((each) => each.replaceAll("+", "-").replaceAll("/", "_")),
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
    ...(typeof secret === "string" ? textsOf(secret) : []),
  ];
  return [...new Set(writings)];
}

function textsOf(secret: string): readonly string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  return [
    secret,
    encodeURIComponent(secret),
    new URLSearchParams({ "": secret }).toString().slice(1),
    json,
    json.replaceAll("/", "\\/"),
    json.replace(/[^ -~]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`),
    // Once more, as a document in a document has it.
    JSON.stringify(json).slice(1, -1),
    secret.replace(/[&<>"]/g, (character) => `&${{ "&": "amp", "<": "lt", ">": "gt", '"': "quot" }[character]};`),
  ];
}

/** A private key in every shape: its PEM and each line of it, its DER, and the numbers that a JWK has. */
export function secretsOfKey(pem: string): readonly Secret[] {
  const key = createPrivateKey(pem);
  const { d = "", p = "", q = "", dp = "", dq = "", qi = "" } = key.export({ format: "jwk" });
  const der = (["pkcs8", "pkcs1"] as const).map((type) => key.export({ format: "der", type }));
  // The first line says what kind of key it is, the last is short.
  const lines = pem.trim().split(/\r?\n/).slice(2, -2);
  return [pem.trim(), ...lines, ...der, ...[d, p, q, dp, dq, qi].map((number) => Buffer.from(number, "base64url"))];
}

/** In which of the texts a secret turns up, however it is written there. */
export function tracesIn(texts: Readonly<Record<string, string>>, secret: Secret): string[] {
  const writings = writingsOf(secret);
  return Object.entries(texts)
    .filter(([, text]) => writings.some((writing) => text.includes(writing)))
    .map(([name]) => name);
}

/** Every file under a directory, byte by byte as Latin-1, so that nothing in it is lost or invalid. */
export function filesUnder(directory: string): Record<string, string> {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    entries.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path, readFileSync(path, "latin1")];
    }),
  );
}
