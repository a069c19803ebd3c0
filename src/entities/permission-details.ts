import { sql } from "kysely";
import type { Row } from "./entity.ts";

/** A permission as it is stored and joined. */
export interface PermissionRow extends Row {
  readonly resource_server_identifier: string;
  readonly permission_name: string;
  readonly created_at: number;
  readonly resource_server_name: string | null;
}

/**
 * The name of the API that a row of `table` is about. Permissions are stored with the API's identifier, or with its
 * id where a caller sent that; NULL when the API is gone.
 */
export function permissionDetails(table: string) {
  const nameBy = (key: "identifier" | "id") => sql<string | null>`(
    select name from resource_servers as api
    where api.tenant_id = ${sql.ref(`${table}.tenant_id`)}
      and ${sql.ref(`api.${key}`)} = ${sql.ref(`${table}.resource_server_identifier`)}
  )`;
  return sql<string | null>`coalesce(${nameBy("identifier")}, ${nameBy("id")})`.as("resource_server_name");
}

/** What both lists of permissions show. */
export const shownPermission = (row: PermissionRow) => ({
  resource_server_identifier: row.resource_server_identifier,
  resource_server_name: row.resource_server_name ?? row.resource_server_identifier,
  permission_name: row.permission_name,
  created_at: new Date(row.created_at).toISOString(),
});
