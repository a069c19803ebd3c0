import { decodeJwt } from "jose";
import { jsonIn } from "../../domain/json.ts";
import { refuse } from "./answer.ts";
import { type Exchange, type Middleware, readBody } from "./exchange.ts";

/** What a client's grants say. */
export interface OrganizationGrants {
  /** Whether the client may get a token of an organization on its own account; without an audience, for every API. */
  allow(tenantId: string, clientId: string, audience?: string): Promise<boolean>;
}

/**
 * Refuses `client_credentials` with an `organization` unless the client's grant allows organizations: AuthHero issues
 * such a token to every client, and whoever trusts its `org_id` would let in a stranger.
 */
export function organizationGrants(grants: OrganizationGrants): Middleware {
  return async (c, next) => {
    const { method, path, headers } = c.get("draft");
    if (method !== "POST" || path !== "/oauth/token") return await next();
    // RFC 6749, section 4.4.2, knows one kind of form; AuthHero reads this one too.
    if (/multipart/i.test(headers.get("content-type") ?? "")) return refuse(c, MULTIPART);
    const request = await parametersOf(c);
    if (!request.get("grant_type")?.includes("client_credentials") || !request.has("organization")) return await next();
    return (await isGranted(c, request, grants)) ? next() : refuse(c, REFUSED);
  };
}

async function isGranted(c: Exchange, request: Parameters, grants: OrganizationGrants): Promise<boolean> {
  const clients = clientsOf(request);
  // Basic credentials still in their header are of another client than the body's.
  if (clients.length === 0 || clients.length > CLIENTS_MAX || c.get("draft").headers.has("authorization")) return false;
  const audiences = request.get("audience") ?? [];
  // Of an audience that comes twice it is not ours to guess which one counts.
  const audience = audiences.length === 1 ? audiences[0] : undefined;
  const { tenantId } = c.get("target");
  const granted = await Promise.all(clients.map((client) => grants.allow(tenantId, client, audience)));
  return granted.every(Boolean);
}

/** By parameter and by assertion, each once. */
const CLIENTS_MAX = 2;

// RFC 6749, section 5.2, calls it `unauthorized_client`, Auth0 answers 403 `access_denied`. Its clients expect that.
const REFUSED = {
  status: 403,
  error: "Forbidden",
  errorCode: "organization_not_granted",
  message: "The client is not granted access to this organization.",
};

const MULTIPART = {
  status: 400,
  error: "Bad Request",
  errorCode: "invalid_content_type",
  message: "The token endpoint takes application/x-www-form-urlencoded.",
};

/** What was sent, by name; what is empty counts as absent. */
type Parameters = ReadonlyMap<string, readonly string[]>;

/** The parameters as AuthHero may read them: of a form or, beyond the standard, of a JSON object. */
async function parametersOf(c: Exchange): Promise<Parameters> {
  const body = await readBody(c);
  const type = c.get("draft").headers.get("content-type") ?? "";
  const pairs = /json/i.test(type) ? jsonPairs(body) : new URLSearchParams(body);
  const parameters = new Map<string, string[]>();
  for (const [name, value] of pairs) {
    if (value !== "") parameters.set(name, [...(parameters.get(name) ?? []), value]);
  }
  return parameters;
}

function jsonPairs(body: string) {
  // To say that it is no JSON is somebody else's part.
  const sent = jsonIn(body);
  const entries = Object.entries(typeof sent === "object" && sent !== null ? sent : {});
  return entries.map(([name, value]) => [name, value === null ? "" : String(value)] as const);
}

/** Every client the request names, before any is authenticated: all have to be granted, AuthHero believes one. */
const clientsOf = (request: Parameters): string[] => [
  ...(request.get("client_id") ?? []),
  ...(request.get("client_assertion") ?? []).map(subjectOf),
];

/** RFC 7523, section 3: the subject of the assertion is the client. No client is called by the empty name. */
function subjectOf(assertion: string): string {
  try {
    return decodeJwt(assertion).sub ?? "";
  } catch {
    return "";
  }
}
