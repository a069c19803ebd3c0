import Database from "libsql";
import type { Adapter, AdapterFactory, AdapterPayload } from "oidc-provider";

interface StoredRow {
  readonly payload: string;
  readonly consumed_at: number | null;
  readonly expires_at: number | null;
}

/**
 * Everything that `oidc-provider` stores, clients included, in one libSQL file as its documentation describes an adapter:
 * native `libsql` with kept statements, which is the fastest way to a local file.
 */
export function libsqlAdapter(path: string): AdapterFactory {
  const database = new Database(path);
  // As our own files are opened.
  database.exec("pragma journal_mode = wal; pragma synchronous = full");
  database.exec(`create table if not exists stored (
    model text not null, id text not null, payload text not null, grant_id text, uid text, user_code text,
    expires_at integer, consumed_at integer, primary key (model, id)) strict, without rowid;
    create index if not exists stored_by_grant on stored (grant_id) where grant_id is not null;
    create index if not exists stored_by_uid on stored (model, uid) where uid is not null;
    create index if not exists stored_by_user_code on stored (model, user_code) where user_code is not null;`);
  const columns = "select payload, consumed_at, expires_at from stored where model = ?";
  const byId = database.prepare(`${columns} and id = ?`);
  const byUid = database.prepare(`${columns} and uid = ?`);
  const byUserCode = database.prepare(`${columns} and user_code = ?`);
  const upsert = database.prepare(`insert into stored (model, id, payload, grant_id, uid, user_code, expires_at)
    values (?, ?, ?, ?, ?, ?, ?) on conflict (model, id) do update set payload = excluded.payload,
    grant_id = excluded.grant_id, uid = excluded.uid, user_code = excluded.user_code, expires_at = excluded.expires_at`);
  const consume = database.prepare("update stored set consumed_at = ? where model = ? and id = ?");
  const destroy = database.prepare("delete from stored where model = ? and id = ?");
  const revoke = database.prepare("delete from stored where grant_id = ?");

  return (model): Adapter => ({
    upsert(id, payload, expiresIn) {
      const { grantId = null, uid = null, userCode = null } = payload;
      const expiresAt = expiresIn ? seconds() + expiresIn : null;
      upsert.run([model, id, JSON.stringify(payload), grantId, uid, userCode, expiresAt]);
      return Promise.resolve();
    },
    find: (id) => Promise.resolve(payloadOf(byId.get([model, id]))),
    findByUid: (uid) => Promise.resolve(payloadOf(byUid.get([model, uid]))),
    findByUserCode: (userCode) => Promise.resolve(payloadOf(byUserCode.get([model, userCode]))),
    consume(id) {
      consume.run([seconds(), model, id]);
      return Promise.resolve();
    },
    destroy(id) {
      destroy.run([model, id]);
      return Promise.resolve();
    },
    revokeByGrantId(grantId) {
      revoke.run([grantId]);
      return Promise.resolve();
    },
  });
}

const seconds = () => Math.floor(Date.now() / 1_000);

function payloadOf(row: unknown): AdapterPayload | undefined {
  const { payload, consumed_at, expires_at } = (row ?? {}) as Partial<StoredRow>;
  if (payload === undefined || (expires_at && expires_at < seconds())) return undefined;
  return { ...JSON.parse(payload), ...(consumed_at && { consumed: consumed_at }) };
}
