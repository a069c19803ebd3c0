import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import type { Database, Statement } from "../db/database.ts";
import type { Store } from "../entities/store.ts";

/** What is watched: a table of the control plane, what its rows are in the log, and the column with the id. */
const WATCHED = [
  ["resource_servers", "resource_server", "id"],
  ["roles", "role", "id"],
  ["role_permissions", "role_permission", "role_id"],
  ["connections", "connection", "id"],
] as const;

const EVENTS = [
  ["INSERT", ["NEW"]],
  ["UPDATE", ["OLD", "NEW"]],
  ["DELETE", ["OLD"]],
] as const;

const PREFIX = "rh_sync_";

/** The triggers that write the log, by name: in the database itself, so that no writer can forget it. */
const TRIGGERS: ReadonlyMap<string, string> = new Map(
  WATCHED.flatMap(([table, entity, id]) =>
    EVENTS.map(([event, rows]) => {
      const name = `${PREFIX}${table}_${event.toLowerCase()}`;
      const notes = rows.map((row) => noteOf(entity, `${row}.tenant_id`, `${row}.${id}`));
      return [name, `CREATE TRIGGER ${name} AFTER ${event} ON ${table} BEGIN ${notes.join(" ")} END`] as const;
    }),
  ),
);

/** The row it had goes, so that the log is no longer than what it tells of. */
function noteOf(entity: string, tenantId: string, id: string): string {
  const replaced = `DELETE FROM rh_sync_log WHERE tenant_id = ${tenantId} AND entity = '${entity}' AND origin_id = ${id};`;
  const noted = `INSERT INTO rh_sync_log (tenant_id, entity, origin_id) VALUES (${tenantId}, '${entity}', ${id});`;
  return `${replaced} ${noted} ${toldOf(tenantId)}`;
}

/** Every process reads the changes once a second. */
function toldOf(tenantId: string): string {
  return `DELETE FROM rh_changes WHERE tenant_id = ${tenantId}; INSERT INTO rh_changes (tenant_id) VALUES (${tenantId});`;
}

/**
 * Makes the triggers of the log where they are missing or not as they should be: a migration that rebuilds a table drops
 * them. What happened without them nobody knows, so a new epoch begins, and every child is looked at again.
 * To be called after every migration of the control plane. Returns whether there was something to do.
 */
export async function ensureSyncLog(database: Database): Promise<boolean> {
  const [found] = await database.batch([
    statement(
      `select name, sql from sqlite_master where type = 'trigger' and substr(name, 1, ${PREFIX.length}) = ?`,
      PREFIX,
    ),
  ]);
  const there = new Map((found?.rows ?? []).map(({ name, sql }) => [String(name), String(sql)]));
  const isSound = there.size === TRIGGERS.size && [...TRIGGERS].every(([name, text]) => there.get(name) === text);
  if (isSound) return false;
  await database.batch([
    ...[...there.keys(), ...TRIGGERS.keys()].map((name) => statement(`drop trigger if exists "${name}"`)),
    ...[...TRIGGERS.values()].map((text) => statement(text)),
    newEpoch(),
    statement(FORGET_VERSIONS),
  ]);
  return true;
}

const statement = (text: string, ...parameters: unknown[]): Statement => ({ sql: text, parameters });

const newEpoch = (): Statement =>
  statement(
    `insert into rh_sync_head (id, epoch) values (1, ?)
     on conflict (id) do update set epoch = excluded.epoch, version = 0, digest = ''`,
    randomUUID(),
  );

/** What the registry remembers of each tenant says nothing any more: -1 is no version. */
const FORGET_VERSIONS = "update rh_placements set synced_version = -1";

/** Where the log stands. */
export interface Head {
  readonly epoch: string;
  readonly version: number;
}

/** The newest version of what the control plane has, in its epoch. One statement. */
export async function readHead({ db }: Pick<Store, "db">, tenantId: string): Promise<Head> {
  const row = await headQuery({ db }, tenantId).executeTakeFirstOrThrow();
  return { epoch: String(row.epoch), version: Number(row.version) };
}

export const headQuery = ({ db }: Pick<Store, "db">, tenantId: string) =>
  db
    .selectFrom("rh_sync_head")
    .select("epoch")
    .select(
      sql<number>`(select coalesce(max(version), 0) from rh_sync_log where tenant_id = ${tenantId})`.as("version"),
    );

/**
 * Notes what a version was found to be. The same version with another content follows other rules, which an earlier
 * start did not have: then a new epoch begins, and is returned.
 */
export async function recordDigest({ db, batch }: Store, head: Head, digest: string): Promise<Head> {
  const epoch = randomUUID();
  const own = db.updateTable("rh_sync_head").where("id", "=", 1).where("epoch", "=", head.epoch);
  const results = await batch([
    own.set({ epoch, digest }).where("version", "=", head.version).where("digest", "not in", ["", digest]),
    own.set({ version: head.version, digest }).where("version", "<=", head.version),
    db
      .updateTable("rh_placements")
      .set({ synced_version: -1 })
      .where(({ exists, selectFrom }) => exists(selectFrom("rh_sync_head").select("id").where("epoch", "=", epoch))),
  ]);
  return results[0]?.changes ? { epoch, version: head.version } : head;
}
