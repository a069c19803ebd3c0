import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { type Config, loadConfig, processVariables, valuesOf } from "../config.ts";
import { PlatformError } from "../domain/errors.ts";
import { wrongUse } from "./failures.ts";

/** How a client of the management API proves who it is. */
export type Credentials = { readonly token: string } | { readonly clientId: string; readonly clientSecret: string };

/** A running server, and who asks it. */
export interface Server {
  /** Its origin, with a trailing slash. */
  readonly url: string;
  readonly credentials: Credentials;
}

/** Variables of the commands alone. Secrets may be in files: `ROWHOUSE_TOKEN_FILE`. */
const CLIENT_VARIABLES = [
  ...(["ROWHOUSE_URL", "ROWHOUSE_TOKEN", "ROWHOUSE_CLIENT_ID", "ROWHOUSE_CLIENT_SECRET"] as const),
  "ROWHOUSE_SOURCE_TOKEN",
] as const;

const Url = z.url({ protocol: /^https?$/ }).transform((text) => `${new URL(text).origin}/`);

/** The settings of the service, as its own programs read them. */
export const serviceSettings = (): Config => loadConfig(processVariables());

/** Where a server is, if somebody has said so. Throws for what is no URL. */
export function givenUrl(option: string | undefined): string | undefined {
  const given = option ?? clientVariables().ROWHOUSE_URL;
  if (given === undefined) return undefined;
  const parsed = Url.safeParse(given);
  if (parsed.success) return parsed.data;
  const name = option === undefined ? "ROWHOUSE_URL" : "--url";
  throw wrongUse("invalid_url", `${name} must be like https://auth.example.com/`);
}

/**
 * The server that a command speaks to: the one that was named, else the one of this directory's settings. Who asks is in
 * the environment; the first login of that very server will do, too, where its data are at hand.
 */
export function serverOf(option: string | undefined): Server {
  const url = givenUrl(option);
  const credentials = givenCredentials();
  if (url !== undefined && credentials !== null) return { url, credentials };
  const config = serviceSettings();
  const found = credentials ?? (url === undefined || url === config.ISSUER ? firstLogin(config.DATA_DIR) : null);
  if (found) return { url: url ?? config.ISSUER, credentials: found };
  throw wrongUse(
    "credentials_missing",
    "Who asks? Set ROWHOUSE_TOKEN, or ROWHOUSE_CLIENT_ID and ROWHOUSE_CLIENT_SECRET (each may be a file: ROWHOUSE_TOKEN_FILE).",
  );
}

/** What opens a database behind a URL that tenants are adopted from. */
export const sourceToken = (): string | undefined => clientVariables().ROWHOUSE_SOURCE_TOKEN;

function clientVariables(): Partial<Record<(typeof CLIENT_VARIABLES)[number], string>> {
  return valuesOf(CLIENT_VARIABLES, processVariables());
}

function givenCredentials(): Credentials | null {
  const {
    ROWHOUSE_TOKEN: token,
    ROWHOUSE_CLIENT_ID: clientId,
    ROWHOUSE_CLIENT_SECRET: clientSecret,
  } = clientVariables();
  if (token !== undefined) return { token };
  if (clientId !== undefined && clientSecret !== undefined) return { clientId, clientSecret };
  if (clientId === undefined && clientSecret === undefined) return null;
  const missing = clientId === undefined ? "ROWHOUSE_CLIENT_ID" : "ROWHOUSE_CLIENT_SECRET";
  throw wrongUse("credentials_incomplete", `${missing} is missing: both or none`);
}

/** The management client that the first start has left in the data directory. */
export function firstLogin(directory: string): Credentials | null {
  const path = join(directory, "first-login.txt");
  if (!existsSync(path)) return null;
  const text = readFirstLogin(path);
  const value = (name: string) => new RegExp(`^${name}: (\\S+)$`, "m").exec(text)?.[1];
  const [clientId, clientSecret] = [value("client id"), value("client secret")];
  return clientId && clientSecret ? { clientId, clientSecret } : null;
}

function readFirstLogin(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const message = `${path} cannot be read: it is for the owner of the data. Set ROWHOUSE_TOKEN instead.`;
    throw new PlatformError("forbidden", "first_login_unreadable", message, { cause });
  }
}
