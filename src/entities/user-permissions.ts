import type { UserPermissionsAdapter } from "@authhero/adapter-interfaces";
import { rowsOf } from "./crud.ts";
import { type Link, link } from "./link.ts";
import { offsetOf, readPage } from "./page.ts";
import { type PermissionRow, permissionDetails, shownPermission } from "./permission-details.ts";
import type { Store } from "./store.ts";

/** Permissions given to users directly, in the whole tenant (organization '') or in one organization. */
export const userPermissions: Link = {
  table: "user_permissions",
  pair: ["user_id", "resource_server_identifier", "permission_name", "organization_id"],
};

type Permission = Parameters<UserPermissionsAdapter["remove"]>[2];

// Tokens are made from this list: without a page size it is whole.
const PERMISSIONS_MAX = 10_000;

/** The `userPermissions` adapter. Giving twice and taking what is not there are both done, not wrong. */
export function createUserPermissions(store: Store): UserPermissionsAdapter {
  const pairs = link(store, userPermissions);
  return {
    async create(tenantId, userId, permission, organizationId = permission.organization_id, options) {
      const pair = pairOf(userId, permission, organizationId);
      await pairs.add(tenantId, [pair], options?.importMetadata?.created_at);
      return true;
    },

    async remove(tenantId, userId, permission, organizationId) {
      await pairs.remove(tenantId, [pairOf(userId, permission, organizationId)]);
      return true;
    },

    async list(tenantId, userId, params = {}, organizationId) {
      const all = rowsOf(store, userPermissions, tenantId).where("user_id", "=", userId);
      const rows = organizationId === undefined ? all : all.where("organization_id", "=", organizationId);
      const page = rows
        .select(["resource_server_identifier", "permission_name", "organization_id", "created_at"])
        .select(permissionDetails(userPermissions.table))
        .orderBy("resource_server_identifier")
        .orderBy("permission_name")
        .orderBy("organization_id");
      const { rows: found } = await readPage(page, rows, offsetOf(params, PERMISSIONS_MAX), false);
      return found.map((row) => ({
        user_id: userId,
        ...shownPermission(row as PermissionRow),
        ...(row.organization_id !== "" && { organization_id: String(row.organization_id) }),
      }));
    },
  };
}

const pairOf = (userId: string, permission: Permission, organizationId = "") => ({
  user_id: userId,
  resource_server_identifier: permission.resource_server_identifier,
  permission_name: permission.permission_name,
  organization_id: organizationId,
});
