import * as z from "zod";
import { jsonIn } from "../../domain/json.ts";
import { type Refusal, refuse } from "./answer.ts";
import { type Exchange, type Middleware, replaceResponse } from "./exchange.ts";
import { grantTypeOf } from "./grant-type.ts";
import { isRegistration, isTokenRequest } from "./routes.ts";

/**
 * What AuthHero's routes find wrong with a request they answer as their validator's own object. It gets the shape of the
 * route's other errors: which field is wrong and what is expected there, never what was sent.
 */
export function schemaErrors(): Middleware {
  return async (c, next) => {
    await next();
    if (c.res.status !== 400 || !c.res.headers.get("content-type")?.includes("json")) return;
    const issues = issuesIn(await c.res.clone().text());
    if (issues !== null) replaceResponse(c, withHeadersOf(c.res, refuse(c, misfit(c, closest(issues)))));
  };
}

/** What is wrong with one field; of a choice between shapes, what is wrong with each. */
interface Issue {
  readonly code?: string | undefined;
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** What is allowed there, and nothing else. */
  readonly values?: readonly unknown[] | undefined;
  readonly errors?: readonly (readonly Issue[])[] | undefined;
}

const Issue: z.ZodType<Issue> = z.object({
  code: z.string().optional(),
  path: z.array(z.union([z.string(), z.number()])),
  message: z.string(),
  values: z.array(z.unknown()).optional(),
  get errors() {
    return z.array(z.array(Issue)).optional();
  },
});

/** As zod writes its errors: the issues are a member, or the text of the message. */
const Misfit = z.object({
  success: z.literal(false),
  error: z.object({ name: z.literal("ZodError"), issues: z.unknown().optional(), message: z.unknown().optional() }),
});

/** Null for every other body. */
function issuesIn(text: string): readonly Issue[] | null {
  const { data: found } = Misfit.safeParse(jsonIn(text));
  if (found === undefined) return null;
  const { issues, message } = found.error;
  return z.array(Issue).safeParse(issues ?? jsonIn(String(message))).data ?? [];
}

/** The same without choices: of each, what is wrong with the shape that was meant. */
function closest(issues: readonly Issue[]): readonly Issue[] {
  return issues.flatMap((issue) => {
    const shapes = (issue.errors ?? []).map(closest);
    if (shapes.length === 0) return [issue];
    return meant(shapes).map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
  });
}

/**
 * Shapes are told apart by a field of which each wants another value. What is meant is the shape whose value it has; where
 * it has none of them, that is what is wrong, and all of them are told.
 */
function meant(shapes: readonly (readonly Issue[])[]): readonly Issue[] {
  const telling = tellingApart(shapes);
  if (telling === undefined) return fewest(shapes);
  const fitting = shapes.filter((issues) => !issues.some((issue) => isChoice(issue) && isAt(issue, telling)));
  if (fitting.length > 0) return fewest(fitting);
  return [{ ...telling, values: [...new Set(choicesAt(telling, shapes).flatMap(({ values = [] }) => values))] }];
}

/** What is wrong with the field that tells most of the shapes apart. One of which all want the same tells nothing. */
function tellingApart(shapes: readonly (readonly Issue[])[]): Issue | undefined {
  let found: { readonly choice: Issue; readonly count: number } | undefined;
  for (const choice of shapes.flat().filter(isChoice)) {
    const choices = choicesAt(choice, shapes);
    const isTelling = choices.length < shapes.length || new Set(choices.map(({ values }) => String(values))).size > 1;
    if (isTelling && choices.length > (found?.count ?? 0)) found = { choice, count: choices.length };
  }
  return found?.choice;
}

const choicesAt = (choice: Issue, shapes: readonly (readonly Issue[])[]) =>
  shapes.flat().filter((issue) => isChoice(issue) && isAt(issue, choice));
const isChoice = ({ code }: Issue) => code === "invalid_value";
const isAt = (issue: Issue, { path }: Issue) => issue.path.join("\n") === path.join("\n");
const fewest = (shapes: readonly (readonly Issue[])[]) =>
  shapes.reduce((least, issues) => (issues.length < least.length ? issues : least));

function misfit(c: Exchange, issues: readonly Issue[]): Refusal {
  const { path, method } = c.get("draft");
  const isReading = method === "GET";
  const told = issues.map((issue) => `${issue.path.join(".") || (isReading ? "query" : "body")}: ${wordsFor(issue)}`);
  return {
    status: 400,
    error: "Bad Request",
    errorCode: isReading ? "invalid_query" : "invalid_body",
    message: told.join("; ") || "The request is not as this route expects it.",
    ...(isTokenRequest(path) && namesUnknownGrant(c, issues) && { oauthError: "unsupported_grant_type" }),
    ...(isRegistration(path) && { oauthError: "invalid_client_metadata" }),
  };
}

/** Made of what the route expects. A text that its author has written may repeat what was sent. */
const OF_THE_SCHEMA = ["invalid_type", "invalid_format", "too_big", "too_small", "not_multiple_of"];

function wordsFor({ code, message, values }: Issue): string {
  if (values !== undefined && values.length > 0)
    return `must be ${values.length > 1 ? "one of " : ""}${values.join(", ")}`;
  if (code === undefined || !OF_THE_SCHEMA.includes(code)) return "is not as expected";
  if (message.endsWith("received undefined")) return "is missing";
  return message.replace(/^Invalid input: /, "");
}

/** Whether the request says which grant it is for (RFC 6749, section 5.2): otherwise that is missing, or no name of one. */
function namesUnknownGrant(c: Exchange, issues: readonly Issue[]): boolean {
  if (!issues.some((issue) => isChoice(issue) && issue.path.join(".") === "grant_type")) return false;
  return grantTypeOf(c.get("draft")) !== undefined;
}

/** Those for browsers of other origins, say. */
function withHeadersOf(old: Response, response: Response): Response {
  const headers = new Headers(old.headers);
  headers.delete("content-length");
  for (const [name, value] of response.headers) headers.set(name, value);
  return new Response(response.body, { status: response.status, headers });
}
