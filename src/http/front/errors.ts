import { PlatformError } from "../../domain/errors.ts";
import type { RequestContext } from "../../tenancy/context.ts";
import { tenantUnavailable } from "../tenant-refusals.ts";
import { refuse } from "./answer.ts";
import type { Exchange, FrontLog } from "./exchange.ts";

/**
 * The answer to a failure of AuthHero's: what an adapter remembered as its reason, in the shape of the route. Without one, or
 * when the reason is ours to keep, a 500 that tells nothing.
 */
export function answerFailure(c: Exchange, context: RequestContext, inner: Response, log: FrontLog): Response {
  const { failure, requestId, tenantId } = context;
  if (failure === undefined) {
    log.error("request.failed", { requestId, tenantId, path: c.get("draft").path, status: inner.status });
    return refuse(c, unexpected());
  }
  return answerError(c, failure, { requestId, tenantId }, log);
}

/** The answer to anything thrown. Logged here, once, and nowhere else. */
export function answerError(c: Exchange, error: unknown, fields: Record<string, unknown>, log: FrontLog): Response {
  const path = c.get("draft").path;
  if (!(error instanceof PlatformError) || error.code === "internal") {
    log.error("request.failed", { ...fields, path, error });
    return refuse(c, unexpected());
  }
  if (error.code !== "unavailable") return refuse(c, error);
  log.warn("request.unavailable", { ...fields, path, error });
  return refuse(c, unavailable(error));
}

/** What a caller may know about who did not answer; which database it is and what is wrong with it is not among that. */
const TOLD = new Map([
  ["mail_failed", "The mail could not be sent right now."],
  ["sms_failed", "The text message could not be sent right now."],
  ["sms_limited", "Too many text messages were asked for. Wait a quarter of an hour."],
  ["dns_unavailable", "The name servers do not say right now whether the record is there."],
]);

function unavailable(cause: PlatformError): PlatformError {
  const told = TOLD.get(cause.reason);
  if (told !== undefined) return new PlatformError("unavailable", cause.reason, told, { cause });
  return tenantUnavailable(cause);
}

const unexpected = () => new PlatformError("internal", "internal", "An unexpected error occurred");
