import { objectIn } from "../../domain/json.ts";
import { type Exchange, type Middleware, readBody } from "./exchange.ts";
import { isClientAuthenticated } from "./routes.ts";

/**
 * Reads a client's HTTP Basic credentials as RFC 6749 (section 2.3.1) writes them: id and secret form-encoded, then joined by
 * a colon. AuthHero does not decode them, reads UTF-8 as Latin-1 and cuts a secret at its colon, so they go on in the body,
 * where it reads them as they are.
 */
export function basicCredentials(): Middleware {
  return async (c, next) => {
    const draft = c.get("draft");
    if (draft.method !== "POST" || !isClientAuthenticated(draft.path)) return await next();
    const credentials = credentialsOf(draft.headers.get("authorization"));
    if (credentials === null) return await next();
    const body = await bodyWith(c, credentials);
    // Another kind of body, or a body for another client: AuthHero refuses it.
    if (body === null) return await next();
    draft.body = body;
    draft.headers.delete("authorization");
    return await next();
  };
}

interface Credentials {
  readonly client_id: string;
  readonly client_secret: string;
}

/** Those of `Authorization: Basic …` (RFC 7617, section 2), or null. */
function credentialsOf(authorization: string | null): Credentials | null {
  const encoded = /^basic +([\w+/-]+=*)$/i.exec(authorization ?? "")?.[1];
  if (encoded === undefined) return null;
  const pair = Buffer.from(encoded, "base64").toString("utf8");
  const colon = pair.indexOf(":");
  if (colon < 0) return null;
  return { client_id: formDecoded(pair.slice(0, colon)), client_secret: formDecoded(pair.slice(colon + 1)) };
}

/** What is not encoded was never meant to be: many clients send their secret as it is. */
function formDecoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}

async function bodyWith(c: Exchange, credentials: Credentials): Promise<string | null> {
  const type = c.get("draft").headers.get("content-type") ?? "";
  const body = await readBody(c);
  if (/^application\/json\b/i.test(type)) return jsonWith(body, credentials);
  if (!/^application\/x-www-form-urlencoded\b/i.test(type)) return null;

  const form = new URLSearchParams(body);
  if (!form.getAll("client_id").every((id) => id === credentials.client_id)) return null;
  for (const [name, value] of Object.entries(credentials)) form.set(name, value);
  return form.toString();
}

function jsonWith(body: string, credentials: Credentials): string | null {
  const fields = objectIn(body);
  if (!fields) return null;
  const named = "client_id" in fields ? fields.client_id : credentials.client_id;
  return named === credentials.client_id ? JSON.stringify({ ...fields, ...credentials }) : null;
}
