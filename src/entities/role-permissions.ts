import type { RolePermissionsAdapter } from "@authhero/adapter-interfaces";
import { rowsOf } from "./crud.ts";
import { type Link, link } from "./link.ts";
import { offsetOf, readPage } from "./page.ts";
import { type PermissionRow, permissionDetails, shownPermission } from "./permission-details.ts";
import type { Store } from "./store.ts";

/** What a role allows. */
export const rolePermissions: Link = {
  table: "role_permissions",
  pair: ["role_id", "resource_server_identifier", "permission_name"],
};

type Permission = Parameters<RolePermissionsAdapter["remove"]>[2][number];

/** The `rolePermissions` adapter. Assigning and removing are idempotent; false: a permission names another role. */
export function createRolePermissions(store: Store): RolePermissionsAdapter {
  const pairs = link(store, rolePermissions);
  return {
    async assign(tenantId, roleId, permissions, options) {
      if (permissions.some(({ role_id }) => role_id !== roleId)) return false;
      await pairs.add(
        tenantId,
        permissions.map((permission) => pairOf(roleId, permission)),
        options?.importMetadata?.created_at,
      );
      return true;
    },

    async remove(tenantId, roleId, permissions) {
      await pairs.remove(
        tenantId,
        permissions.map((permission) => pairOf(roleId, permission)),
      );
      return true;
    },

    async list(tenantId, roleId, params = {}) {
      const rows = rowsOf(store, rolePermissions, tenantId).where("role_id", "=", roleId);
      const page = rows
        .select(["role_id", "resource_server_identifier", "permission_name", "created_at"])
        .select(permissionDetails(rolePermissions.table))
        .orderBy("resource_server_identifier")
        .orderBy("permission_name");
      const { rows: found } = await readPage(page, rows, offsetOf(params), false);
      return found.map((row) => ({ role_id: roleId, ...shownPermission(row as PermissionRow) }));
    },
  };
}

const pairOf = (roleId: string, { resource_server_identifier, permission_name }: Permission) => ({
  role_id: roleId,
  resource_server_identifier,
  permission_name,
});
