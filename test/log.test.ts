import { describe, expect, it } from "vitest";
import { loadConfig } from "../src/config.ts";
import { PlatformError } from "../src/domain/errors.ts";
import { createLogger, type LogLevel } from "../src/log/logger.ts";

const KEY = Buffer.alloc(32, 7).toString("base64");
const JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhdXRoMnwxIn0.c2lnbmF0dXJl";
const PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----";

/** A logger whose lines can be looked at, raw and parsed. */
function recorder(level: LogLevel = "debug") {
  const lines: string[] = [];
  const clock = () => new Date("2026-01-02T03:04:05.678Z");
  const logger = createLogger({ level, clock, output: { write: (line) => lines.push(line) } });
  return { logger, lines, entries: (): Record<string, unknown>[] => lines.map((line) => JSON.parse(line)) };
}

/** What one field becomes. */
function logged(field: unknown): unknown {
  const { logger, entries } = recorder();
  logger.info("test.done", { field });
  return entries()[0]?.field;
}

describe("an entry", () => {
  it("is one line of JSON with level, time, fields and event", () => {
    const { logger, lines, entries } = recorder();

    logger.warn("tenant.provisioned", { tenant: "acme", took: 12 });

    expect(lines[0]).toMatch(/^\{.*\}\n$/);
    expect(entries()).toEqual([
      { level: "warn", time: "2026-01-02T03:04:05.678Z", tenant: "acme", took: 12, event: "tenant.provisioned" },
    ]);
  });

  it("is dropped below the level", () => {
    const { logger, entries } = recorder("warn");

    logger.debug("a");
    logger.info("b");
    logger.warn("c");
    logger.error("d");

    expect(entries().map(({ event }) => event)).toEqual(["c", "d"]);
  });

  it("carries what was bound, the innermost last", () => {
    const { logger, entries } = recorder();

    logger.with({ request: "r1", tenant: "acme" }).with({ tenant: "beta" }).info("request.done", { status: 200 });
    logger.info("request.done");

    expect(entries()).toMatchObject([{ request: "r1", tenant: "beta", status: 200 }, { event: "request.done" }]);
    expect(entries()[1]).not.toHaveProperty("request");
  });

  it("keeps its own names against fields of the same name", () => {
    const { logger, entries } = recorder();

    logger.info("a", { event: "b", level: "c", time: "d" });

    expect(entries()[0]).toMatchObject({ event: "a", level: "info", event_: "b", level_: "c", time_: "d" });
  });

  it("takes every kind of value", () => {
    const circle: Record<string, unknown> = { name: "circle" };
    circle.self = circle;

    expect(logged(circle)).toEqual({ name: "circle", self: "[circular]" });
    expect(
      logged([12n, new Date(0), new Uint8Array(3), undefined, Number.NaN, new Set([1]), new Map([["a", 1]])]),
    ).toEqual([...["12", "1970-01-01T00:00:00.000Z", "[3 bytes]", null, "NaN", [1], { a: 1 }]]);
    expect(logged(JSON.parse(`{"__proto__":{"a":1}}`))).toEqual(JSON.parse(`{"__proto__":{"a":1}}`));
    expect(logged("x".repeat(10_000))).toHaveLength(8193);
  });

  it("ends where an object goes too deep", () => {
    let deep: object = {};
    for (let level = 0; level < 20; level += 1) deep = { deep };

    expect(JSON.stringify(logged(deep))).toContain("[too deep]");
  });
});

describe("secrets", () => {
  it("of the configuration do not appear", () => {
    const { logger, lines, entries } = recorder();

    logger.info("server.started", { config: loadConfig({ ENCRYPTION_KEY: KEY, PORT: "4000" }) });

    expect(lines.join()).not.toContain(KEY);
    expect(entries()[0]?.config).toMatchObject({ PORT: 4000, ENCRYPTION_KEY: "[redacted]", DATA_DIR: "./data" });
  });

  it("of a request do not appear", () => {
    const { logger, lines, entries } = recorder();
    const headers = {
      authorization: `Bearer ${JWT}`,
      cookie: "sid=abcdef",
      "x-request-id": "r1",
      "X-Api-Key": "k-123456",
    };

    logger.info("request.done", {
      method: "POST",
      url: "http://acme.localhost:3000/callback?code=abc123&state=def456&lang=en",
      headers,
      webHeaders: new Headers(headers),
      rawHeaders: Object.entries(headers).flat(),
      pairs: Object.entries(headers),
      body: { username: "ann", password: "hunter22", client_secret: "s3cr3t", nested: [{ refreshToken: "rt-1" }] },
    });

    for (const secret of [JWT, "abcdef", "k-123456", "abc123", "def456", "hunter22", "s3cr3t", "rt-1"]) {
      expect(lines.join()).not.toContain(secret);
    }
    expect(entries()[0]).toMatchObject({
      url: "http://acme.localhost:3000/callback?code=[redacted]&state=[redacted]&lang=en",
      headers: { authorization: "[redacted]", "x-request-id": "r1" },
      webHeaders: { cookie: "[redacted]", "x-request-id": "r1" },
      body: { username: "ann", password: "[redacted]" },
    });
  });

  it.each(
    [
      "token",
      "accessToken",
      "id_token_hint",
      "secret",
      "client_secret",
      "password",
      "passwordHash",
      "Authorization",
    ].concat(
      [
        "set-cookie",
        "credentials",
        "private_key",
        "privateKey",
        "ENCRYPTION_KEY",
        "apiKey",
        "keyRing",
        "code_verifier",
      ],
      ["client_assertion", "parameters"],
    ),
  )("are removed from a field called %s, at any depth", (name) => {
    expect(logged({ [name]: "v" })).toEqual({ [name]: "[redacted]" });
    expect(logged([{ a: { [name]: ["v", { w: 1 }] } }])).toEqual([{ a: { [name]: "[redacted]" } }]);
  });

  it.each([
    [`got Bearer ${JWT} from`, "got Bearer [redacted] from"],
    ["authorization: basic dXNlcjpwYXNz", "authorization: basic [redacted]"],
    [`token was ${JWT}`, "token was [redacted]"],
    ["libsql://db.example.com?authToken=abc.def", "libsql://db.example.com?authToken=[redacted]"],
    ["smtp://ann:hunter22@mail.example.com/", "smtp://[redacted]@mail.example.com/"],
    ["grant_type=password&client_secret=xyz&scope=openid", "grant_type=password&client_secret=[redacted]&scope=openid"],
    [`key:\n${PEM}\nend`, "key:\n[redacted]\nend"],
  ])("are removed from the string %j", (text, expected) => {
    expect(logged(text)).toBe(expected);
  });

  it("leave everything else readable", () => {
    const harmless = {
      code: "SQLITE_BUSY",
      state: "ready",
      grant_types: ["refresh_token", "authorization_code"],
      hasPassword: true,
      url: "https://acme.example.com/authorize?client_id=default",
      message: "code=SQLITE_BUSY state=ready",
    };

    expect(logged(harmless)).toEqual(harmless);
  });
});

describe("an error", () => {
  it("shows code, reason, place and causes", () => {
    const cause = Object.assign(new Error("database is locked"), { code: "SQLITE_BUSY" });
    const error = new PlatformError("unavailable", "database_busy", "The database is busy", { cause });

    expect(logged(error)).toMatchObject({
      name: "PlatformError",
      message: "The database is busy",
      code: "unavailable",
      reason: "database_busy",
      stack: expect.arrayContaining([expect.stringMatching(/^at .*log\.test\.ts/)]),
      cause: { name: "Error", message: "database is locked", code: "SQLITE_BUSY" },
    });
  });

  it("hides every other property, as the parameters of a statement", () => {
    const error = Object.assign(new Error("failed"), { sql: "select ?", parameters: ["ann@example.com"] });
    const wrapped = new Error("outer", { cause: error });
    const strange = new Error("strange", { cause: { parameters: ["ann@example.com"] } });

    expect(JSON.stringify(logged([error, wrapped, strange]))).not.toContain("ann@example.com");
  });

  it("shows its parts when it has several", () => {
    expect(logged(new AggregateError([new Error("one"), new Error("two")], "both"))).toMatchObject({
      errors: [{ message: "one" }, { message: "two" }],
    });
  });

  it("may be its own cause", () => {
    const error = new Error("round");
    error.cause = error;

    expect(logged(error)).toMatchObject({ message: "round", cause: "[circular]" });
  });

  it("has no token in its message", () => {
    expect(logged(new Error(`refused Bearer ${JWT}`))).toMatchObject({ message: "refused Bearer [redacted]" });
  });
});
