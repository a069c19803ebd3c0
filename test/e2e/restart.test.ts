import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { Kysely, sql } from "kysely";
import { afterEach, describe, expect, it } from "vitest";
import { openFile } from "../../src/db/native.ts";
import { api, managementToken } from "../support/clients.ts";
import { type RunningServer, type ServerOptions, startServer } from "../support/server.ts";

/** Several starts, on a machine that may be busy. */
const TEST_MS = 300_000;

const running: RunningServer[] = [];
const start = async (options: ServerOptions = {}) => {
  const server = await startServer(options);
  running.push(server);
  return server;
};
afterEach(async () => {
  for (const server of running.splice(0).reverse()) await server.remove();
}, TEST_MS);

/** Users are made over connections that are kept, by several at once, until it is stopped. */
function load(server: RunningServer, token: string) {
  const made: string[] = [];
  const wrong: unknown[] = [];
  let isOver = false;
  const work = async (worker: number) => {
    for (let number = 0; !isOver; number += 1) {
      const email = `w${worker}-${number}@acme.example`;
      const body = { connection: "Username-Password-Authentication", email, password: "Correct-Horse-1" };
      const init = { method: "POST", body: JSON.stringify(body) };
      const answer = await api(server, token, "/users", init).catch(() => null);
      // Refused, or lost before there was an answer: whoever asked knows that it may not have happened.
      if (answer === null) await new Promise((resolve) => setTimeout(resolve, 20));
      else if (answer.status !== 201) wrong.push([answer.status, await answer.text()]);
      // What has begun to be answered is answered whole.
      else await answer.json().then(() => made.push(email), wrong.push.bind(wrong));
    }
  };
  const working = Promise.all([1, 2, 3, 4].map(work));
  return {
    made,
    wrong,
    async stop() {
      isOver = true;
      await working;
    },
  };
}

const ALONE = { connection: "close" };

/** Gives the client `machine`, which is made when it is not there, another secret. */
async function changeSecret(server: RunningServer, token: string, secret: string): Promise<void> {
  const send = (method: string, path: string, body: object) =>
    api(server, token, path, { method, headers: ALONE, body: JSON.stringify(body) });
  const changed = await send("PATCH", "/clients/machine", { client_secret: secret });
  if (changed.ok) return;
  const client = { client_id: "machine", client_secret: secret, name: "Machine", grant_types: ["client_credentials"] };
  expect((await send("POST", "/clients", client)).status).toBe(201);
  const audience = `${server.issuer}api/v2/`;
  expect((await send("POST", "/client-grants", { client_id: "machine", audience, scope: [] })).status).toBe(201);
}

async function tokenStatus(server: RunningServer, secret: string): Promise<number> {
  const body = { client_id: "machine", client_secret: secret, grant_type: "client_credentials" };
  const audience = `${server.issuer}api/v2/`;
  const answer = await fetch(`${server.issuer}oauth/token`, {
    method: "POST",
    headers: { ...ALONE, "content-type": "application/json" },
    body: JSON.stringify({ ...body, audience }),
  });
  await answer.arrayBuffer();
  return answer.status;
}

const moreThan = (list: readonly unknown[], count: number) =>
  expect.poll(() => list.length, { timeout: 120_000, interval: 50 }).toBeGreaterThan(count);

/** The process ids of its workers. */
const workersOf = ({ pid }: RunningServer) =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");

/** What the control plane's own tenant has kept, when nobody serves it any more. */
async function kept({ directory }: RunningServer) {
  const database = await openFile(join(directory, "control-plane.db"));
  const db = new Kysely<unknown>({ dialect: database.dialect });
  const users = await sql<{ email: string }>`select email from users`.execute(db);
  const left = await sql`select id from outbox_events where processed_at is null`.execute(db);
  const processes = await sql`select id from rh_processes`.execute(db);
  await database.close();
  return { emails: new Set(users.rows.map(({ email }) => email)), left: left.rows, processes: processes.rows };
}

describe.each(["1", "2"])("with WORKERS=%s, under load", (workers) => {
  const env = { WORKERS: workers };

  it("an end and another start lose nothing that was answered", { timeout: TEST_MS }, async () => {
    const first = await start({ env });
    const busy = load(first, await managementToken(first));
    await moreThan(busy.made, 10);

    expect(await first.stop()).toBe(0);

    const before = busy.made.length;
    const { emails, left, processes } = await kept(first);
    expect(busy.made.filter((email) => !emails.has(email))).toEqual([]);
    expect([left, processes]).toEqual([[], []]);

    const second = await start({ directory: first.directory, port: first.port, env });
    await moreThan(busy.made, before + 10);
    await busy.stop();
    expect(await second.stop()).toBe(0);

    const after = await kept(second);
    expect(busy.wrong).toEqual([]);
    expect(busy.made.filter((email) => !after.emails.has(email))).toEqual([]);
    expect([after.left, after.processes]).toEqual([[], []]);
  });
});

describe("of several workers", () => {
  it.skipIf(process.platform !== "linux")(
    "each knows at once what another has changed",
    { timeout: TEST_MS },
    async () => {
      const server = await start({ env: { WORKERS: "3", LOG_LEVEL: "debug" } });
      const token = await managementToken(server);
      const workers = workersOf(server);
      /** The answers to as many requests, on connections of their own, as reach every worker. */
      const ofAll = async (secret: string) => {
        const from = server.output().length;
        const answeredBy = (pid: string) =>
          new RegExp(`"pid":${pid},.*"route":"token"`).test(server.output().slice(from));
        const statuses = new Set<number>();
        do {
          const some = await Promise.all(Array.from({ length: 6 }, () => tokenStatus(server, secret)));
          for (const status of some) statuses.add(status);
        } while (!workers.every(answeredBy));
        return statuses;
      };

      for (let round = 0; round < 5; round += 1) {
        await changeSecret(server, token, `before-${round}`);
        expect(await ofAll(`before-${round}`)).toEqual(new Set([200]));
        await changeSecret(server, token, `after-${round}`);
        expect(await ofAll(`before-${round}`)).toEqual(new Set([401]));
        expect(await ofAll(`after-${round}`)).toEqual(new Set([200]));
      }
    },
  );

  it.skipIf(process.platform !== "linux")(
    "one that is killed is replaced, and nothing is lost that was answered",
    { timeout: TEST_MS },
    async () => {
      const server = await start({ env: { WORKERS: "2", LOG_LEVEL: "info" } });
      const workers = () => workersOf(server);
      const begun = workers();
      const busy = load(server, await managementToken(server));
      await moreThan(busy.made, 10);

      process.kill(Number(begun[0]), "SIGKILL");

      await expect.poll(() => workers().filter((pid) => !begun.includes(pid)).length, { timeout: 60_000 }).toBe(1);
      await moreThan(busy.made, busy.made.length + 10);
      await busy.stop();
      expect(server.output()).toContain('"event":"worker.died"');
      expect(await server.stop()).toBe(0);
      const { emails } = await kept(server);
      expect(busy.wrong).toEqual([]);
      expect(busy.made.filter((email) => !emails.has(email))).toEqual([]);
    },
  );
});

describe("a signal", () => {
  it("waits for a request under way, and a second one does not", { timeout: TEST_MS }, async () => {
    const server = await start();
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    const head = `POST /oauth/token HTTP/1.1\r\nhost: localhost:${server.port}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`;
    await new Promise<void>((resolve) => socket.write(head, () => resolve()));
    // It has begun by the time another one is answered.
    expect((await fetch(`http://127.0.0.1:${server.port}/healthz`)).status).toBe(200);

    await server.signal("SIGTERM");
    const refused = () =>
      fetch(`http://127.0.0.1:${server.port}/healthz`, { headers: { connection: "close" } }).then(
        () => false,
        () => true,
      );
    await expect.poll(refused, { timeout: 30_000 }).toBe(true);

    expect(await server.stop()).toBe(1);
    socket.destroy();
  });
});
