import { type Compilable, type RawBuilder, sql } from "kysely";
import type { StatementResult } from "../db/database.ts";
import { decodeRow, placeOf, type Row, storedColumns } from "../entities/entity.ts";
import type { Store } from "../entities/store.ts";
import { contentOf, KIND_RULES, KINDS, type Kind, type Permission } from "./kinds.ts";
import type { Child, ChildRow, Link } from "./plan.ts";
import type { Shared } from "./shared.ts";

/** Up to where a child has come: a version means something within its epoch only. */
export interface Reached {
  readonly epoch: string;
  readonly version: number;
}

/** A child as its database says, in one moment. `reached` is null where nothing was ever shared. */
export interface ReadChild {
  readonly reached: Reached | null;
  readonly child: Child;
}

/** Up to where a child has come. */
export async function reachedBy({ db }: Pick<Store, "db">, tenantId: string): Promise<Reached | null> {
  const row = await db
    .selectFrom("sync_state")
    .select(["log_epoch", "version"])
    .where("tenant_id", "=", tenantId)
    .executeTakeFirst();
  return row ? reachedOf(row) : null;
}

const reachedOf = (row: Row): Reached => ({ epoch: String(row.log_epoch), version: Number(row.version) });

/** What a child has from the control plane, and what of its own stands where something shared belongs. One round trip. */
export async function readChild(store: Store, tenantId: string, shared: Shared): Promise<ReadChild> {
  const kinds = KINDS.filter((kind) => shared.has(kind));
  const { db } = store;
  const own = (table: string) => db.selectFrom(table).where("tenant_id", "=", tenantId);
  const results = await store.batch([
    own("sync_state").select(["log_epoch", "version"]),
    own("synced_entities").select(["entity", "origin_id", "local_id", "hash"]),
    own("role_permissions")
      .select(["role_id", "resource_server_identifier", "permission_name"])
      .where("role_id", "in", concerned(tenantId, "role", shared)),
    ...kinds.map((kind) => rowsOfKind(store, tenantId, kind, shared)),
  ]);
  const [state, links, permissions, ...rows] = results.map((result) => result.rows);
  const byRole = permissionsOf(permissions ?? []);
  return {
    reached: state?.[0] ? reachedOf(state[0]) : null,
    child: {
      links: linksOf(links ?? []),
      rows: new Map(kinds.map((kind, index) => [kind, decodedRows(store, tenantId, kind, rows[index] ?? [], byRole)])),
    },
  };
}

function rowsOfKind(store: Store, tenantId: string, kind: Kind, shared: Shared): Compilable {
  const { definition, label } = KIND_RULES[kind];
  const labels = JSON.stringify((shared.get(kind) ?? []).map((entity) => entity.label));
  return store.db
    .selectFrom(definition.table)
    .select([...storedColumns(definition)])
    .where("tenant_id", "=", tenantId)
    .where(({ or, eb }) =>
      or([
        eb("id", "in", concerned(tenantId, kind, shared)),
        eb(label, "in", sql<string>`(select value from json_each(${labels}))`),
      ]),
    );
}

/** The ids that rows have which came from the control plane, or would have if they came now. */
function concerned(tenantId: string, kind: Kind, shared: Shared): RawBuilder<string> {
  const origins = JSON.stringify((shared.get(kind) ?? []).map(({ originId }) => originId));
  return sql<string>`(
    select local_id from synced_entities where tenant_id = ${tenantId} and entity = ${kind}
    union select value from json_each(${origins})
  )`;
}

function decodedRows(
  store: Store,
  tenantId: string,
  kind: Kind,
  rows: StatementResult["rows"],
  permissions: ReadonlyMap<string, readonly Permission[]>,
): ChildRow[] {
  const { definition } = KIND_RULES[kind];
  const place = placeOf(definition, tenantId, store.keyRing);
  return rows.map((row) => {
    const id = String(row.id);
    return { id, content: contentOf(kind, decodeRow(definition, row, place), permissions.get(id)) };
  });
}

/** Permissions by role, from rows of `role_permissions`. */
export function permissionsOf(rows: StatementResult["rows"]): ReadonlyMap<string, readonly Permission[]> {
  const byRole = new Map<string, Permission[]>();
  for (const { role_id, resource_server_identifier, permission_name } of rows) {
    const permission: Permission = [String(resource_server_identifier), String(permission_name)];
    const known = byRole.get(String(role_id));
    if (known) known.push(permission);
    else byRole.set(String(role_id), [permission]);
  }
  return byRole;
}

function linksOf(rows: StatementResult["rows"]): ReadonlyMap<Kind, readonly Link[]> {
  const links = rows.map((row) => ({
    kind: String(row.entity),
    originId: String(row.origin_id),
    localId: String(row.local_id),
    hash: String(row.hash),
  }));
  return new Map(KINDS.map((kind) => [kind, links.filter((link) => link.kind === kind)]));
}
