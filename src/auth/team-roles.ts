import type { DataAdapters } from "@authhero/adapter-interfaces";
import { PlatformError } from "../domain/errors.ts";
import { rowsOf } from "../domain/pages.ts";
import { isOperatorsScope, MANAGEMENT_API_AUDIENCE } from "./management-api.ts";

/** Who gives roles in a team, and what for. */
export interface Giver {
  /** What the giver's token lets it do. */
  readonly scopes: ReadonlySet<string>;
  /** The ids of the roles that every first administrator gets: what they hold on other APIs is a team's, too. */
  readonly firstRoles: readonly string[];
}

type RoleAdapters = Pick<DataAdapters, "roles" | "rolePermissions">;

/**
 * Whether a role may be given to members of a team: nothing in it is the operators', nor more than its giver has, and
 * what it holds on APIs other than the management API every first administrator gets.
 */
export async function isGivable({ rolePermissions }: RoleAdapters, tenantId: string, roleId: string, giver: Giver) {
  const held = rowsOf((query) => rolePermissions.list(tenantId, roleId, query));
  for await (const { resource_server_identifier: api, permission_name: scope } of held) {
    const isAllowed =
      api === MANAGEMENT_API_AUDIENCE
        ? !isOperatorsScope(scope) && giver.scopes.has(scope)
        : giver.firstRoles.includes(roleId);
    if (!isAllowed) return false;
  }
  return true;
}

/** Throws `invalid` (`unknown_role`) and `forbidden` (`role_forbidden`) when one of the roles cannot be given. */
export async function requireGivable(
  adapters: RoleAdapters,
  tenantId: string,
  roleIds: readonly string[],
  giver: Giver,
): Promise<void> {
  for (const id of new Set(roleIds)) {
    const role = await adapters.roles.get(tenantId, id);
    if (!role) throw new PlatformError("invalid", "unknown_role", `roles: there is no role ${id}`);
    if (await isGivable(adapters, tenantId, id, giver)) continue;
    throw new PlatformError("forbidden", "role_forbidden", `roles: ${role.name} holds more than you may give`);
  }
}
