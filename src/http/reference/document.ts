import type { RouteDescription, RouteDescriptions } from "../../auth/authhero.ts";
import { OPERATION_TEXTS, UNAVAILABLE } from "./texts.ts";

/** An OpenAPI document (https://spec.openapis.org/oas/v3.0.4). Not 3.1: over that the viewer takes twice as long. */
export interface OpenApiDocument {
  readonly openapi: "3.0.3";
  readonly info: Readonly<Record<"title" | "version" | "description", string>>;
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string }[];
  readonly components: Readonly<Record<"securitySchemes" | "schemas" | "responses", object>>;
  readonly paths: Paths;
}

type Paths = Readonly<Record<string, Readonly<Record<string, Operation>>>>;

interface Operation extends RouteDescription {
  readonly operationId: string;
}

/** What the document of a house is made of. */
export interface ReferenceOptions {
  /** What the routes say about themselves, AuthHero's and ours. */
  readonly described: () => RouteDescriptions;
  readonly version: string;
}

/**
 * The OpenAPI document of the Management API, for those who ask at an origin: what the routes say about themselves, with
 * what they leave out: how to get a token, which scope a route asks for, the errors that all have in common, and what is
 * not available here. Made for many origins, it asks the routes once.
 */
export function documents({ described, version }: ReferenceOptions): (origin: URL) => OpenApiDocument {
  let paths: Paths | undefined;
  return (origin) => {
    paths ??= mapValues(withoutMadeUpSecrets(described()), (methods, path) =>
      mapValues(methods, (operation, method) => complete(operation, method, path)),
    );
    const operations = Object.values(paths).flatMap((methods) => Object.values(methods));
    const tags = new Set(operations.flatMap((operation) => operation.tags ?? []));
    return {
      openapi: "3.0.3",
      info: { title: "Rowhouse Management API", version, description: ABOUT },
      servers: [{ url: new URL("api/v2", origin).href }],
      tags: [...tags].map((name) => ({ name })),
      components: {
        securitySchemes: securitySchemes(origin, new Set(operations.flatMap(scopesOf))),
        schemas: { Error: ERROR },
        responses: Object.fromEntries(Object.values(REFUSALS).map(({ name, text }) => [name, errorResponse(text)])),
      },
      paths,
    };
  };
}

function securitySchemes(origin: URL, scopes: ReadonlySet<string>) {
  const clientCredentials = {
    tokenUrl: new URL("oauth/token", origin).href,
    scopes: Object.fromEntries([...scopes].sort().map((scope) => [scope, ""])),
  };
  return {
    Token: { type: "http", scheme: "bearer", bearerFormat: "JWT", description: "A token that you have already" },
    Bearer: { type: "oauth2", description: TOKEN, flows: { clientCredentials } },
  };
}

function complete(operation: RouteDescription, method: string, path: string): Operation {
  const route = `${method.toUpperCase()} ${path}`;
  const { summary, example } = OPERATION_TEXTS[route] ?? {};
  const unavailable = UNAVAILABLE[route];
  const scopes = scopesOf(operation);
  const description = [operation.description, unavailable, asksFor(scopes)].filter((text) => text !== undefined);
  return {
    operationId: operationId(method, path),
    ...(summary !== undefined && { summary }),
    ...operation,
    ...(operation.security && { security: [...operation.security, { Token: [] }] }),
    ...(unavailable !== undefined && { summary: "Not available here" }),
    ...(description.length > 0 && { description: description.join("\n\n") }),
    ...(example !== undefined && operation.requestBody && { requestBody: withExample(operation.requestBody, example) }),
    responses: { ...commonRefusals(operation), ...operation.responses },
  };
}

/** AuthHero's schemas have a new secret for the default of `client_secret` each time: no document could be compared. */
function withoutMadeUpSecrets<T>(value: T): T {
  const text = JSON.stringify(value, (key, inner) =>
    key === "client_secret" && typeof inner === "object" ? { ...inner, default: undefined } : inner,
  );
  return JSON.parse(text) as T;
}

/** Any of them lets a token in. */
const scopesOf = ({ security = [] }: RouteDescription) => security.flatMap(({ Bearer = [] }) => Bearer);

function asksFor(scopes: readonly string[]): string | undefined {
  if (scopes.length === 0) return undefined;
  return `Scope: ${scopes.map((scope) => `\`${scope}\``).join(" or ")}.`;
}

/** `get_tenants_id_operations`: made of what never changes. */
const operationId = (method: string, path: string) =>
  [method, ...path.split("/")]
    .map((part) => part.replace(/[^\w]/g, "_").replace(/^_+|_+$/g, ""))
    .filter(Boolean)
    .join("_");

function withExample(body: NonNullable<RouteDescription["requestBody"]>, example: unknown) {
  return { ...body, content: mapValues(body.content, (media) => ({ ...media, example })) };
}

/** What every route answers to those whom it does not let in, and when its tenant's database cannot be reached. */
const REFUSALS = {
  401: { name: "Unauthorized", text: "No valid token" },
  403: { name: "Forbidden", text: "The token may not do this, or not to this tenant" },
  503: {
    name: "Unavailable",
    text: "The tenant is not ready or cannot be reached; `Retry-After` says when to ask again",
  },
} as const;

const commonRefusals = (operation: RouteDescription) =>
  Object.fromEntries(
    Object.entries(REFUSALS)
      .filter(([status]) => status === "503" || operation.security !== undefined)
      .map(([status, { name }]) => [status, { $ref: `#/components/responses/${name}` }]),
  );

const errorResponse = (description: string) => ({
  description,
  content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
});

const ERROR = {
  type: "object",
  required: ["statusCode", "error", "message"],
  properties: {
    statusCode: { type: "integer", description: "The status, once more" },
    error: { type: "string", description: "The reason phrase of the status" },
    message: { type: "string", description: "For people; names the field that is wrong, and what would be right" },
    errorCode: { type: "string", description: "For programs; stable" },
  },
  example: {
    statusCode: 403,
    error: "Forbidden",
    message: "This token does not reach that tenant.",
    errorCode: "tenant_forbidden",
  },
};

const ABOUT = `Auth0's Management API as AuthHero serves it, over a database per tenant, and the routes about tenants and operations.

On a tenant's host every route acts on that tenant. On the control plane's host it acts on the control plane, or on the
tenant that a \`tenant-id\` header names. \`/tenants\` and \`/operations\` are the control plane's.`;

const TOKEN = `A token for the audience \`urn:authhero:management\`, of a client of the same host. A token reaches the tenant whose key signed it; one of
the control plane reaches others with \`admin:organizations\`.`;

function mapValues<A, B>(record: Readonly<Record<string, A>>, map: (value: A, key: string) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]));
}
