import { PlatformError } from "../domain/errors.ts";

/**
 * Turns whatever a database driver throws into the one error type, for every transport alike.
 *
 * Remote servers send neither extended codes nor a fixed prefix, so constraints are told apart by SQLite's
 * own words. SQLite's text names tables and columns, never parameter values; it is kept because callers
 * ask it which constraint failed.
 */
export function translate(error: unknown): PlatformError {
  if (error instanceof PlatformError) return error;
  const fault = describe(error);
  for (const [matches, code, reason, message] of RULES) {
    if (!matches(fault)) continue;
    const text = typeof message === "function" ? message(fault.text) : message;
    return new PlatformError(code, reason, text ?? fault.text, { cause: error });
  }
  return new PlatformError("internal", "sql_error", `The statement failed: ${fault.text}`, { cause: error });
}

/** Whether somebody else held the lock, so that nothing has run yet. */
export function isBusy(error: unknown): boolean {
  return error instanceof PlatformError && error.reason === "database_busy";
}

/** Whether nothing is known of the database itself, because it did not answer or could not be asked. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof PlatformError && error.reason === "database_unreachable";
}

/** What any call after `close()` gets. */
export function closedError(): PlatformError {
  return new PlatformError("unavailable", "database_closed", "The database is closed");
}

/** What a statement gets when its transaction is no longer open, so that it cannot run outside of it. */
export function lostTransactionError(): PlatformError {
  return new PlatformError("unavailable", "transaction_lost", "The transaction has already ended");
}

interface Fault {
  /** SQLite's or the server's code, upper case; empty when there is none. */
  readonly code: string;
  /** The HTTP status of a remote answer, 0 when there was no answer. */
  readonly status: number;
  readonly text: string;
  /** Whether the network failed rather than the database. */
  readonly network: boolean;
}

type Rule = readonly [
  matches: (fault: Fault) => boolean,
  code: PlatformError["code"],
  reason: string,
  /** A constant, or made of SQLite's own text, or that text when absent. */
  message?: string | ((text: string) => string),
];

/** `client_id exists already (UNIQUE constraint failed: clients.tenant_id, clients.client_id)`: first for people. */
function taken(text: string): string {
  const columns = text.replace(/^.*: /, "").split(", ");
  const names = columns.map((column) => column.replace(/^.*\./, "")).filter((name) => name !== "tenant_id");
  return `${names.join(", ")} exists already (${text})`;
}

const codeIs = (pattern: RegExp) => (fault: Fault) => pattern.test(fault.code);
const textIs = (pattern: RegExp) => (fault: Fault) => pattern.test(fault.text);
const statusIs =
  (...statuses: number[]) =>
  (fault: Fault) =>
    statuses.includes(fault.status);

const UNREACHABLE = "The database cannot be reached";
const BUSY = "The database is busy";
const UNREADABLE = "The database file cannot be read";

/** The first rule that matches decides. */
const RULES: readonly Rule[] = [
  [textIs(/^UNIQUE constraint failed/), "conflict", "unique_violation", taken],
  [textIs(/^FOREIGN KEY constraint failed/), "conflict", "foreign_key_violation"],
  [codeIs(/^SQLITE_CONSTRAINT/), "invalid", "constraint_violation"],
  [codeIs(/^SQLITE_(BUSY|LOCKED)/), "unavailable", "database_busy", BUSY],
  // The server takes the lock away from a transaction that others have waited for too long.
  [codeIs(/^TRANSACTION_TIMEOUT$/), "unavailable", "transaction_lost", "The transaction took too long"],
  [textIs(/no transaction is active/), "unavailable", "transaction_lost", "The transaction has already ended"],
  [codeIs(/^TRANSACTION_CLOSED$/), "unavailable", "transaction_lost", "The transaction has already ended"],
  [codeIs(/^SQLITE_(NOTADB|CORRUPT|CANTOPEN|IOERR)/), "unavailable", "database_unreadable", UNREADABLE],
  [textIs(/^ConnectionFailed\(/), "unavailable", "database_unreadable", UNREADABLE],
  [codeIs(/^BLOCKED$/), "unavailable", "database_blocked", "The database is blocked"],
  [codeIs(/^SQLITE_FULL/), "unavailable", "database_full", "The database is full"],
  [codeIs(/^(CLIENT_CLOSED|HRANA_CLOSED_ERROR)$/), "unavailable", "database_closed", "The database is closed"],
  [textIs(/^The database connection is not open/), "unavailable", "database_closed", "The database is closed"],
  [statusIs(401, 403), "unavailable", "database_refused", "The database refused our credentials"],
  [statusIs(429), "unavailable", "database_busy", BUSY],
  [({ status }) => status === 404 || status >= 500, "unavailable", "database_unreachable", UNREACHABLE],
  [codeIs(/^(STREAM_EXPIRED|HRANA_\w+)$/), "unavailable", "database_unreachable", UNREACHABLE],
  [textIs(/invalid baton/), "unavailable", "database_unreachable", UNREACHABLE],
  [({ network }) => network, "unavailable", "database_unreachable", UNREACHABLE],
  [textIs(/^Received integer which/), "internal", "integer_out_of_range", "A stored integer exceeds 2^53-1"],
];

function describe(error: unknown): Fault {
  const { code, message, cause, name } = properties(error);
  return {
    code: typeof code === "string" ? code : "",
    status: Number(properties(cause).status ?? 0),
    text: String(message ?? "unknown").replace(/^(?:(?:SQLITE|SQL)_\w+: |SQLite error: )*/, ""),
    network: name === "TimeoutError" || name === "AbortError" || (name === "TypeError" && message === "fetch failed"),
  };
}

function properties(value: unknown): { [key: string]: unknown } {
  return typeof value === "object" && value !== null ? { ...value, ...named(value) } : {};
}

/** The properties that `Error` keeps on its prototype or hides from enumeration. */
function named(value: object) {
  return value instanceof Error ? { name: value.name, message: value.message, cause: value.cause } : {};
}
