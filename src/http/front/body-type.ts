import { jsonIn } from "../../domain/json.ts";
import { type Refusal, refuse } from "./answer.ts";
import { type Middleware, readBody } from "./exchange.ts";
import { isReadAsForm, isReadAsObject } from "./routes.ts";

const FORM_OR_JSON = /^application\/(?:json|x-www-form-urlencoded)\s*(?:;|$)/i;
const JSON_ONLY = /^application\/json\s*(?:;|$)/i;

/** Refuses a body that AuthHero does not read, or none: it goes on without one, and fails at the first thing it needs. */
export function bodyType(): Middleware {
  return async (c, next) => {
    const { method, path, headers } = c.get("draft");
    if (method !== "POST" || !isReadAsObject(path)) return await next();
    const type = headers.get("content-type") ?? "";
    const isForm = isReadAsForm(path);
    if (!(isForm ? FORM_OR_JSON : JSON_ONLY).test(type)) return refuse(c, unreadable(isForm));
    if (JSON_ONLY.test(type) && jsonIn(await readBody(c)) === undefined) return refuse(c, NO_JSON);
    return await next();
  };
}

const REFUSED = { status: 400, error: "Bad Request" };

const unreadable = (isForm: boolean): Refusal => ({
  ...REFUSED,
  errorCode: "invalid_content_type",
  message: `Content-Type must be ${isForm ? "application/x-www-form-urlencoded or " : ""}application/json, with a body of that kind.`,
});

const NO_JSON: Refusal = { ...REFUSED, errorCode: "invalid_body", message: "body: is no JSON" };
