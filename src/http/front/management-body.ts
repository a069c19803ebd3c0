import { STATUS_CODES } from "node:http";
import * as z from "zod";
import type { RouteDescription, RouteDescriptions } from "../../auth/authhero.ts";
import { jsonIn, objectIn } from "../../domain/json.ts";
import { refuse } from "./answer.ts";
import { type Exchange, type Middleware, readBody } from "./exchange.ts";
import { isManagement } from "./routes.ts";

const PREFIX = "/api/v2";
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

/**
 * Sees to it that a route of the Management API that reads JSON gets some: AuthHero takes no body, and one of another kind,
 * for one that need not be looked at. No body is an empty object; another kind is refused with 415. Of a body that AuthHero
 * has refused without saying why, it is told which fields are missing.
 */
export function managementBody(described: () => RouteDescriptions): Middleware {
  let routes: readonly Route[] | undefined;
  return async (c, next) => {
    const { method, path } = c.get("draft");
    if (method === "GET" || !isManagement(path)) return await next();
    routes ??= routesReadingJson(described());
    const route = routes.find((each) => each.method === method && each.path.test(path));
    if (route === undefined) return await next();
    const refusal = await madeJson(c);
    if (refusal) return refusal;
    await next();
    await nameMissing(c, route.required);
  };
}

interface Route {
  readonly method: string;
  readonly path: RegExp;
  /** The fields that the body has to have. */
  readonly required: readonly string[];
}

const Content = z.object({ schema: z.object({ required: z.array(z.string()).default([]) }) });

/** Those with parameters come last: `/tenants/settings` is no tenant's. */
function routesReadingJson(described: RouteDescriptions): readonly Route[] {
  const paths = Object.entries(described).sort(([a], [b]) => parametersIn(a) - parametersIn(b));
  return paths.flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { requestBody }]) => {
      const required = requiredOf(requestBody);
      return required === null ? [] : [{ method: method.toUpperCase(), path: patternOf(path), required }];
    }),
  );
}

const parametersIn = (path: string) => path.split("{").length;
const patternOf = (path: string) => new RegExp(`^${PREFIX}${path.replace(/\{\w+\}/g, "[^/]+")}$`);

/** Null where there is no body, or another kind is read as well. */
function requiredOf(body: RouteDescription["requestBody"]): readonly string[] | null {
  const kinds = Object.keys(body?.content ?? {});
  if (kinds.length !== 1 || kinds[0] !== "application/json") return null;
  return Content.safeParse(body?.content["application/json"]).data?.schema.required ?? [];
}

async function madeJson(c: Exchange): Promise<Response | null> {
  const draft = c.get("draft");
  const isEmpty = (await readBody(c)) === "";
  if (isEmpty) draft.body = "{}";
  if (JSON_TYPE.test(draft.headers.get("content-type") ?? "")) return null;
  if (!isEmpty) return refuse(c, NO_JSON);
  draft.headers.set("content-type", "application/json");
  return null;
}

const NO_JSON = {
  status: 415,
  error: STATUS_CODES[415] ?? "",
  errorCode: "invalid_content_type",
  message: "Content-Type must be application/json, with a body of that kind.",
};

/** What AuthHero says of every body that does not fit. */
const UNEXPLAINED = z.object({ statusCode: z.literal(400), message: z.literal("Payload validation error") });

async function nameMissing(c: Exchange, required: readonly string[]): Promise<void> {
  if (c.res.status !== 400 || required.length === 0) return;
  if (!UNEXPLAINED.safeParse(jsonIn(await c.res.clone().text())).success) return;
  const sent = objectIn(c.get("draft").body ?? "") ?? {};
  const missing = required.filter((name) => !Object.hasOwn(sent, name));
  if (missing.length === 0) return;
  const message = missing.map((name) => `${name}: is missing`).join("; ");
  c.res = refuse(c, { status: 400, error: "Bad Request", errorCode: "invalid_body", message });
}
