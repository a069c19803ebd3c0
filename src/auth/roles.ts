import type { DataAdapters, Role } from "@authhero/adapter-interfaces";
import { findNamed } from "../domain/pages.ts";
import { ensureScopes } from "./lifecycle-scopes.ts";
import { isOperatorsScope, MANAGEMENT_API_AUDIENCE, type Scope } from "./management-api.ts";

/** The role in which a team administers its tenant. Found by its name, so never renamed. */
const TEAM_ROLE = "Team Administrator";

/**
 * The role that a tenant's creator and its invited administrators hold in its organization: every scope of the
 * control plane's management API but the operators' own, and `permissions` besides, which are added to API and role
 * where they are missing. It is made once; what administrators take from it later stays taken. Returns its id.
 */
export async function ensureTeamRole(
  adapters: DataAdapters,
  tenantId: string,
  permissions: readonly Scope[],
): Promise<string> {
  const scopes = await ensureScopes(adapters, tenantId, permissions);
  return await adapters.transaction(async (inside) => {
    const found = await findRole(inside, tenantId, TEAM_ROLE);
    const { id } = found ?? (await createTeamRole(inside, tenantId));
    const granted = found ? permissions : [...scopes, ...permissions];
    // Granting twice is harmless.
    const given = granted.map(({ value }) => value).filter((value) => !isOperatorsScope(value));
    await inside.rolePermissions.assign(
      tenantId,
      id,
      given.map((value) => permissionOf(id, value)),
    );
    return id;
  });
}

const createTeamRole = ({ roles }: DataAdapters, tenantId: string): Promise<Role> =>
  roles.create(tenantId, {
    name: TEAM_ROLE,
    description: "Administers the tenant of the organization in which it is held",
    // Tenants have no use for it.
    metadata: { sync: false },
  });

const permissionOf = (role_id: string, permission_name: string) => ({
  role_id,
  resource_server_identifier: MANAGEMENT_API_AUDIENCE,
  permission_name,
});

/** The role of a name, however many roles there are; null when there is none. */
export const findRole = ({ roles }: Pick<DataAdapters, "roles">, tenantId: string, name: string) =>
  findNamed(name, async (query) => (await roles.list(tenantId, query)).roles);
