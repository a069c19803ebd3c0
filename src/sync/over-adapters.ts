import type { DataAdapters } from "@authhero/adapter-interfaces";
import { everyRow } from "../domain/pages.ts";
import { type Content, contentOf, hashOf, KINDS, type Kind, type Permission } from "./kinds.ts";
import { type Change, type Child, type ChildRow, type Collision, type Link, planFor } from "./plan.ts";
import type { Shared, SharedEntity, Stock } from "./shared.ts";

/** In the metadata of a row that came from the control plane: its origin there. Nobody else's table is ours to add to. */
const ORIGIN = "synced_origin";

/** What a tenant has, asked of whatever adapters it has. */
export async function stockOf(adapters: DataAdapters, tenantId: string): Promise<Stock> {
  const [resourceServers, roles, connections] = await Promise.all([
    everyRow(async (page) => (await adapters.resourceServers.list(tenantId, page)).resource_servers),
    everyRow(async (page) => (await adapters.roles.list(tenantId, page)).roles),
    everyRow(async (page) => (await adapters.connections.list(tenantId, page)).connections),
  ]);
  const permissions = new Map<string, readonly Permission[]>();
  for (const { id } of roles) {
    const granted = await everyRow((page) => adapters.rolePermissions.list(tenantId, id, page));
    permissions.set(
      id,
      granted.map((each): Permission => [each.resource_server_identifier, each.permission_name]),
    );
  }
  return { resourceServers, roles, connections, permissions };
}

/**
 * Makes a tenant equal to what is shared, through its adapters: one call after the other, so that a failure in between
 * leaves the rest for the next time. Returns what of its own stands in the way.
 */
export async function applyOver(
  adapters: DataAdapters,
  tenantId: string,
  shared: Shared,
  onCollision: "keep" | "adopt",
): Promise<readonly Collision[]> {
  const child = childOf(await stockOf(adapters, tenantId), shared);
  const { changes, collisions } = planFor(marked(shared), child, onCollision);
  const removals = changes.filter(({ action }) => action === "remove");
  const others = changes.filter(({ action }) => action !== "remove");
  for (const change of [...removals, ...others]) await carryOut(adapters, tenantId, change, child);
  return collisions;
}

const marked = (shared: Shared): Shared =>
  new Map([...shared].map(([kind, entities]) => [kind, entities.map((entity) => withOrigin(entity))]));

function withOrigin(entity: SharedEntity): SharedEntity {
  const metadata = { ...(entity.content.metadata as object | undefined), [ORIGIN]: entity.originId };
  return { ...entity, content: { ...entity.content, metadata } };
}

function childOf(stock: Stock, shared: Shared): Child {
  const all: Readonly<Record<Kind, readonly object[]>> = {
    resource_server: stock.resourceServers,
    role: stock.roles,
    connection: stock.connections,
  };
  const rows = new Map<Kind, ChildRow[]>();
  const links = new Map<Kind, Link[]>();
  for (const kind of KINDS.filter((each) => shared.has(each))) {
    const found = all[kind].map((row) => rowOf(kind, row, stock));
    rows.set(kind, found);
    links.set(kind, found.flatMap(linkOf));
  }
  return { rows, links };
}

function rowOf(kind: Kind, row: object, { permissions }: Stock): ChildRow {
  const { id } = row as { id: string };
  return { id, content: contentOf(kind, row, permissions.get(id)) };
}

function linkOf({ id, content }: ChildRow): Link[] {
  const origin = (content.metadata as Record<string, unknown> | undefined)?.[ORIGIN];
  const isOurs = content.is_system === true && typeof origin === "string";
  return isOurs ? [{ originId: origin, localId: id, hash: hashOf(content) }] : [];
}

const MEMBER = { resource_server: "resourceServers", role: "roles", connection: "connections" } as const;

/** What the three have in common; each takes the content of its own kind. */
interface Collection {
  create(tenantId: string, input: object): Promise<{ id?: string }>;
  update(tenantId: string, id: string, patch: object): Promise<boolean>;
  remove(tenantId: string, id: string): Promise<boolean>;
}

async function carryOut(adapters: DataAdapters, tenantId: string, change: Change, child: Child): Promise<void> {
  const collection = adapters[MEMBER[change.kind]] as unknown as Collection;
  if (change.action === "remove") {
    await collection.remove(tenantId, change.localId);
    return;
  }
  const { permissions, ...fields } = change.content;
  const before = child.rows.get(change.kind)?.find(({ id }) => id === change.localId)?.content;
  let { localId } = change;
  if (change.action === "create") {
    localId = (await collection.create(tenantId, { ...fields, id: localId })).id ?? localId;
  } else {
    await collection.update(tenantId, localId, { ...cleared(before), ...fields });
  }
  if (change.kind !== "role") return;
  await grant(adapters, tenantId, localId, permissions as readonly Permission[], before);
}

/** What the control plane has no more is cleared, not kept. */
const cleared = (before: Content | undefined): object =>
  Object.fromEntries(
    Object.keys(before ?? {})
      .filter((field) => field !== "permissions")
      .map((field) => [field, null]),
  );

async function grant(
  { rolePermissions }: DataAdapters,
  tenantId: string,
  roleId: string,
  wanted: readonly Permission[],
  before: Content | undefined,
): Promise<void> {
  const had = (before?.permissions ?? []) as readonly Permission[];
  const isIn = (list: readonly Permission[]) => {
    const keys = new Set(list.map((permission) => permission.join("\n")));
    return (permission: Permission) => keys.has(permission.join("\n"));
  };
  const named = ([resource_server_identifier, permission_name]: Permission) => ({
    role_id: roleId,
    resource_server_identifier,
    permission_name,
  });
  const gone = had.filter((permission) => !isIn(wanted)(permission)).map(named);
  const added = wanted.filter((permission) => !isIn(had)(permission)).map(named);
  if (gone.length > 0) await rolePermissions.remove(tenantId, roleId, gone);
  if (added.length > 0) await rolePermissions.assign(tenantId, roleId, added);
}
