import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createKeyRing, loadOrCreateKeyFile, parseKeyRing, seal, unseal } from "../../src/db/seal.ts";

const old = { id: "2025", key: randomBytes(32) };
const current = { id: "2026", key: randomBytes(32) };
const ring = createKeyRing({ current });

describe("a sealed secret", () => {
  it.each(["", "s3cret", "ünïcode 🔑", "x".repeat(10_000)])("comes back whole: %#", (secret) => {
    const sealed = seal(ring, secret, "acme.clients.client_secret");

    expect(sealed).toMatch(/^rh1\.2026\.[\w-]+$/);
    expect(unseal(ring, sealed, "acme.clients.client_secret")).toBe(secret);
  });

  it("looks different every time", () => {
    expect(seal(ring, "same", "a")).not.toBe(seal(ring, "same", "a"));
  });

  it("opens after the key has been rotated, as long as the old key is there", () => {
    const sealed = seal(createKeyRing({ current: old }), "kept", "a");

    expect(unseal(createKeyRing({ current, previous: [old] }), sealed, "a")).toBe("kept");
    expect(() => unseal(ring, sealed, "a")).toThrow(
      expect.objectContaining({ code: "internal", reason: "unseal_failed" }),
    );
  });

  it("fails the same way for a wrong place, a wrong key and every kind of damage", () => {
    const sealed = seal(ring, "s3cret", "acme");
    const damaged = (change: (body: Buffer) => Buffer) => {
      const body = Buffer.from(sealed.split(".")[2] ?? "", "base64url");
      return `rh1.2026.${change(body).toString("base64url")}`;
    };
    const flip = (at: number) =>
      damaged((body) =>
        body.fill((body.at(at) ?? 0) ^ 1, at < 0 ? body.length + at : at, (at < 0 ? body.length + at : at) + 1),
      );
    const attempts = [
      () => unseal(ring, sealed, "other"),
      () => unseal(createKeyRing({ current: { id: "2026", key: randomBytes(32) } }), sealed, "acme"),
      ...[
        flip(0),
        flip(13),
        flip(-1),
        damaged((body) => body.subarray(0, 20)),
        `${sealed}.x`,
        "rh2.2026.AAAA",
        "plain",
        "",
      ].map((text) => () => unseal(ring, text, "acme")),
    ];

    const messages = attempts.map((attempt) => {
      try {
        return attempt();
      } catch (error) {
        return String(error);
      }
    });

    expect(new Set(messages)).toEqual(
      new Set(["PlatformError: A stored secret cannot be opened with the configured keys"]),
    );
  });
});

describe("a key ring in text", () => {
  const key = current.key;

  it.each([
    ["base64", key.toString("base64")],
    ["base64url", key.toString("base64url")],
    ["hex", key.toString("hex")],
    ["with an id", `k1:${key.toString("base64")}`],
    ["with older keys behind", `${key.toString("base64")}, old:${old.key.toString("hex")}`],
  ])("may be %s", (_name, text) => {
    const parsed = parseKeyRing(text);

    expect(unseal(parsed, seal(parsed, "s", "a"), "a")).toBe("s");
  });

  it("keeps opening old secrets when a new key is put in front of a bare one", () => {
    const before = parseKeyRing(old.key.toString("base64"));
    const after = parseKeyRing(`${key.toString("base64")},${old.key.toString("base64")}`);

    expect(unseal(after, seal(before, "s", "a"), "a")).toBe("s");
    expect(after.currentId).not.toBe(before.currentId);
  });

  it.each([
    "",
    "short",
    "k1:",
    `a b:${key.toString("base64")}`,
    `k:${key.toString("base64")},k:${old.key.toString("base64")}`,
    `${key.toString("base64")},`,
  ])("is refused without being shown when wrong: %#", (text) => {
    expect(() => parseKeyRing(text)).toThrow(expect.objectContaining({ code: "invalid", reason: "encryption_key" }));
    expect(() => parseKeyRing(text)).not.toThrow(key.toString("base64"));
  });

  it("does not show its keys when printed", async () => {
    const { inspect } = await import("node:util");

    expect(inspect(ring, { depth: 9 }) + JSON.stringify(ring)).not.toContain(key.toString("hex").slice(0, 8));
  });
});

describe("a key file", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "keys-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it("is made once, for its owner only, however many ask at the same time", async () => {
    const path = join(directory, "nested", "key");

    const rings = await Promise.all(Array.from({ length: 8 }, () => loadOrCreateKeyFile(path)));

    expect(new Set(rings.map(({ currentId }) => currentId)).size).toBe(1);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(directory, "nested"))).toEqual(["key"]);
    const again = await loadOrCreateKeyFile(path);
    expect(again.currentId).toBe(rings[0]?.currentId);
  });

  it("is refused, and kept, when it holds something else", async () => {
    const path = join(directory, "key");
    writeFileSync(path, "");

    await expect(loadOrCreateKeyFile(path)).rejects.toMatchObject({ reason: "encryption_key" });
  });
});
