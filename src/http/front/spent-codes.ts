import { type Middleware, replaceResponse } from "./exchange.ts";

/**
 * A code that somebody has redeemed before is `invalid_grant` with 400, whoever comes too late and however late
 * (RFC 6749, sections 4.1.2 and 5.2). AuthHero answers 403 to a replay, and an adapter's conflict to a racer.
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
    const body = { error: "invalid_grant", error_description: "This grant is invalid or was used before" };
    replaceResponse(c, Response.json(body, { status: 400, headers }));
  };
}

const TOO_LATE: readonly number[] = [403, 409];

async function bodyOf(response: Response): Promise<{ error?: unknown; errorCode?: unknown }> {
  const isJson = response.headers.get("content-type")?.includes("json");
  const body: unknown = isJson ? await response.clone().json() : null;
  return typeof body === "object" && body !== null ? body : {};
}
