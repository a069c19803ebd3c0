/** What stands where something secret stood. */
const REDACTED = "[redacted]";

// Log entries are for people; what is longer or deeper than this is a mistake or an attack.
const DEPTH_MAX = 8;
const ENTRIES_MAX = 200;
const STRING_LENGTH_MAX = 8192;

/** Names of fields, headers and settings that hold secrets, without case, dashes and underscores. */
const SECRET_NAME =
  /token|secret|passw|passphrase|authorization|cookie|credential|assertion|jwt|otp|keyring|verifier|(?:private|encryption|admin|api|access|signing|master)key|^param(?:eter)?s$/;

/** Names in a flat list of headers, as Node's `rawHeaders`, whose next element is a secret. */
const SECRET_HEADER = /^[a-z-]*(?:authorization|cookie|token|secret|key)$/i;

/** Secrets inside longer strings, and what is kept of the string around them. */
const SECRETS_IN_TEXT: readonly (readonly [RegExp, string])[] = [
  // HTTP credentials (RFC 9110, section 11.4).
  [/\b(Bearer|Basic|DPoP)\s+[\w.~+/=-]{6,}/gi, `$1 ${REDACTED}`],
  // Signed and encrypted tokens (RFC 7515, section 7.1): a JSON header in base64url begins with "eyJ".
  [/\beyJ[\w-]{8,}(?:\.[\w-]*){1,4}/g, REDACTED],
  // The user information of a URL.
  [/(\/\/)[^\s/@:]*:[^\s/@]+@/g, `$1${REDACTED}@`],
  // Parameters of OAuth and OpenID Connect requests, of forms and of database URLs.
  [/([?&#](?:code|state|ticket|otp|SAMLResponse)=)[^&#\s"']+/gi, `$1${REDACTED}`],
  [/\b(\w{0,40}(?:token|secret|password|assertion|verifier)\w{0,40}=)[^&#\s"']+/gi, `$1${REDACTED}`],
  // Keys in PEM (RFC 7468).
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/gs, REDACTED],
];

/** A value that `JSON.stringify` takes as it is. */
type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/**
 * A copy for the log: plain JSON without secrets, whatever comes in. Fields are judged by name at any depth, strings by
 * what they contain. Errors keep name, message, code, reason, stack and cause; other properties of theirs, such as the
 * parameters of an SQL statement, stay behind.
 */
export function redact(value: unknown): Json {
  return copy(value, []) ?? null;
}

/** Strings without what looks like a secret. */
function scrub(text: string): string {
  const short = text.length > STRING_LENGTH_MAX ? `${text.slice(0, STRING_LENGTH_MAX)}…` : text;
  return SECRETS_IN_TEXT.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), short);
}

/** Booleans, as in `hasPassword: true`, tell nothing. */
function isSecret(name: string, value: unknown): boolean {
  if (value === undefined || value === null || typeof value === "boolean") return false;
  return SECRET_NAME.test(name.toLowerCase().replaceAll(/[-_.\s]/g, ""));
}

/** What a field is called. An object among the keys of a Map has no name, and may have a `toString` that throws. */
const nameOf = (key: unknown): string =>
  typeof key === "object" || typeof key === "function" ? "[object]" : String(key);

/** `above` are the objects around this one, which tells depth and circles. */
function copy(value: unknown, above: readonly object[]): Json | undefined {
  switch (typeof value) {
    case "string":
      return scrub(value);
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "boolean":
      return value;
    case "bigint":
      return String(value);
    case "object":
      return value === null ? null : copyObject(value, above);
    case "undefined":
    case "function":
    case "symbol":
      return undefined;
  }
}

function copyObject(value: object, above: readonly object[]): Json {
  if (above.includes(value)) return "[circular]";
  if (above.length >= DEPTH_MAX) return "[too deep]";
  const inside = [...above, value];

  if (value instanceof Error) return copyError(value, inside);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "[invalid date]" : value.toISOString();
  if (value instanceof URL) return scrub(value.href);
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Set) return copyList([...value], inside);
  if (Array.isArray(value)) return copyList(value, inside);
  if (isEntries(value)) return copyFields([...value.entries()], inside);
  return copyFields(Object.entries(value), inside);
}

/** Headers, URLSearchParams, FormData and Map. */
function isEntries(value: object): value is { entries(): Iterable<[unknown, unknown]> } {
  return "entries" in value && typeof value.entries === "function" && Symbol.iterator in value;
}

function copyFields(entries: readonly (readonly [unknown, unknown])[], above: readonly object[]): Json {
  const fields: { [name: string]: Json } = {};
  for (const [key, value] of entries.slice(0, ENTRIES_MAX)) {
    const name = nameOf(key);
    const field = isSecret(name, value) ? REDACTED : copy(value, above);
    // Not a plain assignment, which `__proto__` would turn into something else.
    if (field !== undefined)
      Object.defineProperty(fields, name, { value: field, enumerable: true, configurable: true });
  }
  return fields;
}

/** Header lists come as `["Cookie", "a=b"]`, flat or in pairs: after a secret's name follows the secret. */
function copyList(values: readonly unknown[], above: readonly object[]): Json {
  const list = values.slice(0, ENTRIES_MAX);
  const followsName = (index: number) => SECRET_HEADER.test(nameOf(list[index - 1]));
  return list.map((value, index) => (followsName(index) ? REDACTED : (copy(value, above) ?? null)));
}

function copyError(error: Error, above: readonly object[]): Json {
  const { cause, message, name, stack } = error;
  const code = "code" in error ? copy(error.code, above) : undefined;
  const reason = "reason" in error ? copy(error.reason, above) : undefined;
  const errors = error instanceof AggregateError ? copyList(error.errors, above) : undefined;
  // A cause that is no error may be anything, parameters included, so it is left out.
  const inner = cause instanceof Error ? copy(cause, above) : undefined;
  return {
    name,
    message: scrub(message),
    ...(code !== undefined && { code }),
    ...(reason !== undefined && { reason }),
    ...(stack !== undefined && { stack: framesOf(stack) }),
    ...(errors !== undefined && { errors }),
    ...(inner !== undefined && { cause: inner }),
  };
}

/** Where it happened. The message before the frames stands in its own field. */
function framesOf(stack: string): Json {
  const frames = stack.split("\n").filter((line) => /^\s+at /.test(line));
  return frames.map((line) => scrub(line.trim()));
}
