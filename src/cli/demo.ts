import { PlatformError } from "../domain/errors.ts";
import { type DemoTenant, demoAppUrl } from "../http/demo-app.ts";
import type { Tenant } from "../http/tenants/schemas.ts";
import type { Api } from "./api.ts";

/** Known to everybody who reads this: hence on localhost only. */
const CLIENT = { client_id: "demo", client_secret: "known-to-everybody-hence-on-localhost-only" };

const TENANTS = [
  { id: "acme", name: "Acme", user: "Ada Lovelace", email: "ada@acme.example", password: "Correct-Horse-1" },
  { id: "globex", name: "Globex", user: "Grace Hopper", email: "grace@globex.example", password: "Correct-Horse-2" },
] as const;

/** A tenant to try out, and somebody who can sign in there. */
export interface DemoHome extends DemoTenant {
  readonly email: string;
  readonly password: string;
}

/** Makes what lacks of two tenants with a user and an application each. What is there stays as it is. */
export async function seedDemo(api: Api, issuer: string, originOf: (id: string) => string): Promise<DemoHome[]> {
  const homes: DemoHome[] = [];
  for (const { user, ...tenant } of TENANTS) {
    const { client_id: clientId, client_secret: clientSecret } = CLIENT;
    const home = { ...tenant, clientId, clientSecret, origin: originOf(tenant.id) };
    await seedTenant(api, home);
    await seedUser(api, home, user);
    await seedClient(api, home, demoAppUrl(issuer, home));
    homes.push(home);
  }
  return homes;
}

async function seedTenant(api: Api, { id, name }: DemoHome): Promise<void> {
  const found = await orNull(api.get<Tenant>(`/tenants/${id}`));
  if (!found) return await api.post("/tenants", { json: { id, friendly_name: name } });
  if (found.state === "ready") return;
  const message = `The tenant ${id} of the demonstration is ${found.state}. Remove the directory to begin anew, or use another: --data`;
  throw new PlatformError("conflict", "demo_changed", message);
}

async function seedUser(api: Api, { id, email, password }: DemoHome, name: string): Promise<void> {
  const headers = { "tenant-id": id };
  const found = await api.get<unknown[]>("/users-by-email", { headers, query: { email } });
  if (found.length > 0) return;
  const connection = "Username-Password-Authentication";
  await api.post("/users", { headers, json: { connection, email, password, name, email_verified: true } });
}

/** The address of its application has the port in it, which may be another one than last time. */
async function seedClient(api: Api, { id, name }: DemoHome, address: string): Promise<void> {
  const headers = { "tenant-id": id };
  const path = `/clients/${CLIENT.client_id}`;
  const found = await orNull(api.get<{ callbacks?: string[]; allowed_logout_urls?: string[] }>(path, { headers }));
  if (!found) {
    const grants = { grant_types: ["authorization_code", "refresh_token"], app_type: "regular_web" };
    const addresses = { callbacks: [address], allowed_logout_urls: [address] };
    await api.post("/clients", {
      headers,
      json: { ...CLIENT, name: `${name} for trying out`, ...grants, ...addresses },
    });
    return;
  }
  const { callbacks = [], allowed_logout_urls = [] } = found;
  if (callbacks.includes(address) && allowed_logout_urls.includes(address)) return;
  const withIt = (addresses: readonly string[]) => [...new Set([...addresses, address])];
  const json = { callbacks: withIt(callbacks), allowed_logout_urls: withIt(allowed_logout_urls) };
  await api.patch(path, { headers, json });
}

async function orNull<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof PlatformError && error.code === "not_found") return null;
    throw error;
  }
}
