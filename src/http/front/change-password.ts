import * as z from "zod";
import { PlatformError } from "../../domain/errors.ts";
import { jsonIn } from "../../domain/json.ts";
import type { Pending } from "../../domain/pending.ts";
import { refuse } from "./answer.ts";
import { type Exchange, type FrontLog, type Middleware, type PasswordResets, readBody } from "./exchange.ts";
import { type AskInner, failureOf } from "./forward.ts";

const PATH = "/dbconnections/change_password";

export interface ChangePasswordOptions {
  readonly resets: PasswordResets;
  readonly ask: AskInner;
  readonly pending: Pending;
  readonly log: FrontLog;
}

/**
 * Answers `POST /dbconnections/change_password` (Authentication API of Auth0) through the reset of AuthHero's login pages:
 * the link that AuthHero mails from this route itself leads nowhere.
 *
 * Who has an account shows neither in the answer nor in its time: the mail is sent behind it. That a tenant cannot send
 * mail at all is said to everybody.
 */
export function changePassword({ resets, ask, pending, log }: ChangePasswordOptions): Middleware {
  return async (c, next) => {
    const { method, path, headers } = c.get("draft");
    if (method !== "POST" || path !== PATH) return await next();
    const parsed = Asked.safeParse(await fieldsOf(c));
    if (!parsed.success) return refuse(c, invalid(parsed.error));

    const target = c.get("target");
    const { tenantId, origin } = target;
    await resets.requireSender(tenantId);
    const { client_id: clientId, email } = parsed.data;
    const ip = headers.get("x-real-ip") ?? undefined;
    const state = await resets.begin({ tenantId, clientId, email, origin, ip });
    if (state === null) return refuse(c, unknownClient());

    const requestId = c.get("requestId");
    pending.add(async () => {
      const failure = await failureOf(ask(target, requestId, forgotten(state, email)));
      // Telling the caller would tell who has an account; they ask again when no mail comes.
      if (failure !== null) log.error("password_reset.failed", { requestId, tenantId, error: failure });
    });
    return accepted(c);
  };
}

const Asked = z.object({
  client_id: z.string().min(1),
  email: z.email().max(320),
  connection: z.literal("Username-Password-Authentication"),
});

/** JSON or a form, as Auth0 takes both. What is neither has no fields. */
async function fieldsOf(c: Exchange): Promise<unknown> {
  const body = await readBody(c);
  const type = c.get("draft").headers.get("content-type") ?? "";
  if (/^application\/x-www-form-urlencoded\b/i.test(type)) return Object.fromEntries(new URLSearchParams(body));
  const sent = jsonIn(body);
  return sent === undefined ? {} : sent;
}

/** What the page "Forgot password?" sends. */
function forgotten(state: string, email: string) {
  return { path: `/u/forgot-password?state=${encodeURIComponent(state)}`, form: { username: email } };
}

function accepted(c: Exchange): Response {
  const origin = c.req.header("origin");
  const headers = new Headers({ "content-type": "text/html; charset=utf-8", "cache-control": "no-store" });
  if (origin !== undefined) headers.set("access-control-allow-origin", origin);
  if (origin !== undefined) headers.set("vary", "Origin");
  return new Response("If an account with that email exists, we've sent instructions to reset your password.", {
    headers,
  });
}

function invalid({ issues }: z.ZodError): PlatformError {
  const told = issues.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`).join("; ");
  return new PlatformError("invalid", "invalid_body", told);
}

const unknownClient = () => new PlatformError("forbidden", "unknown_client", "client_id: there is no such application");
