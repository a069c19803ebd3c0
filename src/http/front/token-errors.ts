import { objectIn } from "../../domain/json.ts";
import { type Exchange, type Middleware, readBody, replaceResponse } from "./exchange.ts";
import { grantTypeOf } from "./grant-type.ts";
import { isClientAuthenticated, isTokenRequest } from "./routes.ts";

/**
 * Gives what goes wrong where clients prove who they are the codes of RFC 6749 (section 5.2), by which their libraries
 * decide what to do next: authenticate again, or let people log in again. AuthHero answers 403 to most of it, some of it
 * without a code, and an adapter's conflict to who races for a code. What it says to people stays, except that a client
 * which is unknown and one whose secret is wrong hear the same.
 */
export function tokenErrors(): Middleware {
  return async (c, next) => {
    const { method, path } = c.get("draft");
    if (method !== "POST" || !isClientAuthenticated(path)) return await next();
    // Afterwards it can no longer be read.
    await readBody(c);
    await next();
    if (c.res.status < 400 || c.res.status > 409) return;
    const diagnosis = diagnosed(c, await answerOf(c.res));
    if (diagnosis !== null) replaceResponse(c, answering(c, diagnosis));
  };
}

interface Diagnosis {
  readonly status: 400 | 401 | 403;
  readonly error: string;
  readonly error_description: unknown;
}

/** Who is not told which of it is wrong cannot find out who is a client. */
const INVALID_CLIENT: Diagnosis = {
  status: 401,
  error: "invalid_client",
  error_description: "The client is unknown, or its credentials are missing or wrong",
};

/** AuthHero says the same to all of these, in an order that tells nothing. */
const INVALID_REDEMPTION: Diagnosis = {
  status: 400,
  error: "invalid_grant",
  error_description:
    "The code is unknown, expired or used, or the client_secret or code_verifier that came with it is wrong",
};

const OF_CLIENTS: readonly unknown[] = ["Client not found", "client_secret is required", "Invalid client credentials"];

/** Null for an answer that is as it should be. */
function diagnosed(c: Exchange, answer: Readonly<Record<string, unknown>>): Diagnosis | null {
  const draft = c.get("draft");
  const { error, errorCode, error_description, message } = answer;
  if (error === "invalid_client") return INVALID_CLIENT;
  if (!isTokenRequest(draft.path)) return null;
  if (error === "invalid_grant" || errorCode === "code_already_used")
    return { status: 400, error: "invalid_grant", error_description };
  if (error !== undefined || typeof message !== "string") return null;
  if (message === "Invalid redirect uri") return { status: 400, error: "invalid_grant", error_description: message };
  if (OF_CLIENTS.includes(message)) {
    const isUnclear = message === "Invalid client credentials" && grantTypeOf(draft) === "authorization_code";
    return isUnclear ? INVALID_REDEMPTION : INVALID_CLIENT;
  }
  if (c.res.status === 400) return { status: 400, error: "invalid_request", error_description: message };
  return c.res.status === 403 ? { status: 403, error: "access_denied", error_description: message } : null;
}

/** Keeps the headers, those for browsers of other origins, say. */
function answering(c: Exchange, { status, ...body }: Diagnosis): Response {
  const headers = new Headers(c.res.headers);
  headers.delete("content-length");
  headers.set("cache-control", "no-store");
  // Who came with the header has to be told its scheme (RFC 6749, section 5.2; RFC 7617, section 2).
  const isByHeader = c.req.header("authorization") !== undefined;
  if (status === 401 && isByHeader) headers.set("www-authenticate", 'Basic realm="token", charset="UTF-8"');
  return Response.json(body, { status, headers });
}

async function answerOf(response: Response): Promise<Readonly<Record<string, unknown>>> {
  const isJson = response.headers.get("content-type")?.includes("json");
  return (isJson && objectIn(await response.clone().text())) || {};
}
