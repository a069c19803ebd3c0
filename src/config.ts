import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import type * as z from "zod";
import { Environment } from "./config/settings.ts";
import { isAddress, isLocalhost } from "./config/values.ts";
import { PlatformError } from "./domain/errors.ts";

/** Environment variables: a process's own, or a test's. Blank counts as absent, as in `PORT=` of an `.env` file. */
type Variables = Readonly<Record<string, string | undefined>>;

const FILE_SUFFIX = "_FILE";

/** All of them, or none. */
const TURSO = ["TURSO_ORGANIZATION", "TURSO_API_TOKEN"] as const;

/** All of them, or none. */
const LIBSQL_SERVER = ["LIBSQL_SERVER_URL", "LIBSQL_SERVER_ADMIN_URL", "LIBSQL_SERVER_ADMIN_KEY"] as const;

type Settings = z.output<typeof Environment>;
type Completed = "ISSUER" | "BASE_DOMAIN";

/** All settings, checked and completed, frozen. `ISSUER` is an origin with a trailing slash. */
export type Config = Readonly<Omit<Settings, Completed> & { [K in Completed]: string }>;

/** Each may also be given as `NAME_FILE`. */
const SETTING_NAMES: readonly string[] = Object.keys(Environment.shape);

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
export function loadConfig(variables: Variables, readFile = readText): Config {
  const problems: Problem[] = [];
  const values = collect(SETTING_NAMES, variables, readFile, problems);
  const parsed = Environment.safeParse(values);
  if (!parsed.success) problems.push(...parsed.error.issues.map(describe));

  const config = parsed.success ? complete(parsed.data, problems) : null;
  if (config && problems.length === 0) return Object.freeze(config);
  throw wrong(problems);
}

/** What variables besides the settings say, each by itself or as `NAME_FILE`. Throws as `loadConfig` does. */
export function valuesOf<N extends string>(
  names: readonly N[],
  variables: Variables,
  readFile = readText,
): Partial<Record<N, string>> {
  const problems: Problem[] = [];
  const values = collect(names, variables, readFile, problems);
  if (problems.length > 0) throw wrong(problems);
  return values;
}

const readText = (path: string) => readFileSync(path, "utf8");

const wrong = (problems: readonly Problem[]) =>
  new PlatformError("invalid", "configuration", `The configuration is wrong:\n${list(problems)}`);

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

/** The value of every setting that has one, from its variable or from the file that `NAME_FILE` names. */
function collect<N extends string>(
  names: readonly N[],
  variables: Variables,
  readFile: (path: string) => string,
  problems: Problem[],
) {
  const values: Partial<Record<N, string>> = {};
  for (const name of names) {
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
  if (usesTurso(settings)) {
    const missing = TURSO.filter((name) => settings[name] === undefined);
    problems.push(...missing.map((name) => ({ name, message: "is needed to use Turso" })));
  }
  if (usesServer(settings)) {
    const missing = LIBSQL_SERVER.filter((name) => settings[name] === undefined);
    problems.push(...missing.map((name) => ({ name, message: "is needed to use a libSQL server" })));
  }
  if (settings.DEV_MAILBOX && !isLocalhost(host)) {
    problems.push({ name: "DEV_MAILBOX", message: "is for development: it needs an ISSUER on localhost" });
  }
  if (settings.DEV_MAILBOX && settings.WORKERS > 1) {
    problems.push({ name: "DEV_MAILBOX", message: "keeps mail in one process: it needs WORKERS=1" });
  }
  if (settings.METRICS?.port === settings.PORT) {
    problems.push({ name: "METRICS", message: "must have another port than PORT: it is not for everybody" });
  }
  problems.push(...remoteControlPlane(settings), ...keyElsewhere(settings));
  return { ...settings, ISSUER, BASE_DOMAIN: settings.BASE_DOMAIN ?? host };
}

const usesTurso = (settings: Settings) =>
  settings.PROVIDER === "turso" || TURSO.some((name) => settings[name] !== undefined);

const usesServer = (settings: Settings) =>
  settings.PROVIDER === "libsql-server" || LIBSQL_SERVER.some((name) => settings[name] !== undefined);

/** What goes with a control plane that is not a file. */
function remoteControlPlane(settings: Settings): Problem[] {
  const { CONTROL_PLANE_DATABASE_URL: url, CONTROL_PLANE_DATABASE_TOKEN: token } = settings;
  if (url !== undefined || token === undefined) return [];
  return [{ name: "CONTROL_PLANE_DATABASE_URL", message: "is needed with CONTROL_PLANE_DATABASE_TOKEN" }];
}

/** Databases elsewhere outlive this machine, and a key that was generated on it would be lost with it. */
function keyElsewhere(settings: Settings): Problem[] {
  const isElsewhere = usesTurso(settings) || usesServer(settings) || settings.CONTROL_PLANE_DATABASE_URL !== undefined;
  if (settings.ENCRYPTION_KEY !== undefined || !isElsewhere) return [];
  const message =
    "is needed where databases are not files, the same in every process; if one was generated before, " +
    "set ENCRYPTION_KEY_FILE to the encryption.key in DATA_DIR";
  return [{ name: "ENCRYPTION_KEY", message }];
}
