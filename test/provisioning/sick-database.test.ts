import { once } from "node:events";
import { createServer } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { libsqlServerProvider } from "../../provisioning/providers/libsql-server.ts";
import { tursoProvider } from "../../provisioning/providers/turso.ts";
import { type Illness, type Line, namespaceOf, startLine } from "../support/line.ts";
import { type Sqld, sqldMissing, startSqld } from "../support/sqld.ts";
import { startTurso } from "../support/turso.ts";
import { notesOf, type Street, streets, until } from "./street.ts";

const { street } = streets();
const adminKey = "k".repeat(32);

/** Enough for every place that might be shared: connections of a client, requests under way, turns. */
const CROWD = 60;

/** Nothing that is still unanswered was given up in this time. */
const LONG_MS = 120_000;
const SHORT_MS = 500;

const read = ({ pool }: Street, tenantId: string) => pool.use(tenantId, notesOf);

/** Many requests at once, and what has become of them so far: their answers, or the reasons of their failures. */
function crowd(made: Street, tenantId: string) {
  const outcomes: unknown[] = [];
  const all = Array.from({ length: CROWD }, async () =>
    outcomes.push(await read(made, tenantId).catch((error: { reason?: string }) => error.reason ?? error)),
  );
  return { outcomes, settled: () => Promise.all(all).then(() => outcomes) };
}

const unhurried = (request: Request) => new Request(request, { signal: null });

const times = <T>(value: T) => Array.from({ length: CROWD }, () => value);

describe.skipIf(sqldMissing)("a database on a libSQL server that is ill", () => {
  let sqld: Sqld;
  let line: Line;

  beforeAll(async () => {
    sqld = await startSqld([], { adminKey });
    line = await startLine(sqld.url);
  });
  afterAll(async () => {
    await line?.stop();
    await sqld?.stop();
  });
  afterEach(() => line.heal());

  /** Time runs out only for a database that is ill: a busy machine may be slow with the healthy ones. */
  const send: typeof fetch = (input, init) => {
    const request = new Request(input, init);
    return fetch(line.isIll(namespaceOf(request.headers.get("x-namespace-bin"))) ? request : unhurried(request));
  };

  /** Two tenants whose databases are made but closed: who asks for one opens it. */
  async function neighbours(timeoutMs: number) {
    const provider = libsqlServerProvider({ url: line.url, adminUrl: sqld.adminUrl, adminKey, timeoutMs, fetch: send });
    // A place for the sick one that is closed and the one that is opened, and one for the others.
    const made = await street({ provider, maxOpen: 3 });
    const { database } = await made.create("sick");
    await made.create("well");
    await Promise.all(["sick", "well"].map((tenantId) => made.pool.evict(tenantId)));
    return { made, database, infect: (illness: Illness) => line.infect(database, illness) };
  }

  const open = async (made: Street) => expect(await read(made, "sick")).toEqual(["seeded"]);
  const leaveClosed = () => Promise.resolve();

  describe.each([
    ["when it is opened", leaveClosed],
    ["while it is open", open],
  ])("%s", (_when, before) => {
    it.each(["silent", "slow"] as const)("holds up nobody else, as long as it is %s", async (illness) => {
      const { made, infect } = await neighbours(LONG_MS);
      await before(made);
      infect(illness);
      const sick = crowd(made, "sick");
      await until(() => Promise.resolve(line.held() > 0));

      // Opened while all of them wait, and served many times over.
      for (let round = 0; round < 3; round += 1) {
        expect(await crowd(made, "well").settled()).toEqual(times(["seeded"]));
      }
      expect(sick.outcomes).toEqual([]);

      line.heal();
      const outcomes = await sick.settled();
      if (illness === "slow") expect(outcomes).toEqual(times(["seeded"]));
      else for (const outcome of outcomes) expect(["database_unreachable", ["seeded"]]).toContainEqual(outcome);
    });

    it.each(["silent", "cut", "cut after it was carried out"] as const)(
      "is unavailable within its limit when it is %s, is then spared for a moment, and recovers by itself",
      async (illness) => {
        const { made, infect } = await neighbours(SHORT_MS);
        await before(made);
        infect(illness);

        for (const reason of await crowd(made, "sick").settled()) {
          expect(reason).toMatch(/^database_(?:unreachable|busy)$/);
        }
        // Whoever comes next finds out for all whether it is back, and then it is left alone.
        await crowd(made, "sick").settled();
        const asked = line.met();
        expect(await crowd(made, "sick").settled()).toEqual(times("database_unreachable"));
        expect(line.met()).toBe(asked);

        line.heal();
        await expect(read(made, "sick")).rejects.toMatchObject({ reason: "database_unreachable" });
        await until(async () => {
          made.time.ms += 1_000;
          return (await crowd(made, "sick").settled()).every((outcome) => Array.isArray(outcome));
        });
        expect(made.pool.stats()).toMatchObject({ leased: 0, waiting: 0 });
      },
    );
  });

  it("has no more than a client's share of connections, and whoever finds no turn in time is told", async () => {
    const { made, infect } = await neighbours(SHORT_MS);
    await open(made);
    infect("silent");
    const lease = await made.pool.lease("sick");
    let most = 0;
    const watch = setInterval(() => {
      most = Math.max(most, line.held());
    }, 5);

    const reasons = await Promise.all(
      Array.from({ length: 200 }, () =>
        notesOf(lease.entry).then(
          () => "answered",
          (error: { reason?: string }) => error.reason,
        ),
      ),
    );

    clearInterval(watch);
    lease.release();
    expect(new Set(reasons)).toEqual(new Set(["database_unreachable", "database_busy"]));
    expect(most).toBeLessThanOrEqual(20);
  });
});

describe.skipIf(sqldMissing)("a database at Turso whose host refuses connections", () => {
  it("is unavailable, holds up nobody else, and recovers by itself", async () => {
    const turso = await startTurso();
    const { port } = new URL(turso.url);
    let sickHost = "";
    const gone = await unusedPort();
    const provider = tursoProvider({
      ...turso.options,
      connect: (host: string) => ({ url: `http://127.0.0.1:${host === sickHost ? gone : port}/data/${host}/` }),
      // Readiness is waited for in no time.
      sleep: () => Promise.resolve(),
    });
    const made = await street({ provider });
    const sick = await made.create("sick");
    await made.create("well");
    await Promise.all(["sick", "well"].map((tenantId) => made.pool.evict(tenantId)));

    sickHost = sick.location?.locator ?? "";
    const refused = crowd(made, "sick");
    expect(await crowd(made, "well").settled()).toEqual(times(["seeded"]));
    expect(await refused.settled()).toEqual(times("database_not_ready"));

    sickHost = "";
    made.time.ms += 1_000;
    expect(await read(made, "sick")).toEqual(["seeded"]);
    await turso.stop();
  });
});

async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  await once(server.close(), "close");
  return typeof address === "object" && address ? address.port : 0;
}
