import type { Connection, ResourceServer, Role } from "@authhero/adapter-interfaces";
import { type Definition, decodeRow, placeOf, storedColumns } from "../entities/entity.ts";
import type { Store } from "../entities/store.ts";
import type { SharedVersion } from "./apply.ts";
import { permissionsOf } from "./child.ts";
import { hashOf, KIND_RULES } from "./kinds.ts";
import { type Head, headQuery, recordDigest } from "./log.ts";
import type { SyncRules } from "./rules.ts";
import { type Stock, shareOf } from "./shared.ts";

/** Reads what the control plane shares, and which version of it that is. One round trip, and one for the record. */
export async function readShared(store: Store, tenantId: string, rules: SyncRules): Promise<SharedVersion> {
  const { head, stock } = await readStock(store, tenantId);
  const shared = shareOf(rules, stock);
  const digest = hashOf([rules.onCollision ?? "keep", [...shared]]);
  return { ...(await recordDigest(store, head, digest)), shared };
}

/** Everything on the control plane of the kinds that are shared, and where the log stands. One round trip. */
export async function readStock(store: Store, tenantId: string): Promise<{ head: Head; stock: Stock }> {
  const own = (table: string) => store.db.selectFrom(table).where("tenant_id", "=", tenantId);
  const all = ({ table, ...definition }: Definition) =>
    own(table)
      .select([...storedColumns({ table, ...definition })])
      .orderBy("id");
  const { resource_server, role, connection } = KIND_RULES;
  const results = await store.batch([
    headQuery(store, tenantId),
    all(resource_server.definition),
    all(role.definition),
    all(connection.definition),
    own("role_permissions").select(["role_id", "resource_server_identifier", "permission_name"]),
  ]);
  const [heads, apis, roles, connections, permissions] = results.map(({ rows }) => rows);
  const decoded = <T>(definition: Definition, rows: typeof heads): T[] =>
    // Each definition was checked against its contract type where it stands.
    (rows ?? []).map((row) => decodeRow(definition, row, placeOf(definition, tenantId, store.keyRing)) as T);
  const stock = {
    resourceServers: decoded<ResourceServer>(resource_server.definition, apis),
    roles: decoded<Role>(role.definition, roles),
    connections: decoded<Connection>(connection.definition, connections),
    permissions: permissionsOf(permissions ?? []),
  };
  return { head: headOf(heads?.[0]), stock };
}

/** Without a log nothing has a version. */
function headOf(row: Readonly<Record<string, unknown>> | undefined): Head {
  if (!row) throw new Error("the sync log is not set up");
  return { epoch: String(row.epoch), version: Number(row.version) };
}
