import fc from "fast-check";
import { it } from "vitest";
import { createLogger } from "../src/log/logger.ts";

/** What no line may contain: letters and digits, so that no way of writing it down changes it. */
const secret = fc.stringMatching(/^[A-Za-z0-9]{20,40}$/).map((text) => `planted${text}`);

/** Names under which a secret may come, as the contract, OAuth, HTTP and the settings spell them. */
const secretName = fc.constantFrom(
  ...["password", "passwordHash", "client_secret", "clientSecret", "access_token", "id_token_hint", "refreshToken"],
  ...["authorization", "Proxy-Authorization", "cookie", "set-cookie", "credentials", "privateKey", "private_key"],
  ...["ENCRYPTION_KEY", "TURSO_API_TOKEN", "LIBSQL_SERVER_ADMIN_KEY", "code_verifier", "client_assertion", "otp"],
  ...["x-api-key", "signing_key", "smtp_password", "authToken", "parameters", "params", "id_token", "totp_secret"],
);

/** A sentence in which a secret stands as programs write it. */
const sentence = (hidden: string) =>
  fc.constantFrom(
    `refused Bearer ${hidden} at the door`,
    `authorization: Basic ${hidden}`,
    `libsql://db.example.com?authToken=${hidden}`,
    `https://user:${hidden}@mail.example.com/inbox`,
    `/callback?code=${hidden}&lang=en`,
    `/login?state=${hidden}`,
    `grant_type=password&client_secret=${hidden}&scope=openid`,
    `username=ann&password=${hidden}`,
    `-----BEGIN PRIVATE KEY-----\n${hidden}\n-----END PRIVATE KEY-----`,
    `-----BEGIN RSA PRIVATE KEY-----\n${hidden}`,
    `eyJhbGciOiJSUzI1NiJ9.eyJ${hidden}.${hidden}`,
  );

/** A secret as it lies about in a program: under its name, among headers, in a text. */
const carrier = (hidden: string): fc.Arbitrary<unknown> =>
  fc.oneof(
    secretName.map((name) => ({ [name]: hidden })),
    secretName.map((name) => ({ [name]: [hidden, { inner: hidden }] })),
    fc.constantFrom("authorization", "cookie", "x-api-key").map((name) => new Headers([[name, hidden]])),
    fc.constantFrom("authorization", "cookie", "x-api-key").map((name) => [name, hidden]),
    fc.constantFrom("password", "client_secret").map((name) => new URLSearchParams([[name, hidden]])),
    secretName.map((name) => new Map([[name, hidden]])),
    sentence(hidden),
    sentence(hidden).map((text) => new Error(text)),
    sentence(hidden).map((text) => new Error("outer", { cause: new Error(text) })),
    fc.constant(Object.assign(new Error("failed"), { parameters: [hidden], request: { body: hidden } })),
  );

/** Whatever may lie around it, at some depth. */
const around = (inner: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof(
    inner,
    inner.map((value) => [value]),
    inner.map((value) => new Set([value])),
    fc.tuple(fc.string(), inner).map(([name, value]) => ({ [name]: value })),
    fc.tuple(fc.jsonValue(), inner).map(([other, value]) => ({ other, deep: { list: [other, value] } })),
    inner.map((value) => new AggregateError([value instanceof Error ? value : new Error("one")], "several")),
  );

const planted = secret.chain((hidden) =>
  around(around(carrier(hidden))).map((value): [string, unknown] => [hidden, value]),
);

it("no secret that is planted in a field, a header, a text or an error is in a line of the log", () => {
  fc.assert(
    fc.property(planted, fc.constantFrom("debug", "info", "warn", "error"), ([hidden, value], level) => {
      const lines: string[] = [];
      const logger = createLogger({ level: "debug", output: { write: (line) => lines.push(line) } });

      logger.with({ bound: value })[level]("test.done", { value, nested: { value } });

      const line = lines.join("");
      JSON.parse(line);
      return !line.includes(hidden);
    }),
    { numRuns: 5_000 },
  );
});
