import { isIP, isIPv4, isIPv6 } from "node:net";
import * as z from "zod";

/** What values of settings look like. A refusal says what would be right, and never what was there. */

/** It becomes part of a path. */
const TURSO_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
const TURSO_NAME_RULE = "must be 1–63 letters, digits, - and _, starting with a letter or digit";

/** Decimal digits; blank means `fallback`. */
export function wholeNumber(min: number, max: number, fallback: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, message)
    .default(String(fallback))
    .transform(Number)
    .refine((value) => value >= min && value <= max, message);
}

export const printable = () => z.string().regex(/^[\x21-\x7e]+$/, "must be printable characters without spaces");

export const serverUrl = () =>
  z.string().refine(isServerUrl, "must be an http or https URL without user name, query or fragment");

/** The entries of a list with commas between them. */
const listed = (text: string): readonly string[] =>
  Object.freeze(text.split(",").flatMap((entry) => entry.trim() || []));

/** A parsed value, or a problem for zod's list. */
type Check = z.core.$RefinementCtx<string>;

function refuse(check: Check, message: string): typeof z.NEVER {
  check.addIssue({ code: "custom", message, input: "" });
  return z.NEVER;
}

export function toOrigin(text: string, check: Check): string {
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

export const isLocalhost = (host: string) =>
  /(?:^|\.)localhost$/.test(host) || host === "127.0.0.1" || host === "[::1]";

export function isSmtpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, pathname, search, hash } = new URL(text);
  return /^smtps?:$/.test(protocol) && hostname !== "" && /^\/?$/.test(pathname) && !search && !hash;
}

function isServerUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return ["http:", "https:"].includes(protocol) && !username && !password && !search && !hash;
}

export function isDatabaseUrl(text: string): boolean {
  return isServerUrl(text.replace(/^libsql:/i, "https:"));
}

/** On loopback nobody is on the way to read the token. */
export function isTursoUrl(text: string): boolean {
  if (!isServerUrl(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === "https:" || ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
}

export function toDomain(text: string, check: Check): string {
  const domain = text.toLowerCase();
  return isDomain(domain) ? domain : refuse(check, "must be a domain like auth.example.com, without port");
}

export function toNetworks(text: string, check: Check): readonly string[] {
  const given = listed(text);
  return given.every(isNetwork) ? given : refuse(check, "must be IP addresses and networks like 10.0.0.0/8");
}

/** Where to listen. */
export interface Listening {
  readonly host: string;
  readonly port: number;
}

/** A port, on loopback, or an IP address with one. */
export function toListening(text: string, check: Check): Listening {
  const { address = "127.0.0.1", port } = /^(?:(?<address>.+):)?(?<port>\d{1,5})$/.exec(text)?.groups ?? {};
  const host = address.replace(/^\[(.*)\]$/, "$1");
  const isWhole = isIPv4(address) || (isIPv6(host) && host !== address);
  if (isWhole && Number(port) >= 1 && Number(port) <= 65_535) return Object.freeze({ host, port: Number(port) });
  return refuse(check, "must be a port, or an IP address with one, like 9464, 10.0.0.5:9464 or [::]:9464");
}

/** As `setServers` of `node:dns` takes them. */
export function toNameServers(text: string, check: Check): readonly string[] {
  const given = listed(text);
  const message = "must be IP addresses, with a port or without, like 9.9.9.9 or [2620:fe::fe]:53";
  return given.every(isNameServer) ? given : refuse(check, message);
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

export function isAddress(host: string): boolean {
  return isIP(host.replace(/^\[(.*)\]$/, "$1")) !== 0;
}

function isNetwork(text: string): boolean {
  const [address = "", prefix, ...rest] = text.split("/");
  if (isIP(address) === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (isIPv4(address) ? 32 : 128));
}

export const tursoName = () => z.string().regex(TURSO_NAME, TURSO_NAME_RULE);

export function toTursoNames(text: string, check: Check): readonly string[] {
  const given = listed(text);
  return given.every((name) => TURSO_NAME.test(name)) ? given : refuse(check, `each ${TURSO_NAME_RULE}`);
}

export function toCallbacks(text: string, check: Check): readonly string[] {
  const given = listed(text);
  const message = "must be http or https URLs without a fragment, with commas between them";
  return given.every(isCallback) ? given : refuse(check, message);
}

/** RFC 6749, section 3.1.2. */
function isCallback(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, hash } = new URL(text);
  return ["http:", "https:"].includes(protocol) && !username && !password && hash === "" && !text.includes("*");
}

/** The shape only; the key ring itself is made where it is used. Keys as in `parseKeyRing` of `src/db/seal.ts`. */
export function isKeyRing(text: string): boolean {
  const key = /^(?:[A-Za-z0-9_-]{1,32}:)?(?:[0-9A-Fa-f]{64}|[A-Za-z0-9+/_-]{43}=?)$/;
  return text.split(",").every((entry) => key.test(entry.trim()));
}
