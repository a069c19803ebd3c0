import type { ClientGrant, ClientGrantsAdapter } from "@authhero/adapter-interfaces";

/** More grants than APIs a client could sensibly call on its own account. */
const GRANTS_MAX = 100;

/**
 * Whether a client may ask for a token of an organization on its own account: only where its grant for the API says
 * so, as with Auth0 (`organization_usage` is `allow` or `require`, and `allow_any_organization`). AuthHero stores the
 * two and looks at neither. Without an audience every grant of the client has to say it.
 */
export async function allowsOrganizations(
  clientGrants: ClientGrantsAdapter,
  tenantId: string,
  clientId: string,
  audience?: string,
): Promise<boolean> {
  const query = { q: `client_id:${JSON.stringify(clientId)}`, per_page: GRANTS_MAX };
  const { client_grants } = await clientGrants.list(tenantId, query);
  const own = client_grants.filter((grant) => grant.client_id === clientId);
  const meant = audience === undefined ? own : own.filter((grant) => grant.audience === audience);
  return meant.length > 0 && meant.every(isOpenToOrganizations);
}

const isOpenToOrganizations = ({ organization_usage, allow_any_organization }: ClientGrant) =>
  (organization_usage === "allow" || organization_usage === "require") && allow_any_organization === true;
