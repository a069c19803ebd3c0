/** What the caller can do about it. */
export type ErrorCode =
  | "invalid" // change the request
  | "unauthorized" // sign in
  | "forbidden" // ask for the right
  | "not_found" // stop looking
  | "conflict" // read again, then decide
  | "unavailable" // wait, then repeat
  | "internal"; // report it

/** The one table from what went wrong to what HTTP calls it (RFC 9110, section 15). */
const STATUS = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  unavailable: 503,
  internal: 500,
} as const satisfies Record<ErrorCode, number>;

const TITLE = {
  invalid: "Bad Request",
  unauthorized: "Unauthorized",
  forbidden: "Forbidden",
  not_found: "Not Found",
  conflict: "Conflict",
  unavailable: "Service Unavailable",
  internal: "Internal Server Error",
} as const satisfies Record<ErrorCode, string>;

/**
 * The one error this platform throws on purpose. `code` and `reason` are stable; `message` is for people.
 *
 * `status` and `getResponse()` are what AuthHero's management routes look for in a thrown value.
 */
export class PlatformError extends Error {
  override readonly name = "PlatformError";
  readonly code: ErrorCode;
  readonly reason: string;

  constructor(code: ErrorCode, reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.reason = reason;
  }

  get status(): number {
    return STATUS[this.code];
  }

  /** The answer in the shape of the Management API: `statusCode`, `error`, `message`, `errorCode`. */
  getResponse(): Response {
    const body = errorBody(this);
    const headers = this.code === "unavailable" ? { "retry-after": "1" } : undefined;
    return Response.json(body, { status: this.status, ...(headers && { headers }) });
  }
}

/** The body of an error answer. What is `internal` keeps its message to itself. */
export function errorBody(error: PlatformError) {
  return {
    statusCode: error.status,
    error: TITLE[error.code],
    message: error.code === "internal" ? "An unexpected error occurred" : error.message,
    errorCode: error.reason,
  };
}

/** The code of any thrown value. What we did not throw on purpose is `internal`. */
export function errorCode(error: unknown): ErrorCode {
  return error instanceof PlatformError ? error.code : "internal";
}
