import { type Compilable, type RawBuilder, sql } from "kysely";
import { PlatformError } from "../domain/errors.ts";
import { holdsConnection, withoutConnection } from "../entities/connection-list.ts";
import { encodeRow, placeOf } from "../entities/entity.ts";
import { nowOf, type Store } from "../entities/store.ts";
import { type Reached, readChild } from "./child.ts";
import { KIND_RULES, type Kind, type Permission } from "./kinds.ts";
import { type Change, type Plan, planFor } from "./plan.ts";
import type { Shared } from "./shared.ts";

/** What every child is to have, and the version that this is. */
export interface SharedVersion extends Reached {
  readonly shared: Shared;
}

/** A child's own administrator, or another process, may come in between; not five times in a row. */
const ATTEMPTS_MAX = 5;

/**
 * Brings a child to what is shared, in one batch, and returns what there was to do. It looks at what there is and not
 * at what has happened: repeating it is harmless, and a crash leaves the child as it was.
 * Throws `conflict` (`sync_contended`) when the child changed under its hands each time it tried.
 */
export async function applyShared(
  store: Store,
  tenantId: string,
  target: SharedVersion,
  onCollision: "keep" | "adopt" = "keep",
): Promise<Plan> {
  let cause: unknown;
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
    const { reached, child } = await readChild(store, tenantId, target.shared);
    const plan = planFor(target.shared, child, onCollision);
    if (plan.changes.length === 0 && reached && isAt(reached, target)) return plan;
    try {
      const results = await store.batch(statementsFor(store, tenantId, { plan, reached, target }));
      if (results.at(-1)?.changes) return plan;
    } catch (error) {
      // An entity of its own took the name after it was looked at: then it is a collision.
      if (!(error instanceof PlatformError && error.reason === "unique_violation")) throw error;
      cause = error;
    }
  }
  throw new PlatformError("conflict", "sync_contended", `The tenant ${tenantId} changes while it is synced`, { cause });
}

export const isAt = (reached: Reached, target: Reached): boolean =>
  reached.epoch === target.epoch && reached.version === target.version;

interface Application {
  readonly plan: Plan;
  readonly reached: Reached | null;
  readonly target: Reached;
}

/** Where the writing happens, and only while the child is where it was read. */
interface Site {
  readonly store: Store;
  readonly tenantId: string;
  readonly stillThere: RawBuilder<boolean>;
}

function statementsFor(store: Store, tenantId: string, { plan, reached, target }: Application): Compilable[] {
  const state = sql`select 1 from sync_state where tenant_id = ${tenantId}`;
  const stillThere = reached
    ? sql<boolean>`exists (${state} and log_epoch = ${reached.epoch} and version = ${reached.version})`
    : sql<boolean>`not exists (${state})`;
  const site = { store, tenantId, stillThere };
  const removals = plan.changes.filter((change) => change.action === "remove");
  const writes = plan.changes.filter((change) => change.action !== "remove");
  return [
    ...removals.flatMap((change) => removal(site, change)),
    ...writes.filter(({ action }) => action === "update").map((change) => parking(site, change)),
    ...writes.flatMap((change) => writing(site, change)),
    // Last: whoever comes second finds that the child is no longer where it was.
    compiled(
      site,
      sql`insert into sync_state (tenant_id, log_epoch, version)
        select ${tenantId}, ${target.epoch}, ${target.version} where ${stillThere}
        on conflict (tenant_id) do update set log_epoch = excluded.log_epoch, version = excluded.version`,
    ),
  ];
}

const compiled = ({ store: { db } }: Site, statement: RawBuilder<unknown>): Compilable => ({
  compile: () => statement.compile(db) as ReturnType<Compilable["compile"]>,
});

type Write = Exclude<Change, { action: "remove" }>;

/** Two that exchange their names would meet half-way. */
function parking(site: Site, { kind, localId, label: wanted }: Write): Compilable {
  const { definition, label } = KIND_RULES[kind];
  return site.store.db
    .updateTable(definition.table)
    .set({ [label]: sql`'\n' || id` })
    .where("tenant_id", "=", site.tenantId)
    .where("id", "=", localId)
    .where(label, "!=", wanted)
    .where(site.stillThere);
}

function writing(site: Site, change: Write): Compilable[] {
  const { kind, originId, localId, hash } = change;
  return [
    change.action === "create" ? insertion(site, change) : update(site, change),
    ...(kind === "role" ? permissionsOf(site, change) : []),
    compiled(
      site,
      sql`insert into synced_entities (tenant_id, entity, origin_id, local_id, hash)
        select ${site.tenantId}, ${kind}, ${originId}, ${localId}, ${hash} where ${site.stillThere}
        on conflict (tenant_id, entity, origin_id) do update set local_id = excluded.local_id, hash = excluded.hash`,
    ),
  ];
}

/** Every column that is shared, those that are not set included: what the control plane cleared is cleared. */
function columnsOf({ store, tenantId }: Site, { kind, content, localId }: Write) {
  const { definition } = KIND_RULES[kind];
  const { permissions: _permissions, ...fields } = content;
  const row = encodeRow(definition, { ...fields, id: localId }, placeOf(definition, tenantId, store.keyRing));
  const shared = KIND_RULES[kind].fields.filter((field) => definition.columns[field]?.home === "column");
  return { ...Object.fromEntries(shared.map((field) => [field, null])), ...row };
}

function insertion(site: Site, change: Write): Compilable {
  const now = Date.parse(nowOf(site.store));
  const row = { tenant_id: site.tenantId, ...columnsOf(site, change), created_at: now, updated_at: now };
  const columns = Object.keys(row).map((column) => sql.ref(column));
  return compiled(
    site,
    sql`insert into ${sql.table(KIND_RULES[change.kind].definition.table)} (${sql.join(columns)})
      select ${sql.join(Object.values(row))} where ${site.stillThere}`,
  );
}

function update(site: Site, change: Write): Compilable {
  return site.store.db
    .updateTable(KIND_RULES[change.kind].definition.table)
    .set({ ...columnsOf(site, change), ...withoutSecrets(change.kind), updated_at: Date.parse(nowOf(site.store)) })
    .where("tenant_id", "=", site.tenantId)
    .where("id", "=", change.localId)
    .where(site.stillThere);
}

/** Of an API that is adopted: whose secret it is, it is not the tenant's any more. */
const withoutSecrets = (kind: Kind) => (kind === "resource_server" ? { signing_secret: null } : {});

function permissionsOf(site: Site, { content, localId }: Write): Compilable[] {
  const { db } = site.store;
  const wanted = JSON.stringify(content.permissions as readonly Permission[]);
  const each = sql`select value ->> 0 as api, value ->> 1 as scope from json_each(${wanted})`;
  return [
    db
      .deleteFrom("role_permissions")
      .where("tenant_id", "=", site.tenantId)
      .where("role_id", "=", localId)
      .where(sql<boolean>`(resource_server_identifier, permission_name) not in (${each})`)
      .where(site.stillThere),
    compiled(
      site,
      sql`insert or ignore into role_permissions
          (tenant_id, role_id, resource_server_identifier, permission_name, created_at)
        select ${site.tenantId}, ${localId}, api, scope, ${Date.parse(nowOf(site.store))} from (${each})
        where ${site.stillThere}`,
    ),
  ];
}

/** A row with all that hangs on it, as its own adapter removes it. */
function removal(site: Site, { kind, originId, localId }: Change): Compilable[] {
  const { store, tenantId, stillThere } = site;
  const from = (table: string, column: string, value: unknown) =>
    store.db.deleteFrom(table).where("tenant_id", "=", tenantId).where(column, "=", value).where(stillThere);
  const identifier = sql`(select identifier from resource_servers where tenant_id = ${tenantId} and id = ${localId})`;
  const dependants: Readonly<Record<Kind, () => Compilable[]>> = {
    resource_server: () =>
      ["role_permissions", "user_permissions"].flatMap((table) => [
        from(table, "resource_server_identifier", localId),
        from(table, "resource_server_identifier", identifier),
      ]),
    role: () => ["role_permissions", "user_roles"].map((table) => from(table, "role_id", localId)),
    connection: () => [
      ...["organization_connections", "scim_configurations", "scim_tokens", "scim_external_ids"].map((table) =>
        from(table, "connection_id", localId),
      ),
      store.db
        .updateTable("clients")
        .set({ connections: withoutConnection(localId), updated_at: Date.parse(nowOf(store)) })
        .where("tenant_id", "=", tenantId)
        .where(holdsConnection(localId))
        .where(stillThere),
    ],
  };
  return [
    ...dependants[kind](),
    from(KIND_RULES[kind].definition.table, "id", localId),
    from("synced_entities", "entity", kind).where("origin_id", "=", originId),
  ];
}
