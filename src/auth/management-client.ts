import { randomBytes } from "node:crypto";
import type { DataAdapters } from "@authhero/adapter-interfaces";
import { PlatformError } from "../domain/errors.ts";
import { prefixedId } from "../domain/ids.ts";
import { isOperatorsScope, MANAGEMENT_API_AUDIENCE, managementScopes } from "./management-api.ts";

/** A client that acts on a tenant's management API on its own account. */
export interface NewManagementClient {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly name: string;
  readonly scopes: readonly string[];
}

/** Makes a client for automation, and its grant on the management API. */
export async function createManagementClient(
  { clients, clientGrants }: Pick<DataAdapters, "clients" | "clientGrants">,
  tenantId: string,
  { clientId, clientSecret, name, scopes }: NewManagementClient,
): Promise<void> {
  await clients.create(tenantId, {
    client_id: clientId,
    name,
    client_secret: clientSecret,
    app_type: "non_interactive",
    grant_types: ["client_credentials"],
    token_endpoint_auth_method: "client_secret_post",
    is_first_party: true,
  } as Parameters<DataAdapters["clients"]["create"]>[1]);
  await clientGrants.create(tenantId, { client_id: clientId, audience: MANAGEMENT_API_AUDIENCE, scope: [...scopes] });
}

/** Nobody needs more at a time: one that nobody uses is to be removed, not forgotten. */
const MANAGEMENT_CLIENTS_MAX = 20;

/**
 * Throws `conflict` (`too_many_management_clients`) when as many clients as there may be have a grant on the tenant's
 * management API.
 */
export async function requireRoom({ clientGrants }: Pick<DataAdapters, "clientGrants">, tenantId: string) {
  const query = { q: `audience:"${MANAGEMENT_API_AUDIENCE}"`, per_page: MANAGEMENT_CLIENTS_MAX };
  const { client_grants } = await clientGrants.list(tenantId, query);
  if (client_grants.length < MANAGEMENT_CLIENTS_MAX) return;
  const message = `${MANAGEMENT_CLIENTS_MAX} clients have a grant on this tenant's management API; remove one first`;
  throw new PlatformError("conflict", "too_many_management_clients", message);
}

/** What a tenant's own client may be granted: the whole management API, but for what is the operators'. */
export const TENANT_SCOPES: readonly string[] = managementScopes()
  .map(({ value }) => value)
  .filter((value) => !isOperatorsScope(value));

/** A client with an id and a secret that nobody has had before. */
export const inventManagementClient = (name: string, scopes = TENANT_SCOPES): NewManagementClient => ({
  clientId: prefixedId("mgmt"),
  clientSecret: randomBytes(32).toString("base64url"),
  name,
  scopes,
});
