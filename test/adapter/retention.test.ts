import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AuditEventInsert, DataAdapters, RefreshTokenInsert } from "@authhero/adapter-interfaces";
import { type Client, createClient, type InStatement } from "@libsql/client";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createAdapters, migrateToLatest } from "../../src/adapter.ts";
import { type Sqld, sqldMissing, startSqld } from "../support/sqld.ts";

const LONG_AGO = "2025-01-01T00:00:00.000Z";
const CUTOFF = "2025-06-01T00:00:00.000Z";
const NOW = "2026-01-01T00:00:00.000Z";

/** More than a chunk, so that two are needed; and what others may have to wait for. */
const OLD_ROWS = 600;
const CHUNK_ROWS_MAX = 500;

/**
 * Three rows each, so fewer than the 20 requests a client has under way at most. With all 20 taken by writes the server
 * now and then answers none of them, and a ready-made client waits for ever; that is not what is tried here.
 */
const MADE_AT_ONCE = 5;

let directory: string;
let sqld: Sqld | undefined;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "retention-"));
  if (!sqldMissing) sqld = await startSqld();
});
afterAll(async () => {
  await sqld?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const PLACES = {
  "a file: client": {
    excuse: null,
    open: (name: string) => Promise.resolve(createClient({ url: `file:${join(directory, `${name}.db`)}` })),
  },
  "a client of a libSQL server": {
    excuse: sqldMissing,
    async open(name: string) {
      await sqld?.createNamespace(name);
      return createClient({ url: sqld?.url ?? "", fetch: sqld?.fetchFor(name) ?? fetch });
    },
  },
};

/** Notes how many rows each single statement has deleted from then on. */
function watchDeletes(client: Client): number[] {
  const deleted: number[] = [];
  const execute = client.execute.bind(client);
  Object.assign(client, {
    async execute(statement: Exclude<InStatement, string>) {
      const result = await execute(statement);
      if (/^delete/i.test(statement.sql)) deleted.push(result.rowsAffected);
      return result;
    },
  });
  return deleted;
}

describe.each(Object.entries(PLACES))("retention over %s", (_name, { excuse, open }) => {
  const sweeps = it.skipIf(excuse);
  let now: string;
  let adapters: DataAdapters;
  let deleted: number[];
  let count = 0;

  beforeEach(async () => {
    const client = await open(`retention-${++count}`);
    await migrateToLatest(client);
    now = LONG_AGO;
    adapters = createAdapters(client, { clock: () => new Date(now) });
    deleted = watchDeletes(client);
  });

  /** Makes the old rows, then one that is still good. */
  async function fill<T>(create: (id: string, expires_at: string) => Promise<T>): Promise<T[]> {
    const old: T[] = [];
    while (old.length < OLD_ROWS) {
      const some = Array.from({ length: MADE_AT_ONCE }, (_, index) => `old-${old.length + index}`);
      old.push(...(await Promise.all(some.map((id) => create(id, LONG_AGO)))));
    }
    now = NOW;
    return [...old, await create("good", "2026-01-02T00:00:00.000Z")];
  }

  const expectChunks = (times: number) => {
    expect(deleted).toEqual(Array.from({ length: times }, () => [CHUNK_ROWS_MAX, OLD_ROWS - CHUNK_ROWS_MAX]).flat());
  };

  sweeps("deletes expired codes", async () => {
    const { codes } = adapters;
    await fill((code_id, expires_at) => codes.create("t", { code_id, expires_at, code_type: "otp", login_id: "l" }));

    expect(await codes.cleanup(CUTOFF)).toBe(OLD_ROWS);

    expectChunks(1);
    expect((await codes.list("t")).codes).toMatchObject([{ code_id: "good" }]);
  });

  sweeps("deletes processed outbox events", async () => {
    const { outbox } = adapters;
    if (!outbox) throw new Error("no outbox");
    const ids = await fill(() => outbox.create("t", EVENT));
    now = LONG_AGO;
    await outbox.markProcessed(ids.slice(0, OLD_ROWS));

    expect(await outbox.cleanup(CUTOFF)).toBe(OLD_ROWS);

    expectChunks(1);
    expect(await outbox.getByIds(ids)).toMatchObject([{ id: ids.at(-1) }]);
  });

  sweeps("deletes old action executions", async () => {
    const { actionExecutions } = adapters;
    await fill((id) => actionExecutions.create("t", { id, trigger_id: "post-login", status: "final", results: [] }));

    expect(await actionExecutions.cleanup?.(CUTOFF)).toBe(OLD_ROWS);

    expectChunks(1);
    expect(await actionExecutions.get("t", "good")).not.toBeNull();
    expect(await actionExecutions.get("t", "old-0")).toBeNull();
  });

  sweeps("deletes login sessions, sessions and refresh tokens that ended", async () => {
    const { loginSessions, sessions, refreshTokens, sessionCleanup } = adapters;
    const device = {} as RefreshTokenInsert["device"];
    const of = { user_id: "auth2|ann", device };
    const made = await fill(async (id, expires_at) => {
      const [login] = await Promise.all([
        loginSessions.create("t", { csrf_token: "c", authParams: { client_id: "web" }, expires_at }),
        sessions.create("t", { ...of, id, expires_at, login_session_id: "l", clients: [] }),
        refreshTokens.create("t", { ...of, id, expires_at, login_id: "l", ...TOKEN }),
      ]);
      return login.id;
    });

    await sessionCleanup?.();

    expectChunks(3);
    expect(await loginSessions.get("t", made.at(-1) ?? "")).not.toBeNull();
    expect((await sessions.list("t")).sessions).toMatchObject([{ id: "good" }]);
    expect((await refreshTokens.list("t")).refresh_tokens).toMatchObject([{ id: "good" }]);
  });
});

const EVENT: AuditEventInsert = {
  tenant_id: "t",
  event_type: "user.created",
  log_type: "ss",
  category: "user_action",
  actor: { type: "user", id: "auth2|ann" },
  target: { type: "user", id: "auth2|ann" },
  request: { method: "POST", path: "/", ip: "127.0.0.1" },
  hostname: "localhost",
  timestamp: LONG_AGO,
};
const TOKEN = { client_id: "web", rotating: false, resource_servers: [] };
