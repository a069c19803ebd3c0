import { type Middleware, replaceResponse } from "./exchange.ts";

/**
 * A code that somebody has redeemed before is `invalid_grant` with 400, whoever comes too late and however late
 * (RFC 6749, sections 4.1.2 and 5.2). AuthHero answers 403 to a replay, as to every other grant that is no good, and an
 * adapter's conflict to a racer. What it says to people stays.
 */
export function spentCodes(): Middleware {
  return async (c, next) => {
    await next();
    const { method, path } = c.get("draft");
    if (method !== "POST" || path !== "/oauth/token" || !TOO_LATE.includes(c.res.status)) return;
    const answer = await bodyOf(c.res);
    if (answer.error !== "invalid_grant" && answer.errorCode !== "code_already_used") return;

    const headers = new Headers(c.res.headers);
    headers.delete("content-length");
    headers.set("cache-control", "no-store");
    const body = { error: "invalid_grant", error_description: answer.error_description };
    replaceResponse(c, Response.json(body, { status: 400, headers }));
  };
}

const TOO_LATE: readonly number[] = [403, 409];

interface Refused {
  readonly error?: unknown;
  readonly error_description?: unknown;
  readonly errorCode?: unknown;
}

async function bodyOf(response: Response): Promise<Refused> {
  const isJson = response.headers.get("content-type")?.includes("json");
  const body: unknown = isJson ? await response.clone().json() : null;
  return typeof body === "object" && body !== null ? body : {};
}
