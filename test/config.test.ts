import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { loadConfig, processVariables } from "../src/config.ts";
import { parseKeyRing } from "../src/db/seal.ts";
import { PlatformError } from "../src/domain/errors.ts";

const KEY = Buffer.alloc(32, 7).toString("base64");

/** What is wrong with these variables, one line per problem; none when they are fine. */
function problemsOf(variables: Record<string, string>, readFile?: (path: string) => string): string[] {
  try {
    loadConfig(variables, readFile);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(PlatformError);
    expect(error).toMatchObject({ code: "invalid", reason: "configuration" });
    const [, ...lines] = error instanceof Error ? error.message.split("\n") : [];
    return lines.map((line) => line.trim());
  }
}

function namesOf(problems: readonly string[]): string[] {
  return problems.map((problem) => problem.replace(/ .*/, ""));
}

describe("the defaults", () => {
  it("make a service on this machine", () => {
    expect(loadConfig({})).toEqual({
      PORT: 3000,
      HOST: "127.0.0.1",
      CONSOLE_CALLBACKS: [],
      ISSUER: "http://localhost:3000/",
      BASE_DOMAIN: "localhost",
      TRUSTED_PROXIES: [],
      DNS_SERVERS: [],
      CONTROL_PLANE_TENANT_ID: "control_plane",
      PROVIDER: "file",
      DATA_DIR: "./data",
      TURSO_GROUP: "default",
      TURSO_GROUPS: [],
      TURSO_API_URL: "https://api.turso.tech/v1/",
      WORKERS: 1,
      POOL_MAX_OPEN: 200,
      POOL_IDLE_MS: 60_000,
      UNDELETE_DAYS: 7,
      DEV_MAILBOX: false,
      LOG_LEVEL: "info",
      TRACES: false,
    });
  });

  it("follow the port and the issuer", () => {
    expect(loadConfig({ PORT: "8080" })).toMatchObject({ ISSUER: "http://localhost:8080/" });
    expect(loadConfig({ ISSUER: "https://auth.example.com" })).toMatchObject({ BASE_DOMAIN: "auth.example.com" });
  });

  it("cannot be changed afterwards", () => {
    const config = loadConfig({ TRUSTED_PROXIES: "10.0.0.1" });

    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.TRUSTED_PROXIES)).toBe(true);
  });

  it("apply to blank values, as an unedited .env.example has them", () => {
    const example = parseEnv(readFileSync(".env.example", "utf8"));

    expect(loadConfig(example)).toEqual(loadConfig({}));
  });
});

describe("right values", () => {
  it.each([
    ["ISSUER", "HTTPS://Auth.Example.com", "https://auth.example.com/"],
    ["ISSUER", "https://auth.example.com:443/", "https://auth.example.com/"],
    ["ISSUER", "http://localhost:4000", "http://localhost:4000/"],
    ["BASE_DOMAIN", "Auth.Example.COM", "auth.example.com"],
    ["BASE_DOMAIN", "xn--bcher-kva.example", "xn--bcher-kva.example"],
    [
      "DNS_SERVERS",
      " 9.9.9.9, 127.0.0.1:5353 ,2620:fe::fe,[::1]:53,",
      ["9.9.9.9", "127.0.0.1:5353", "2620:fe::fe", "[::1]:53"],
    ],
    ["TRUSTED_PROXIES", " 127.0.0.1, 10.0.0.0/8 ,fd00::/8,", ["127.0.0.1", "10.0.0.0/8", "fd00::/8"]],
    ["ENCRYPTION_KEY", KEY, KEY],
    ["ENCRYPTION_KEY", "0a".repeat(32), "0a".repeat(32)],
    ["ENCRYPTION_KEY", `new:${KEY},old:${KEY}`, `new:${KEY},old:${KEY}`],
    ["POOL_IDLE_MS", "0", 0],
    ["METRICS", "9464", { host: "127.0.0.1", port: 9464 }],
    ["METRICS", "10.0.0.5:9464", { host: "10.0.0.5", port: 9464 }],
    ["METRICS", "[::]:9464", { host: "::", port: 9464 }],
    ["TRACES", "1", true],
    ["UNDELETE_DAYS", "0", 0],
    ["UNDELETE_DAYS", "365", 365],
    ["HOST", "::", "::"],
  ])("%s=%s is accepted", (name, value, expected) => {
    expect(loadConfig({ [name]: value })).toHaveProperty(name, expected);
  });

  it.each([KEY, "0a".repeat(32), `new:${KEY}`, `${KEY},old:${"0b".repeat(32)}`])(
    "of ENCRYPTION_KEY are those that make a key ring: %s",
    (text) => {
      expect(loadConfig({ ENCRYPTION_KEY: text }).ENCRYPTION_KEY).toBe(text);
      expect(parseKeyRing(text).keys.size).toBe(text.split(",").length);
    },
  );

  it("come from files too, without their last line break", () => {
    const files = new Map([["/run/secrets/key", `${KEY}\n`]]);

    const config = loadConfig({ ENCRYPTION_KEY_FILE: "/run/secrets/key" }, (path) => files.get(path) ?? "");

    expect(config.ENCRYPTION_KEY).toBe(KEY);
  });

  it("leave other programs' variables alone", () => {
    expect(problemsOf({ PATH: "/bin", TURSO_INSTALL_DIR: "/opt/turso", DATABASE_URL: "x" })).toEqual([]);
  });
});

describe("wrong values", () => {
  it.each([
    ["PORT", ["0", "65536", "3000x", "-1", "3e3", "1.5", "99999999999999999999"]],
    ["HOST", ["two words", "http://localhost"]],
    [
      "ISSUER",
      [
        ...[
          "localhost:3000",
          "auth.example.net",
          "ftp://auth.example.net",
          "https://auth.example.net/path",
          "https://:80",
        ],
        ...["https://auth.example.net/?a=b", "https://auth.example.net/#a", "https://me:pass@auth.example.net"],
        ...["https://under_score.example.net", "https://example.net.", "https://-a.example.net"],
      ],
    ],
    [
      "BASE_DOMAIN",
      ["localhost:3000", "https://example.net", "-a.example.net", "a..b", ".a", "a.", "127.0.0.1", "[::1]"],
    ],
    [
      "CONSOLE_CALLBACKS",
      ["console", "ftp://a.example/", "https://a.example/#x", "https://*.example/", "https://u:p@a.example/"],
    ],
    [
      "DNS_SERVERS",
      [
        "dns.example",
        "8.8.4",
        "8.8.4.4:",
        "8.8.4.4:0",
        "8.8.4.4:70000",
        "[::1",
        "[8.8.4.4]:53",
        "10.0.0.0/8",
        "a,8.8.4.4",
      ],
    ],
    ["TRUSTED_PROXIES", ["proxy.local", "192.168.0.0/33", "fd00::/129", "192.168.0.0/16/16", "192.168.0.0/", "*"]],
    ["CONTROL_PLANE_TENANT_ID", ["Control", "a", "a b", "../a"]],
    ["PROVIDER", ["d1", "sqld", "File"]],
    ["ENCRYPTION_KEY", ["short", `a:b:${KEY}`, `a:${KEY},b:short`, `a:${KEY},`, Buffer.alloc(31).toString("base64")]],
    ["POOL_MAX_OPEN", ["0", "many"]],
    ["WORKERS", ["0", "65", "auto"]],
    ["POOL_IDLE_MS", ["-1", "1m"]],
    ["UNDELETE_DAYS", ["366", "-1", "a week"]],
    ["LOG_LEVEL", ["trace", "INFO"]],
    ["TRACES", ["yes", "true", "2"]],
    ["METRICS", ["yes", "0", "70000", "metrics:9464", "::1:9464", "[10.0.0.1]:9464", "10.0.0.1", ":80"]],
  ])("of %s are refused, by name and without the value", (name, values) => {
    for (const value of values) {
      const problems = problemsOf({ [name]: value });

      expect(namesOf(problems), value).toEqual([name]);
      if (value.length > 4) expect(problems.join()).not.toContain(value);
    }
  });

  const server = {
    LIBSQL_SERVER_URL: "http://127.0.0.1:8080",
    LIBSQL_SERVER_ADMIN_URL: "http://127.0.0.1:8081/",
    LIBSQL_SERVER_ADMIN_KEY: "k".repeat(32),
    ENCRYPTION_KEY: KEY,
  };

  it.each([
    [
      "LIBSQL_SERVER_URL",
      ["localhost:8080", "libsql://db.example.net", "http://me:pass@db.example.net", "http://a/?b"],
    ],
    ["LIBSQL_SERVER_ADMIN_URL", ["file:///tmp", "http://admin.example.net/#a"]],
    ["LIBSQL_SERVER_ADMIN_KEY", ["too-short", `two words${"k".repeat(32)}`]],
  ])("of %s are refused, by name and without the value", (name, values) => {
    for (const value of values) {
      const problems = problemsOf({ ...server, [name]: value });

      expect(namesOf(problems), value).toEqual([name]);
      expect(problems.join()).not.toContain(value);
    }
  });

  const turso = { TURSO_ORGANIZATION: "acme", TURSO_API_TOKEN: "platform-token", ENCRYPTION_KEY: KEY };

  it.each([
    ["TURSO_ORGANIZATION", ["../other", "a/b", "-acme"]],
    ["TURSO_API_TOKEN", ["two words"]],
    ["TURSO_GROUP", ["../other", "my group"]],
    ["TURSO_GROUPS", ["tenants,../other", "my group"]],
    [
      "TURSO_API_URL",
      ["http://api.example.net/", "api.example.net", "https://api.example.net/?a", "https://a:b@c.example/"],
    ],
  ])("of %s are refused, by name and without the value", (name, values) => {
    for (const value of values) {
      const problems = problemsOf({ ...turso, [name]: value });

      expect(namesOf(problems), value).toEqual([name]);
      expect(problems.join()).not.toContain(value);
    }
  });

  it("include Turso without its organization or token", () => {
    expect(problemsOf(turso)).toEqual([]);
    expect(problemsOf({ ...turso, PROVIDER: "turso" })).toEqual([]);
    expect(namesOf(problemsOf({ PROVIDER: "turso" }))).toEqual(Object.keys(turso).toSorted());
    for (const name of Object.keys(turso)) expect(namesOf(problemsOf({ ...turso, [name]: "" }))).toEqual([name]);
  });

  const controlPlane = {
    CONTROL_PLANE_DATABASE_URL: "libsql://control-acme.turso.io",
    CONTROL_PLANE_DATABASE_TOKEN: "database-token",
    ENCRYPTION_KEY: KEY,
  };

  it.each([
    [
      "CONTROL_PLANE_DATABASE_URL",
      [
        "file:control.db",
        "wss://db.example.net",
        "db.example.net",
        "libsql://a.example/?authToken=s3cret",
        "http://a:b@c",
      ],
    ],
    ["CONTROL_PLANE_DATABASE_TOKEN", ["two words"]],
  ])("of %s are refused, by name and without the value", (name, values) => {
    for (const value of values) {
      const problems = problemsOf({ ...controlPlane, [name]: value });

      expect(namesOf(problems), value).toEqual([name]);
      expect(problems.join()).not.toContain(value);
    }
  });

  it("include a control plane elsewhere without the key that all its processes share", () => {
    expect(problemsOf(controlPlane)).toEqual([]);
    expect(problemsOf({ ...controlPlane, CONTROL_PLANE_DATABASE_TOKEN: "" })).toEqual([]);
    expect(namesOf(problemsOf({ ...controlPlane, ENCRYPTION_KEY: "" }))).toEqual(["ENCRYPTION_KEY"]);
    expect(namesOf(problemsOf({ ...controlPlane, CONTROL_PLANE_DATABASE_URL: "" }))).toEqual([
      "CONTROL_PLANE_DATABASE_URL",
    ]);
  });

  it.each([
    ["a control plane elsewhere", { CONTROL_PLANE_DATABASE_URL: "libsql://control-acme.turso.io" }],
    ["Turso", { ...turso, PROVIDER: "turso" }],
    ["Turso for tenants that are there already", turso],
    ["a libSQL server", { ...server, PROVIDER: "libsql-server" }],
    ["a libSQL server for tenants that are there already", server],
  ])("include %s without a key, named beside all others", (_name, variables) => {
    const problems = problemsOf({
      ...variables,
      ENCRYPTION_KEY: "",
      PORT: "3000",
      DEV_MAILBOX: "1",
      ISSUER: "http://a/",
    });

    expect(namesOf(problems)).toEqual(["DEV_MAILBOX", "ENCRYPTION_KEY"]);
    expect(problemsOf({ ...variables, ENCRYPTION_KEY: KEY })).toEqual([]);
  });

  it("include a libSQL server of which something is missing", () => {
    expect(problemsOf(server)).toEqual([]);
    expect(problemsOf({ ...server, PROVIDER: "libsql-server" })).toEqual([]);
    expect(namesOf(problemsOf({ PROVIDER: "libsql-server" }))).toEqual(Object.keys(server).toSorted());
    for (const name of Object.keys(server)) expect(namesOf(problemsOf({ ...server, [name]: "" }))).toEqual([name]);
  });

  it.each(["http://mail.example.com", "smtp://mail.example.com/inbox", "mail.example.com:587", "smtp://"])(
    "include the mail server %s",
    (url) => {
      expect(namesOf(problemsOf({ SMTP_URL: url }))).toEqual(["SMTP_URL"]);
    },
  );

  it("include a development mailbox where somebody else could open it", () => {
    expect(problemsOf({ DEV_MAILBOX: "1" })).toEqual([]);
    expect(problemsOf({ DEV_MAILBOX: "1", ISSUER: "http://cp.localhost:3000/" })).toEqual([]);
    for (const host of ["auth.example.com", "localhost.example.com"]) {
      expect(namesOf(problemsOf({ DEV_MAILBOX: "1", ISSUER: `http://${host}/` }))).toEqual(["DEV_MAILBOX"]);
    }
  });

  it("are reported all at once", () => {
    const problems = problemsOf({
      PORT: "no",
      ISSUER: "no",
      LOG_LEVEL: "no",
      PROVIDER: "nowhere",
      TURSO_API_TOKEN: "secret token",
      DATA_DIR: "a",
      DATA_DIR_FILE: "b",
    });

    expect(namesOf(problems)).toEqual(["DATA_DIR", "ISSUER", "LOG_LEVEL", "PORT", "PROVIDER", "TURSO_API_TOKEN"]);
    expect(problems.join()).not.toContain("secret token");
  });

  it("include an IP address as issuer when tenants have no domain", () => {
    expect(namesOf(problemsOf({ ISSUER: "http://127.0.0.1:3000/" }))).toEqual(["BASE_DOMAIN"]);
    expect(namesOf(problemsOf({ ISSUER: "http://[::1]:3000/" }))).toEqual(["BASE_DOMAIN"]);
    expect(problemsOf({ ISSUER: "http://127.0.0.1:3000/", BASE_DOMAIN: "localhost" })).toEqual([]);
  });

  it("include mail that is kept in one of several processes", () => {
    expect(namesOf(problemsOf({ DEV_MAILBOX: "1", WORKERS: "2" }))).toEqual(["DEV_MAILBOX"]);
    expect(problemsOf({ WORKERS: "2" })).toEqual([]);
  });

  it("include metrics beside everybody's requests", () => {
    expect(namesOf(problemsOf({ METRICS: "3000" }))).toEqual(["METRICS"]);
    expect(problemsOf({ METRICS: "3001" })).toEqual([]);
  });
});

describe("values in files", () => {
  it("may not be given twice", () => {
    const problems = problemsOf({ PORT: "3000", PORT_FILE: "/port" }, () => "3000");

    expect(problems).toEqual(["PORT is set twice: use either PORT or PORT_FILE"]);
  });

  it("are checked like any other", () => {
    expect(namesOf(problemsOf({ PORT_FILE: "/port" }, () => "many"))).toEqual(["PORT"]);
  });

  it("must be there, and the path is not shown", () => {
    expect(problemsOf({ ENCRYPTION_KEY_FILE: "/nowhere/secret.key" })).toEqual([
      "ENCRYPTION_KEY_FILE names a file that cannot be read (ENOENT)",
    ]);
  });

  it("must not be empty", () => {
    expect(problemsOf({ ENCRYPTION_KEY_FILE: "/key" }, () => "\n")).toEqual([
      "ENCRYPTION_KEY_FILE names an empty file",
    ]);
  });
});

describe("an .env file", () => {
  function directoryWith(text: string): string {
    const directory = mkdtempSync(join(tmpdir(), "config-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    writeFileSync(join(directory, ".env"), text);
    return directory;
  }

  it("fills the gaps of the environment, which wins", () => {
    vi.stubEnv("PORT", "4000");
    onTestFinished(() => void vi.unstubAllEnvs());

    const variables = processVariables(directoryWith("PORT=5000\nDATA_DIR=./elsewhere\n"));

    expect(variables).toMatchObject({ PORT: "4000", DATA_DIR: "./elsewhere" });
    expect(process.env).not.toHaveProperty("DATA_DIR");
  });

  it("may be absent", () => {
    expect(processVariables("/nowhere")).toEqual(process.env);
  });
});
