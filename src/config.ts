import { existsSync, readFileSync } from "node:fs";
import { isIP, isIPv4, isIPv6 } from "node:net";
import { join } from "node:path";
import { parseEnv } from "node:util";
import * as z from "zod";
import { PlatformError } from "./domain/errors.ts";

/** Environment variables: a process's own, or a test's. Blank counts as absent, as in `PORT=` of an `.env` file. */
type Variables = Readonly<Record<string, string | undefined>>;

/** It becomes part of a path. */
const TURSO_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
const TURSO_NAME_RULE = "must be 1–63 letters, digits, - and _, starting with a letter or digit";

const SERVER_URL = "must be an http or https URL without user name, query or fragment";

/**
 * Every setting of the service, under the name of its variable. All have a default or may be absent.
 * `ISSUER` and `BASE_DOMAIN` follow from those before them, so they are completed in `complete`.
 */
const Environment = z.object({
  /** TCP port. Not 0: the issuer, which tokens carry, names the port. */
  PORT: wholeNumber(1, 65_535).default(3000),
  /** The address to listen on. Loopback unless somebody decides otherwise. */
  HOST: z
    .string()
    .regex(/^[\w.:%-]+$/, "must be an address or a host name")
    .default("127.0.0.1"),
  /** The control plane's origin; tenants share its scheme and port. Default `http://localhost:PORT/`. */
  ISSUER: z.string().transform(toOrigin).optional(),
  /** Tenants are `{tenant}.BASE_DOMAIN`. Default: the host name of `ISSUER`. */
  BASE_DOMAIN: z.string().transform(toDomain).optional(),
  /** Whose `x-forwarded-*` headers count: addresses and networks. Default: nobody's. */
  TRUSTED_PROXIES: z.string().default("").transform(toNetworks),
  /** Which name servers are asked for the records that prove custom domains. Default: the machine's. */
  DNS_SERVERS: z.string().default("").transform(toNameServers),
  /** The tenant whose users are the administrators. Stored in every database: not to be changed later. */
  CONTROL_PLANE_TENANT_ID: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{1,62}$/, "must be 2–63 of a-z, 0-9, _ and -, starting with a letter")
    .default("control_plane"),
  /** The control plane's database on a libSQL server or Turso. Default: a file in `DATA_DIR`. */
  CONTROL_PLANE_DATABASE_URL: z
    .string()
    .refine(isDatabaseUrl, "must be a libsql, https or http URL without user name, query or fragment")
    .optional(),
  /** What that server wants to see. */
  CONTROL_PLANE_DATABASE_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]+$/, "must be printable characters without spaces")
    .optional(),
  /** Where tenant databases live. */
  PROVIDER: z.enum(["file", "turso", "libsql-server"], "must be file, turso or libsql-server").default("file"),
  /** The directory of the `file` provider, and of the control plane's database and the generated key on files. */
  DATA_DIR: z.string().default("./data"),
  /** The slug of the organization in Turso Cloud. */
  TURSO_ORGANIZATION: z.string().regex(TURSO_NAME, TURSO_NAME_RULE).optional(),
  /** A token for Turso's Platform API, best one that is limited to the group. */
  TURSO_API_TOKEN: z
    .string()
    .regex(/^[\x21-\x7e]+$/, "must be printable characters without spaces")
    .optional(),
  /** The group in which databases are made. */
  TURSO_GROUP: z.string().regex(TURSO_NAME, TURSO_NAME_RULE).default("default"),
  /** Further groups that a new tenant may be put in, with commas between them. They must exist. */
  TURSO_GROUPS: z.string().default("").transform(toTursoNames),
  /** Where the Platform API is. */
  TURSO_API_URL: z
    .string()
    .refine(isTursoUrl, "must be an https URL without user name, query or fragment")
    .default("https://api.turso.tech/v1/"),
  /** Where the libSQL server takes statements; plain http is for a private network. */
  LIBSQL_SERVER_URL: z.string().refine(isServerUrl, SERVER_URL).optional(),
  /** Where it makes namespaces: its `--admin-listen-addr`, which nobody else should reach. */
  LIBSQL_SERVER_ADMIN_URL: z.string().refine(isServerUrl, SERVER_URL).optional(),
  /** Its `--admin-auth-key`. */
  LIBSQL_SERVER_ADMIN_KEY: z
    .string()
    .regex(/^[\x21-\x7e]{32,}$/, "must be at least 32 printable characters without spaces")
    .optional(),
  /** Seals secrets at rest. On files it may be absent: a key is then generated beside the data. */
  ENCRYPTION_KEY: z
    .string()
    .refine(
      isKeyRing,
      "must be a 32-byte key in base64 or hex, or several with commas between them, each as key or id:key",
    )
    .optional(),
  /** How many tenant databases may be open at once. A file database holds up to six descriptors. */
  POOL_MAX_OPEN: wholeNumber(1, 10_000).default(200),
  /** Milliseconds after which an unused database is closed. */
  POOL_IDLE_MS: wholeNumber(0, 86_400_000).default(60_000),
  /** Days a deleted tenant can be brought back. 0: deleted is deleted. */
  UNDELETE_DAYS: wholeNumber(0, 365).default(7),
  /** The mail server for tenants that have no e-mail provider and inherit none. */
  SMTP_URL: z.string().refine(isSmtpUrl, "must be like smtp://user:password@mail.example.com:587").optional(),
  /** Whom mail comes from where a provider does not say. Default: no-reply@BASE_DOMAIN. */
  SMTP_FROM: z.email("must be an e-mail address").optional(),
  /** Keeps all mail at /dev/mailbox instead of sending it. Anybody can read it there, so only on localhost. */
  DEV_MAILBOX: z
    .enum(["0", "1"], "must be 1 or 0")
    .default("0")
    .transform((value) => value === "1"),
  /** Where the console, the application in which people administer tenants, lives: its redirect URIs. */
  CONSOLE_CALLBACKS: z.string().default("").transform(toCallbacks),
  LOG_LEVEL: z.enum(["debug", "info", "warn", "error"], "must be debug, info, warn or error").default("info"),
});

/** Planned settings that do nothing yet. Whoever sets one believes that it works, so it stops the start. */
const UNSUPPORTED = /^(?:METRICS)(?:_FILE)?$/;

const FILE_SUFFIX = "_FILE";

/** All of them, or none. */
const TURSO = ["TURSO_ORGANIZATION", "TURSO_API_TOKEN"] as const;

/** All of them, or none. */
const LIBSQL_SERVER = ["LIBSQL_SERVER_URL", "LIBSQL_SERVER_ADMIN_URL", "LIBSQL_SERVER_ADMIN_KEY"] as const;

type Settings = z.output<typeof Environment>;
type Completed = "ISSUER" | "BASE_DOMAIN";

/** All settings, checked and completed, frozen. `ISSUER` is an origin with a trailing slash. */
export type Config = Readonly<Omit<Settings, Completed> & { [K in Completed]: string }>;

/**
 * The names of all settings, as `.env.example` lists them. Each may also be given as `NAME_FILE`.
 *
 * @internal for the test that compares the two
 */
export const SETTING_NAMES: readonly string[] = Object.keys(Environment.shape);

/** This process's variables; those in an `.env` file in `directory` fill the gaps. */
export function processVariables(directory = "."): Variables {
  const file = join(directory, ".env");
  const defaults = existsSync(file) ? parseEnv(readFileSync(file, "utf8")) : {};
  return { ...defaults, ...process.env };
}

/**
 * Reads and checks all settings. `readFile` serves the `NAME_FILE` variables.
 *
 * Throws `invalid` (`configuration`) with every problem at once, by name. The message never holds a value.
 */
export function loadConfig(variables: Variables, readFile = (path: string) => readFileSync(path, "utf8")): Config {
  const problems = unsupported(variables);
  const values = collect(variables, readFile, problems);
  const parsed = Environment.safeParse(values);
  if (!parsed.success) problems.push(...parsed.error.issues.map(describe));

  const config = parsed.success ? complete(parsed.data, problems) : null;
  if (config && problems.length === 0) return Object.freeze(config);
  throw new PlatformError("invalid", "configuration", `The configuration is wrong:\n${list(problems)}`);
}

interface Problem {
  readonly name: string;
  readonly message: string;
}

function describe({ path, message }: z.core.$ZodIssue): Problem {
  return { name: String(path[0]), message };
}

function list(problems: readonly Problem[]): string {
  const lines = problems.map(({ name, message }) => `  ${name} ${message}`);
  return lines.sort().join("\n");
}

function unsupported(variables: Variables): Problem[] {
  const names = Object.keys(variables).filter((name) => UNSUPPORTED.test(name) && !isBlank(variables[name]));
  return names.map((name) => ({ name, message: "is not supported by this version; remove it" }));
}

/** The value of every setting that has one, from its variable or from the file that `NAME_FILE` names. */
function collect(variables: Variables, readFile: (path: string) => string, problems: Problem[]) {
  const values: Record<string, string> = {};
  for (const name of SETTING_NAMES) {
    const own = variables[name];
    const path = variables[name + FILE_SUFFIX];
    if (!isBlank(own) && !isBlank(path)) {
      problems.push({ name, message: `is set twice: use either ${name} or ${name}${FILE_SUFFIX}` });
    } else if (!isBlank(path)) {
      const content = contentOf(path, readFile);
      if (typeof content === "string") values[name] = content;
      else problems.push({ name: name + FILE_SUFFIX, message: content.problem });
    } else if (!isBlank(own)) {
      values[name] = own.trim();
    }
  }
  return values;
}

function contentOf(path: string, readFile: (path: string) => string): string | { problem: string } {
  try {
    const content = readFile(path.trim()).trim();
    return content === "" ? { problem: "names an empty file" } : content;
  } catch (error) {
    // Reported with all other problems. The error's message would show the path, so only its code is kept.
    const code = error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
    return { problem: `names a file that cannot be read${code}` };
  }
}

function isBlank(value: string | undefined): value is undefined | "" {
  return value === undefined || value.trim() === "";
}

/** Fills in what follows from other settings, and checks what only shows with all of them at hand. */
function complete(settings: Settings, problems: Problem[]): Config {
  const ISSUER = settings.ISSUER ?? `http://localhost:${settings.PORT}/`;
  const host = new URL(ISSUER).hostname;
  if (settings.BASE_DOMAIN === undefined && isAddress(host)) {
    problems.push({ name: "BASE_DOMAIN", message: "is needed: ISSUER has an IP address, which has no sub-domains" });
  }
  if (settings.PROVIDER === "turso" || TURSO.some((name) => settings[name] !== undefined)) {
    const missing = TURSO.filter((name) => settings[name] === undefined);
    problems.push(...missing.map((name) => ({ name, message: "is needed to use Turso" })));
  }
  if (settings.PROVIDER === "libsql-server" || LIBSQL_SERVER.some((name) => settings[name] !== undefined)) {
    const missing = LIBSQL_SERVER.filter((name) => settings[name] === undefined);
    problems.push(...missing.map((name) => ({ name, message: "is needed to use a libSQL server" })));
  }
  if (settings.DEV_MAILBOX && !isLocalhost(host)) {
    problems.push({ name: "DEV_MAILBOX", message: "is for development: it needs an ISSUER on localhost" });
  }
  problems.push(...remoteControlPlane(settings));
  return { ...settings, ISSUER, BASE_DOMAIN: settings.BASE_DOMAIN ?? host };
}

function toTursoNames(text: string, context: z.RefinementCtx): readonly string[] {
  const names = text.split(",").map((name) => name.trim());
  const given = names.filter((name) => name !== "");
  if (given.every((name) => TURSO_NAME.test(name))) return given;
  context.addIssue({ code: "custom", message: `each ${TURSO_NAME_RULE}` });
  return z.NEVER;
}

/** What goes with a control plane that is not a file. */
function remoteControlPlane(settings: Settings): Problem[] {
  const { CONTROL_PLANE_DATABASE_URL: url, CONTROL_PLANE_DATABASE_TOKEN: token, ENCRYPTION_KEY: key } = settings;
  if (url === undefined) {
    if (token === undefined) return [];
    return [{ name: "CONTROL_PLANE_DATABASE_URL", message: "is needed with CONTROL_PLANE_DATABASE_TOKEN" }];
  }
  if (key !== undefined) return [];
  return [{ name: "ENCRYPTION_KEY", message: "is needed with CONTROL_PLANE_DATABASE_URL, the same in every process" }];
}

function toCallbacks(text: string, context: z.RefinementCtx): readonly string[] {
  const given = text.split(",").flatMap((entry) => entry.trim() || []);
  if (given.every(isCallback)) return Object.freeze(given);
  const message = "must be http or https URLs without a fragment, with commas between them";
  context.addIssue({ code: "custom", message });
  return z.NEVER;
}

/** RFC 6749, section 3.1.2. */
function isCallback(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, hash } = new URL(text);
  return ["http:", "https:"].includes(protocol) && !username && !password && hash === "" && !text.includes("*");
}

function wholeNumber(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, message)
    .transform(Number)
    .refine((value) => value >= min && value <= max, message);
}

/** A parsed value, or a problem for zod's list. */
type Check = z.core.$RefinementCtx<string>;

function refuse(check: Check, message: string): typeof z.NEVER {
  check.addIssue({ code: "custom", message, input: "" });
  return z.NEVER;
}

function toOrigin(text: string, check: Check): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !["http:", "https:"].includes(url.protocol)) {
    return refuse(check, "must be a URL like https://auth.example.com/");
  }
  if (url.username || url.password) return refuse(check, "must not contain a user name or password");
  if (url.pathname !== "/" || url.search || url.hash) {
    return refuse(check, "must have no path, query or fragment: tenants are told apart by host name");
  }
  if (!isAddress(url.hostname) && !isDomain(url.hostname)) return refuse(check, "must have a plain host name");
  return `${url.origin}/`;
}

const isLocalhost = (host: string) => /(?:^|\.)localhost$/.test(host) || host === "127.0.0.1" || host === "[::1]";

function isSmtpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, pathname, search, hash } = new URL(text);
  return /^smtps?:$/.test(protocol) && hostname !== "" && /^\/?$/.test(pathname) && !search && !hash;
}

function isServerUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return ["http:", "https:"].includes(protocol) && !username && !password && !search && !hash;
}

function isDatabaseUrl(text: string): boolean {
  return isServerUrl(text.replace(/^libsql:/i, "https:"));
}

/** On loopback nobody is on the way to read the token. */
function isTursoUrl(text: string): boolean {
  if (!isServerUrl(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === "https:" || ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
}

function toDomain(text: string, check: Check): string {
  const domain = text.toLowerCase();
  return isDomain(domain) ? domain : refuse(check, "must be a domain like auth.example.com, without port");
}

function toNetworks(text: string, check: Check): readonly string[] {
  const networks = text.split(",").map((entry) => entry.trim());
  const given = networks.filter((entry) => entry !== "");
  return given.every(isNetwork)
    ? Object.freeze(given)
    : refuse(check, "must be IP addresses and networks like 10.0.0.0/8");
}

/** As `setServers` of `node:dns` takes them. */
function toNameServers(text: string, check: Check): readonly string[] {
  const given = text.split(",").flatMap((entry) => entry.trim() || []);
  return given.every(isNameServer)
    ? Object.freeze(given)
    : refuse(check, "must be IP addresses, with a port or without, like 9.9.9.9 or [2620:fe::fe]:53");
}

function isNameServer(text: string): boolean {
  const { bracketed, plain, port } =
    /^(?:\[(?<bracketed>.*)\]|(?<plain>[^:]*))(?::(?<port>\d{1,5}))?$/.exec(text)?.groups ?? {};
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return false;
  return isIPv6(bracketed ?? text) || isIPv4(plain ?? "");
}

/** Labels of letters, digits and inner dashes (RFC 1123, section 2.1); short enough to stand behind a tenant's label. */
function isDomain(text: string): boolean {
  return text.length <= 189 && !isAddress(text) && /^(?:(?!-)[a-z0-9-]{1,63}(?<!-)(?:\.(?!$)|$))+$/.test(text);
}

function isAddress(host: string): boolean {
  return isIP(host.replace(/^\[(.*)\]$/, "$1")) !== 0;
}

function isNetwork(text: string): boolean {
  const [address = "", prefix, ...rest] = text.split("/");
  if (isIP(address) === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (isIPv4(address) ? 32 : 128));
}

/** The shape only; the key ring itself is made where it is used. Keys as in `parseKeyRing` of `src/db/seal.ts`. */
function isKeyRing(text: string): boolean {
  const key = /^(?:[A-Za-z0-9_-]{1,32}:)?(?:[0-9A-Fa-f]{64}|[A-Za-z0-9+/_-]{43}=?)$/;
  return text.split(",").every((entry) => key.test(entry.trim()));
}
