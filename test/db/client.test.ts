import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kysely, sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openClient } from "../../src/db/client.ts";
import type { Database } from "../../src/db/database.ts";
import { openFile } from "../../src/db/native.ts";
import { type Sqld, sqldMissing, startSqld } from "../support/sqld.ts";
import { ticksDuring } from "./support.ts";

interface Tables {
  note: { body: string };
}

const statement = (text: string, ...parameters: unknown[]) => ({ sql: text, parameters });
const kyselyOf = (database: Database) => new Kysely<Tables>({ dialect: database.dialect });
const bodies = async (database: Database) =>
  (await kyselyOf(database).selectFrom("note").select("body").execute()).map(({ body }) => body);

describe.skipIf(sqldMissing)("a client of a libSQL server", () => {
  let sqld: Sqld;
  let namespace: string;
  let count = 0;

  beforeAll(async () => {
    sqld = await startSqld();
  });
  afterAll(() => sqld.stop());

  beforeEach(async () => {
    namespace = `ns-${++count}`;
    await sqld.createNamespace(namespace);
    await connect().batch([statement("create table note (body text not null)")]);
  });

  const connect = (ask: typeof fetch = sqld.fetchFor(namespace), timeoutMs = 5_000) =>
    openClient({ url: sqld.url, fetch: ask, timeoutMs });

  /** Runs `fault` instead of, or around, the request for the first `times` requests; counts all of them. */
  function faulty(times: number, fault: (send: () => Promise<Response>) => Promise<Response>) {
    const send = sqld.fetchFor(namespace);
    const seen = { requests: 0 };
    const ask: typeof fetch = (input, init) => {
      seen.requests += 1;
      return seen.requests <= times ? fault(() => send(input, init)) : send(input, init);
    };
    return { ask, seen };
  }

  const fail = (code: string) => () =>
    Promise.reject(new TypeError("fetch failed", { cause: Object.assign(new Error(code), { code }) }));
  const answer = (status: number) => () => Promise.resolve(new Response(null, { status }));
  const loseAnswer = async (send: () => Promise<Response>) => {
    await send();
    return fail("UND_ERR_SOCKET")();
  };

  it.each([
    ["a refused connection", fail("ECONNREFUSED")],
    ["an unknown name", fail("ENOTFOUND")],
    ["status 404", answer(404)],
    ["status 429", answer(429)],
    ["status 503", answer(503)],
  ])("repeats a write after %s, because it cannot have run", async (_name, fault) => {
    const { ask, seen } = faulty(2, fault);
    const database = connect(ask);

    await database.batch([statement("insert into note values ('once')")]);

    expect(seen.requests).toBe(3);
    expect(await bodies(database)).toEqual(["once"]);
  });

  it("never repeats a write whose answer was lost", async () => {
    const { ask, seen } = faulty(1, loseAnswer);
    const database = connect(ask);

    const lost = database.batch([statement("insert into note values ('once')")]);

    await expect(lost).rejects.toMatchObject({ code: "unavailable", reason: "database_unreachable" });
    expect(seen.requests).toBe(1);
    expect(await bodies(database)).toEqual(["once"]);
  });

  it("never repeats a transaction whose commit was lost, and shows that error", async () => {
    let calls = 0;
    const send = sqld.fetchFor(namespace);
    const database = connect((input, init) =>
      ++calls === 2 ? loseAnswer(() => send(input, init)) : send(input, init),
    );

    const lost = kyselyOf(database)
      .transaction()
      .execute((trx) => trx.insertInto("note").values({ body: "once" }).execute());

    await expect(lost).rejects.toMatchObject({ code: "unavailable", reason: "database_unreachable" });
    expect(await bodies(database)).toEqual(["once"]);
  });

  it("repeats a write that the server has refused as busy, because it cannot have run", async () => {
    const send = sqld.fetchFor(namespace);
    const seen = { requests: 0 };
    const database = connect(async (input, init) => {
      seen.requests += 1;
      return seen.requests <= 2 ? await busy(new Request(input, init)) : await send(input, init);
    });

    await database.batch([statement("insert into note values ('once')")]);

    expect(seen.requests).toBe(3);
    expect(await bodies(database)).toEqual(["once"]);
  });

  /** What the server answers to a few of some hundred writers at once: the lock was not to be had for BEGIN. */
  async function busy(request: Request): Promise<Response> {
    const { requests } = (await request.json()) as { requests: { type: string; batch?: { steps: unknown[] } }[] };
    const error = { message: "SQLite error: database is locked", code: "SQLITE_BUSY" };
    const results = requests.map(({ type, batch }) => {
      if (!batch) return { type: "ok", response: { type } };
      const none = batch.steps.map(() => null);
      return { type: "ok", response: { type, result: { step_results: none, step_errors: [error, ...none.slice(1)] } } };
    });
    return Response.json({ baton: null, base_url: null, results });
  }

  it("repeats a read whose answer was lost", async () => {
    const { ask, seen } = faulty(1, loseAnswer);

    expect(await bodies(connect(ask))).toEqual([]);
    expect(seen.requests).toBe(2);
  });

  it.each([
    [401, "database_refused"],
    [403, "database_refused"],
    [404, "database_unreachable"],
    [429, "database_busy"],
    [500, "database_unreachable"],
    [503, "database_unreachable"],
  ])("reports status %i that does not go away as %s", async (status, reason) => {
    const { ask } = faulty(Number.POSITIVE_INFINITY, answer(status));

    const refused = connect(ask).batch([statement("insert into note values ('never')")]);

    await expect(refused).rejects.toMatchObject({ code: "unavailable", reason });
  });

  it("sends what was refused once more where there are other credentials by now, and once only", async () => {
    const asked = { before: 0, refused: 0 };
    const renewing = (isRenewed: boolean) => () => {
      asked.before += 1;
      return () => {
        asked.refused += 1;
        return Promise.resolve(isRenewed);
      };
    };
    const insert = (refusals: number, isRenewed: boolean) => {
      const { ask, seen } = faulty(refusals, answer(401));
      const database = openClient({ url: sqld.url, fetch: ask, renewing: renewing(isRenewed) });
      return { seen, done: database.batch([statement("insert into note values ('once')")]) };
    };

    const renewed = insert(1, true);
    await renewed.done;
    expect(renewed.seen.requests).toBe(2);
    expect(await bodies(connect())).toEqual(["once"]);
    const [twice, not] = [insert(2, true), insert(1, false)];
    await expect(twice.done).rejects.toMatchObject({ reason: "database_refused" });
    await expect(not.done).rejects.toMatchObject({ reason: "database_refused" });
    expect([twice.seen.requests, not.seen.requests]).toEqual([2, 1]);
    expect(asked).toEqual({ before: 3, refused: 3 });
  });

  it("gives up on a server that accepts and never answers", async () => {
    const silent = createServer(() => {}).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const address = silent.address();
    const port = typeof address === "object" ? address?.port : 0;
    const database = openClient({ url: `http://127.0.0.1:${port}`, timeoutMs: 50 });

    const hanging = database.batch([statement("insert into note values ('never')")]);

    await expect(hanging).rejects.toMatchObject({ code: "unavailable", reason: "database_unreachable" });
    silent.close();
  });

  it("runs a batch in one request", async () => {
    const { ask, seen } = faulty(0, answer(500));

    await connect(ask).batch([
      statement("insert into note values ('a')"),
      statement("insert into note values ('b')"),
      statement("select * from note"),
    ]);

    expect(seen.requests).toBe(1);
  });

  it("names a blocked, a full and a locked-away database", async () => {
    const configure = (body: object) =>
      fetch(`${sqld.adminUrl}/v1/namespaces/${namespace}/config`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    const { publicKey } = generateKeyPairSync("ed25519");
    const jwtKey = publicKey.export({ format: "jwk" }).x;
    const insert = () => connect().batch([statement("insert into note values (hex(randomblob(200000)))")]);

    await configure({ block_reads: false, block_writes: true, block_reason: "suspended" });
    await expect(insert()).rejects.toMatchObject({ code: "unavailable", reason: "database_blocked" });
    expect(await bodies(connect())).toEqual([]);

    await configure({ block_reads: false, block_writes: false, max_db_size: "100KB" });
    await expect(insert()).rejects.toMatchObject({ code: "unavailable", reason: "database_full" });

    await configure({ block_reads: false, block_writes: false, jwt_key: jwtKey });
    await expect(insert()).rejects.toMatchObject({ code: "unavailable", reason: "database_refused" });
  });

  it("never lets a statement escape from a transaction that a full disk has ended", async () => {
    const small = `small-${namespace}`;
    await sqld.createNamespace(small, { max_db_size: "100KB" });
    const database = connect(sqld.fetchFor(small));
    await database.batch([statement("create table note (body text not null)")]);

    const escaping = kyselyOf(database)
      .transaction()
      .execute(async (trx) => {
        await expect(sql`insert into note values (hex(randomblob(200000)))`.execute(trx)).rejects.toMatchObject({
          reason: "database_full",
        });
        await trx.insertInto("note").values({ body: "escaped" }).execute();
      });

    await expect(escaping).rejects.toMatchObject({ code: "unavailable", reason: "transaction_lost" });
    expect(await bodies(database)).toEqual([]);
  });
});

describe("a client of a file that somebody else has locked", () => {
  let directory: string;
  let database: Database;
  let other: Database;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), "client-"));
    database = openClient({ url: `file:${join(directory, "one.db")}` });
    await database.batch([statement("create table note (body text not null)")]);
    other = await openFile(join(directory, "one.db"));
    return async () => {
      await Promise.all([database.close(), other.close()]);
      rmSync(directory, { recursive: true, force: true });
    };
  });

  it("reports a write as done only when others can see it", async () => {
    const holder = await kyselyOf(other).startTransaction().execute();
    const write = kyselyOf(database).insertInto("note").values({ body: "reported" }).execute();
    await new Promise((resolve) => setTimeout(resolve, 10));

    await holder.rollback().execute();
    await write;

    expect(await bodies(other)).toEqual(["reported"]);
  });

  it("waits without blocking, loses no write and reads nothing stale afterwards", async () => {
    const holder = await kyselyOf(other).startTransaction().execute();
    await holder.insertInto("note").values({ body: "held" }).execute();

    const writes = Promise.all([
      database.batch([statement("insert into note values ('batch')")]),
      kyselyOf(database).insertInto("note").values({ body: "alone" }).execute(),
      kyselyOf(database)
        .transaction()
        .execute((trx) => trx.insertInto("note").values({ body: "transaction" }).execute()),
    ]);
    const ticks = await ticksDuring(() => new Promise((resolve) => setTimeout(resolve, 50)));
    await holder.commit().execute();
    await writes;

    expect(ticks).toBeGreaterThan(5);
    expect((await bodies(other)).sort()).toEqual(["alone", "batch", "held", "transaction"]);
    await other.batch([statement("insert into note values ('last')")]);
    expect(await bodies(database)).toHaveLength(5);
  });
});
