import type { webcrypto } from "node:crypto";
import { afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { keepImportedKeys } from "../../src/auth/key-imports.ts";

const RSA = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
const EC = { name: "ECDSA", namedCurve: "P-256" };
const { subtle } = crypto;
const text = new TextEncoder().encode("what is signed");

let pairs: webcrypto.CryptoKeyPair[];
let restore: () => void;

beforeAll(async () => {
  pairs = await Promise.all([newPair(), newPair()]);
});
beforeEach(() => {
  restore = keepImportedKeys(subtle, 4);
});
afterEach(() => restore());

const newPair = () =>
  subtle.generateKey({ ...RSA, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }, true, [
    "sign",
    "verify",
  ]);
const pkcs8 = (index = 0) => subtle.exportKey("pkcs8", (pairs[index] as webcrypto.CryptoKeyPair).privateKey);
const spki = (index = 0) => subtle.exportKey("spki", (pairs[index] as webcrypto.CryptoKeyPair).publicKey);
const jwk = (index = 0) => subtle.exportKey("jwk", (pairs[index] as webcrypto.CryptoKeyPair).publicKey);
const imported = (bytes: webcrypto.BufferSource) => subtle.importKey("pkcs8", bytes, RSA, false, ["sign"]);

it("the same bytes with the same parameters are the same key, in whatever they come", async () => {
  const bytes = await pkcs8();
  const inside = new Uint8Array(bytes.byteLength + 7);
  inside.set(new Uint8Array(bytes), 3);

  const first = await imported(bytes);

  expect(await imported(bytes.slice(0))).toBe(first);
  expect(await imported(inside.subarray(3, -4))).toBe(first);
  expect(await subtle.importKey("pkcs8", bytes, { ...RSA, hash: { name: "SHA-256" } }, false, ["sign"])).toBe(first);
  expect(await subtle.importKey("spki", await spki(), RSA, true, ["verify"])).toBe(
    await subtle.importKey("spki", await spki(), RSA, true, ["verify"]),
  );
  expect(await subtle.importKey("jwk", await jwk(), RSA, false, ["verify"])).toBe(
    await subtle.importKey("jwk", await jwk(), RSA, false, ["verify"]),
  );
});

it("each key signs with its own, also when many are asked for at once", async () => {
  const bytes = [await pkcs8(0), await pkcs8(1)];
  const keys = await Promise.all([0, 1, 0, 1, 1, 0].map((index) => imported(bytes[index] as ArrayBuffer)));

  for (const [at, index] of [0, 1, 0, 1, 1, 0].entries()) {
    const signature = await subtle.sign(RSA.name, keys[at] as webcrypto.CryptoKey, text);
    const checks = pairs.map(({ publicKey }) => subtle.verify(RSA.name, publicKey, signature, text));
    expect(await Promise.all(checks)).toEqual([index === 0, index === 1]);
  }
});

it("another format, algorithm, hash, curve, usage or extractability is another key", async () => {
  const bytes = await spki();
  const pair = await subtle.generateKey(EC, true, ["sign", "verify"]);
  const curve = await subtle.exportKey("spki", pair.publicKey);
  const asked: [string, webcrypto.BufferSource | webcrypto.JsonWebKey, object, boolean, webcrypto.KeyUsage[]][] = [
    ["spki", bytes, RSA, true, ["verify"]],
    ["spki", bytes, RSA, false, ["verify"]],
    ["spki", bytes, RSA, true, []],
    ["spki", bytes, { ...RSA, hash: "SHA-512" }, true, ["verify"]],
    ["spki", bytes, { ...RSA, name: "RSA-PSS" }, true, ["verify"]],
    ["jwk", await jwk(), RSA, true, ["verify"]],
    ["spki", curve, EC, true, ["verify"]],
  ];
  restore();
  restore = keepImportedKeys(subtle, asked.length);
  const all = async () =>
    await Promise.all(asked.map((one) => subtle.importKey(...(one as Parameters<typeof subtle.importKey>))));

  const keys = (await all()) as unknown as webcrypto.CryptoKey[];

  expect(new Set(keys).size).toBe(asked.length);
  expect(keys.map(({ extractable }) => extractable)).toEqual([true, false, true, true, true, true, true]);
  expect(keys.map(({ algorithm }) => algorithm.name)).toEqual([
    ...Array(4).fill(RSA.name),
    "RSA-PSS",
    RSA.name,
    "ECDSA",
  ]);
  expect(await all()).toEqual(keys);
  await expect(subtle.importKey("spki", curve, { ...EC, namedCurve: "P-384" }, true, ["verify"])).rejects.toThrow();
});

it("nothing is kept that could be read out of it: exportable private keys and secrets", async () => {
  const bytes = await pkcs8();
  const privateJwk = await subtle.exportKey("jwk", (pairs[0] as webcrypto.CryptoKeyPair).privateKey);
  const twice = async (ask: () => Promise<webcrypto.CryptoKey>) => [await ask(), await ask()];
  const found = await Promise.all([
    twice(() => subtle.importKey("pkcs8", bytes, RSA, true, ["sign"])),
    twice(() => subtle.importKey("jwk", privateJwk, RSA, false, ["sign"])),
    twice(() => subtle.importKey("raw", text, { name: "HMAC", hash: "SHA-256" }, false, ["sign"])),
    twice(() => subtle.importKey("raw", text, "PBKDF2", false, ["deriveBits"])),
    twice(() =>
      subtle.importKey("jwk", { kty: "oct", k: "c2VjcmV0" }, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]),
    ),
  ]);

  for (const [first, second] of found) expect(first).not.toBe(second);
});

it("what cannot be imported fails each time, and what can after it does not", async () => {
  const bytes = await pkcs8();

  await expect(imported(bytes.slice(1))).rejects.toThrow();
  await expect(imported(bytes.slice(1))).rejects.toThrow();
  expect((await imported(bytes)).type).toBe("private");
});

it("keeps no more than it may, and first what was asked for last", async () => {
  const bytes = await spki();
  const ask = (usages: webcrypto.KeyUsage[], hash: string) =>
    subtle.importKey("spki", bytes, { ...RSA, hash }, true, usages);
  const hashes = ["SHA-1", "SHA-256", "SHA-384", "SHA-512"];
  const keys = await Promise.all(hashes.map((hash) => ask(["verify"], hash)));
  expect(await ask(["verify"], "SHA-1")).toBe(keys[0]);

  await ask([], "SHA-256");

  expect(await ask(["verify"], "SHA-1")).toBe(keys[0]);
  expect(await ask(["verify"], "SHA-384")).toBe(keys[2]);
  expect(await ask(["verify"], "SHA-256")).not.toBe(keys[1]);
});

it("is undone by what it answers", async () => {
  const bytes = await pkcs8();
  const first = await imported(bytes);
  restore();

  expect(await imported(bytes)).not.toBe(first);
});
