import type { ListParams, UserRolesAdapter } from "@authhero/adapter-interfaces";
import { type Compilable, sql } from "kysely";
import { arrayOf, rowsOf } from "./crud.ts";
import type { Row } from "./entity.ts";
import { type Link, link } from "./link.ts";
import { type Checkpoint, COUNTERS, isCheckpoint, offsetOf, readCheckpoint } from "./page.ts";
import { roles } from "./roles.ts";
import type { Store } from "./store.ts";

/** Roles of users, in the whole tenant (organization '') or in one organization. */
export const userRoles: Link = { table: "user_roles", pair: ["user_id", "role_id", "organization_id"] };

const BY_USER: Checkpoint = { by: "user_id", key: "user_id", direction: "asc" };

/** The INSERT of a role that a user holds in an organization, for a batch with whatever else begins with it. */
export const userRoleInsert = (
  store: Store,
  tenantId: string,
  userId: string,
  roleId: string,
  organizationId: string,
): Compilable =>
  link(store, userRoles).insert(tenantId, [{ user_id: userId, role_id: roleId, organization_id: organizationId }]);

/**
 * The `userRoles` adapter. Undefined as organization means every scope to `list` and the whole tenant to the writes;
 * '' always means the whole tenant, or roles held in one organization would count everywhere.
 */
export function createUserRoles(store: Store): UserRolesAdapter {
  const pairs = link(store, userRoles);
  return {
    async create(tenantId, userId, roleId, organizationId = "", options) {
      const pair = { user_id: userId, role_id: roleId, organization_id: organizationId };
      await pairs.add(tenantId, [pair], options?.importMetadata?.created_at);
      return true;
    },

    async remove(tenantId, userId, roleId, organizationId = "") {
      await pairs.remove(tenantId, [{ user_id: userId, role_id: roleId, organization_id: organizationId }]);
      return true;
    },

    /** Each role once, also where it is held in several organizations. Never paged: tokens are made from it. */
    list(tenantId, userId, _params, organizationId) {
      const all = rowsOf(store, userRoles, tenantId).select("role_id").where("user_id", "=", userId);
      const held = organizationId === undefined ? all : all.where("organization_id", "=", organizationId);
      return arrayOf(store, roles, tenantId, (rows) => rows.where("id", "in", held));
    },

    listUsers: (tenantId, roleId, params = {}) => listUsers(store, tenantId, roleId, params),
  };
}

async function listUsers(store: Store, tenantId: string, roleId: string, params: ListParams) {
  const held = rowsOf(store, userRoles, tenantId).where("role_id", "=", roleId);
  const users = held.select("user_id").distinct();
  if (isCheckpoint(params)) {
    const { rows, counters } = await readCheckpoint(users, BY_USER, params);
    return { userIds: rows.map(userIdOf), ...counters };
  }
  const offset = offsetOf(params);
  const [rows, { total }] = await Promise.all([
    users
      .orderBy("user_id")
      .limit(offset.perPage)
      .offset(offset.page * offset.perPage)
      .execute(),
    held.select(sql<number>`count(distinct user_id)`.as("total")).executeTakeFirstOrThrow(),
  ]);
  const counters = COUNTERS.pageUnlessAsked({ ...offset, rows: rows.length, total: Number(total) });
  return { userIds: rows.map(userIdOf), ...counters };
}

const userIdOf = (row: Row) => String(row.user_id);
