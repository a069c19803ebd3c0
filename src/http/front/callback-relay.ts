import { PlatformError } from "../../domain/errors.ts";
import type { HostRules } from "../../tenancy/hosts.ts";
import { refuse } from "./answer.ts";
import { type Draft, type Exchange, type Middleware, type Placements, readBody, type StateOwners } from "./exchange.ts";
import { address } from "./hosts.ts";
import { isCallback } from "./routes.ts";

/** AuthHero's states have 43 characters; what is much longer is no state of ours. */
const STATE_CHARACTERS_MAX = 256;

/**
 * Sends what comes back from an identity provider to the tenant that asked: `callback_url` of a connection may name the
 * control plane's host, so that one redirect URI is registered there for all tenants. 307 keeps method and form. Only on the
 * tenant's own host do the cookies and the issuer of that login hold. A state that nobody waits for is refused.
 */
export function callbackRelay(states: StateOwners, rules: HostRules, placements: Placements): Middleware {
  return async (c, next) => {
    const draft = c.get("draft");
    if (c.get("host").placement !== null || !isCallback(draft.path) || draft.method === "OPTIONS") return await next();

    const state = await stateOf(c);
    const owner = state === null || state.length > STATE_CHARACTERS_MAX ? null : await states.ownerOf(state);
    if (owner === rules.controlPlaneTenantId) return await next();
    const tenant = owner === null ? null : await address(owner, rules, placements);
    if (tenant === null) return refuse(c, unknownState());
    return new Response(null, { status: 307, headers: { location: whereTo(draft, tenant.origin), ...HEADERS } });
  };
}

/** The address holds a code, which no cache may keep and no other site may see. */
const HEADERS = { "cache-control": "no-store", "referrer-policy": "no-referrer" };

/** `response_mode=form_post` (Sign in with Apple) brings it in the form. Two of them are none. */
async function stateOf(c: Exchange): Promise<string | null> {
  const { method, url } = c.get("draft");
  const posted = new URLSearchParams(method === "POST" ? await readBody(c) : "");
  const states = [...url.searchParams.getAll("state"), ...posted.getAll("state")];
  return states.length === 1 ? (states[0] ?? null) : null;
}

function whereTo(draft: Draft, origin: URL): string {
  const target = new URL(origin);
  target.pathname = draft.url.pathname;
  target.search = draft.url.search;
  return target.href;
}

const unknownState = () =>
  new PlatformError(
    "invalid",
    "unknown_state",
    "This login is not known here, or it took too long. Go back to the application and sign in again.",
  );
