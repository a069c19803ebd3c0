import * as z from "zod";
import { PlatformError } from "../../domain/errors.ts";
import { type Exchange, type Middleware, type PasswordResets, readBody } from "./exchange.ts";

const PATH = "/u/forgot-password";

/**
 * AuthHero's page for a forgotten password shows a field for the address, and does not read it: it fails (500) unless the
 * login says already whose it is. So what is typed in there is written to the login first; what is no address is 400.
 */
export function forgottenPassword(resets: Pick<PasswordResets, "isNameless" | "name">): Middleware {
  return async (c, next) => {
    const { method, path, url } = c.get("draft");
    const state = url.searchParams.get("state");
    const { tenantId } = c.get("target");
    if (method === "POST" && path === PATH && state !== null && (await resets.isNameless(tenantId, state))) {
      await resets.name(tenantId, state, await usernameIn(c));
    }
    await next();
  };
}

const Username = z.email().max(320);

async function usernameIn(c: Exchange): Promise<string> {
  const username = Username.safeParse(new URLSearchParams(await readBody(c)).get("username")?.trim());
  if (username.success) return username.data;
  throw new PlatformError("invalid", "invalid_username", "username: enter the e-mail address of your account");
}
