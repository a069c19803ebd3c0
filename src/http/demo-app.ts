import { decodeJwt } from "jose";
import { escapeHtml } from "./front/answer.ts";

/** The application that a tenant of a demonstration has. */
export interface DemoTenant {
  readonly id: string;
  readonly name: string;
  /** The tenant's origin, with a trailing slash. */
  readonly origin: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

type Fetch = (request: Request, env?: object) => Response | Promise<Response>;

const PATH = "/dev/app/";

/** Where the application of a tenant is, on the control plane's host: its callback, and where a logout leads. */
export const demoAppUrl = (issuer: string, { id }: Pick<DemoTenant, "id">) => new URL(`${PATH}${id}`, issuer).href;

/** The address that begins a login to it. */
export function demoLoginUrl(issuer: string, tenant: Pick<DemoTenant, "id" | "origin" | "clientId">): string {
  const login = new URL("/authorize", tenant.origin);
  login.search = new URLSearchParams({
    client_id: tenant.clientId,
    response_type: "code",
    redirect_uri: demoAppUrl(issuer, tenant),
    scope: "openid profile email",
    // A real application makes one up for each login, and compares it.
    state: "demo",
  }).toString();
  return login.href;
}

/** Puts in front of a house the applications that its demonstration signs in to; everything else is the house's. */
export function withDemoApps(fetch: Fetch, issuer: string, tenants: readonly DemoTenant[]): Fetch {
  const { host } = new URL(issuer);
  return (request, env) => {
    const url = new URL(request.url);
    const tenant = tenants.find(({ id }) => url.pathname === `${PATH}${id}`);
    if (url.host !== host || !tenant || request.method !== "GET") return fetch(request, env);
    return answer(url.searchParams, tenant, { issuer, fetch });
  };
}

interface House {
  readonly issuer: string;
  readonly fetch: Fetch;
}

async function answer(query: URLSearchParams, tenant: DemoTenant, house: House): Promise<Response> {
  const [code, error] = [query.get("code"), query.get("error")];
  if (error !== null) return page(tenant, house, "Not signed in", refusal(error, query.get("error_description")));
  if (code === null) return page(tenant, house, "Signed out", "<p>Nobody is signed in here.</p>");
  const form = {
    grant_type: "authorization_code",
    redirect_uri: demoAppUrl(house.issuer, tenant),
    client_id: tenant.clientId,
    client_secret: tenant.clientSecret,
    code,
  };
  const request = new Request(new URL("/oauth/token", tenant.origin), {
    method: "POST",
    body: new URLSearchParams(form),
  });
  const told = (await (await house.fetch(request)).json()) as Readonly<Record<string, unknown>>;
  // Straight from the token endpoint: who has issued it is known (OpenID Connect Core, section 3.1.3.7).
  if (typeof told.id_token === "string") return page(tenant, house, "Signed in", claims(decodeJwt(told.id_token)));
  // Reloading the page spends the code again.
  return page(tenant, house, "Not signed in", refusal(String(told.error), String(told.error_description ?? "")));
}

const refusal = (error: string, description: string | null) =>
  `<p><code>${escapeHtml(error)}</code> ${escapeHtml(description ?? "")}</p>`;

function claims(token: Readonly<Record<string, unknown>>): string {
  const rows = Object.entries(token).map(([name, value]) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return `<tr><th>${escapeHtml(name)}</th><td>${escapeHtml(text)}</td></tr>`;
  });
  return `<p>What the ID token says:</p>\n<table>\n${rows.join("\n")}\n</table>`;
}

function page(tenant: DemoTenant, { issuer }: House, title: string, body: string): Response {
  const { origin, clientId } = tenant;
  const logout = new URL("/v2/logout", origin);
  logout.search = new URLSearchParams({ client_id: clientId, returnTo: demoAppUrl(issuer, tenant) }).toString();
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} - ${escapeHtml(tenant.name)}</title>
<link rel="icon" href="data:,">
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1.5rem; color: #1e293b }
  th { text-align: left; padding-right: 1.5rem; color: #64748b; font-weight: normal; vertical-align: top }
  td { overflow-wrap: anywhere } small { color: #64748b }
</style>
<h1>${title}</h1>
<p><small>The application of the tenant ${escapeHtml(tenant.name)}, for trying out.</small></p>
${body}
<p><a href="${escapeHtml(demoLoginUrl(issuer, tenant))}">Sign in</a> · <a href="${escapeHtml(logout.href)}">Sign out</a></p>
</html>
`;
  const csp = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'";
  return new Response(html, {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": csp,
      // The code in the address is spent, and nobody else's business all the same.
      "referrer-policy": "no-referrer",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    },
  });
}
