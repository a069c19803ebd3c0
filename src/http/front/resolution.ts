import type { HostRules } from "../../tenancy/hosts.ts";
import { describedRefusal } from "./answer.ts";
import { redirectionFrom } from "./canonical-host.ts";
import type { Draft, OwnDomains, Placements } from "./exchange.ts";
import { createDestinations, type Destination } from "./hosts.ts";
import { refusalByState } from "./tenant-state.ts";

/** What becomes of a request, as far as host and tenant decide it. */
export interface HostAnswer {
  readonly kind: string;
  readonly method: string;
  readonly path: string;
  /** What is served is answered by its route; the others are not let through to it. */
  readonly outcome: "served" | "redirected" | "refused";
  readonly status: number | null;
  readonly errorCode: string | null;
  readonly location: string | null;
}

/** One request of each kind that a tenant's state tells apart; the first is what people see. */
const REQUESTS = [
  ["login pages", "GET", "/authorize"],
  ["sign-up", "POST", "/dbconnections/signup"],
  ["tokens", "POST", "/oauth/token"],
  ["discovery and keys", "GET", "/.well-known/openid-configuration"],
  ["management, reading", "GET", "/api/v2/clients"],
  ["management, writing", "POST", "/api/v2/clients"],
] as const;

/** Answers where a host leads and what requests for it get, by the rules of the front itself and in their order. */
export function createResolution(rules: HostRules, placements: Placements, domains: OwnDomains) {
  const destinationOf = createDestinations(rules, placements, domains);
  return async (header: string) => {
    const destination = await destinationOf(header);
    return { destination, answers: REQUESTS.map((request) => answerTo(request, destination, rules)) };
  };
}

function answerTo([kind, method, path]: (typeof REQUESTS)[number], destination: Destination, rules: HostRules) {
  const request = { kind, method, path };
  const draft: Draft = { method, path, url: new URL(path, rules.issuer), headers: new Headers() };
  const told = { status: null, errorCode: null, location: null };
  if (destination.host === null) return refused(request, destination.refusal);
  const redirection = redirectionFrom(destination.hostName, destination.host, draft);
  if (redirection) return { ...request, ...told, outcome: "redirected", ...redirection } satisfies HostAnswer;
  const refusal = refusalByState(destination.host, draft);
  return refusal ? refused(request, refusal) : ({ ...request, ...told, outcome: "served" } satisfies HostAnswer);
}

function refused(
  request: Pick<HostAnswer, "kind" | "method" | "path">,
  refusal: Parameters<typeof describedRefusal>[0],
) {
  const { status, errorCode } = describedRefusal(refusal);
  return { ...request, outcome: "refused", status, errorCode, location: null } satisfies HostAnswer;
}
