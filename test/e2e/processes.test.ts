import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kysely, sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openFile } from "../../src/db/native.ts";
import { api, createTenant, furnish, managementToken } from "../support/clients.ts";
import { freePort } from "../support/program.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { sqldMissing, startSqld } from "../support/sqld.ts";

/** Far longer than anything here takes; a machine may be busy. */
const PATIENCE_MS = 120_000;

/** A tenant in this file has three of them, at most. */
const TEST_MS = 3 * PATIENCE_MS;

interface Pair {
  readonly directory: string;
  readonly here: RunningServer;
  readonly there: RunningServer;
  /** For the management API of both. */
  readonly token: string;
}

/** Two processes that serve the same tenants, begun at the same moment over nothing. */
async function startPair(env: Readonly<Record<string, string>>): Promise<Pair> {
  const directory = mkdtempSync(join(tmpdir(), "pair-"));
  const ports = [await freePort(), await freePort()];
  const issuer = `http://localhost:${ports[0]}/`;
  const [here, there] = await Promise.all(
    ports.map((port) => startServer({ directory, port, env: { ISSUER: issuer, ...env } })),
  );
  if (!here || !there) throw new Error("two processes were started");
  return { directory, here, there, token: await managementToken(here) };
}

const PLACES = [
  { name: "a file", missing: null, open: () => Promise.resolve({ env: {}, close: () => Promise.resolve() }) },
  {
    name: "a libSQL server",
    missing: sqldMissing,
    async open() {
      const server = await startSqld([], { namespaces: false });
      const env = { CONTROL_PLANE_DATABASE_URL: server.url, ENCRYPTION_KEY: "0a".repeat(32) };
      return { env, close: server.stop };
    },
  },
];

describe.each(PLACES)("two processes on one control plane in $name", ({ missing, open }) => {
  let place: { env: Readonly<Record<string, string>>; close(): Promise<void> };
  let pair: Pair;
  beforeAll(async () => {
    if (missing) return;
    place = await open();
    pair = await startPair(place.env);
  }, TEST_MS);
  afterAll(async () => {
    if (missing) return;
    await pair.here.remove();
    await pair.there.remove();
    await place.close();
  }, TEST_MS);

  it.skipIf(missing)(
    "begin together, and a tenant that one makes is served by both",
    { timeout: TEST_MS },
    async () => {
      const { here, there, token, directory } = pair;
      await createTenant(here, token, "first");

      for (const server of [here, there]) {
        expect((await pageAt(server, "first", "/.well-known/openid-configuration")).status).toBe(200);
      }
      expect((await api(there, token, "/tenants/first")).status).toBe(200);
      expect(readFileSync(join(directory, "first-login.txt"), "utf8").match(/^client secret:/gm)).toHaveLength(1);
      const clients = (await (await api(there, token, "/clients")).json()) as { name: string }[];
      expect(clients.filter(({ name }) => name === "Rowhouse management")).toHaveLength(1);
    },
  );

  it.skipIf(missing)("see what the other changes: a suspension, a client, a key", { timeout: TEST_MS }, async () => {
    const { here, there, token } = pair;
    await createTenant(here, token, "viewed");
    await furnish(here, token, "viewed", CLIENT_ID);
    const headers = { "tenant-id": "viewed" };
    const elsewhere = authorization("http://elsewhere.localhost/callback");
    const statusAt = async (server: RunningServer) => (await pageAt(server, "viewed", elsewhere)).status;
    const keysAt = async (server: RunningServer) => (await pageAt(server, "viewed", "/.well-known/jwks.json")).text();
    expect(await statusAt(there)).toBe(400);
    const keys = await keysAt(there);

    const body = JSON.stringify({ callbacks: ["http://elsewhere.localhost/callback"] });
    expect((await api(here, token, `/clients/${CLIENT_ID}`, { method: "PATCH", body, headers })).status).toBe(200);
    await until(async () => (await statusAt(there)) === 302);

    expect((await api(here, token, "/keys/signing/rotate", { method: "POST", headers })).status).toBe(201);
    await until(async () => (await keysAt(there)) !== keys);

    await api(here, token, "/tenants/viewed/suspend", { method: "POST" });
    await until(async () => (await statusAt(there)) === 403);
    await api(there, token, "/tenants/viewed/reactivate", { method: "POST" });
    await until(async () => (await statusAt(here)) === 302);
  });

  it.skipIf(missing)("write nothing after the fence when one deletes a tenant", { timeout: TEST_MS }, async () => {
    const { here, there, token, directory } = pair;
    await createTenant(here, token, "acme");
    await furnish(here, token, "acme", CLIENT_ID);
    const busy = traffic(there, token, "acme");
    await until(() => Promise.resolve(busy.made.length > 10));

    const answer = await api(here, token, "/tenants/acme", { method: "DELETE" });

    const atTheFence = await usersOfDeleted(directory);
    // Whoever had not heard of it would have by then, and would have written.
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await busy.stop();
    expect(answer.status).toBe(204);
    expect(await usersOfDeleted(directory)).toEqual(atTheFence);
    expect(atTheFence).toEqual(expect.arrayContaining(busy.made));
    expect([...busy.statuses].filter((status) => ![201, 302, 404, 503].includes(status))).toEqual([]);
    expect(busy.statuses).toContain(404);

    expect((await api(there, token, "/tenants/acme/undelete", { method: "POST" })).status).toBe(200);
    const page = authorization("http://app.localhost/callback");
    await until(async () => (await pageAt(here, "acme", page)).status === 302);
    expect((await api(here, token, "/tenants/acme?purge=true", { method: "DELETE" })).status).toBe(204);
  });

  it.skipIf(missing)("wait for one that is stopped until it goes on", { timeout: TEST_MS }, async () => {
    const { there } = pair;
    await deleteWhileStopped(pair, "paused", () => there.signal("SIGCONT"));
  });

  it.skipIf(missing)("wait for one that is stopped until it dies, and then no more", { timeout: TEST_MS }, async () => {
    const { here, there, token } = pair;
    await createTenant(here, token, "second");
    await deleteWhileStopped(pair, "orphaned", () => there.signal("SIGKILL"));

    // A fence that waited would end in 503.
    expect((await api(here, token, "/tenants/second", { method: "DELETE" })).status).toBe(204);
  });
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error("it has not come to pass");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const pageAt = ({ port }: RunningServer, tenantId: string, path: string) =>
  // A connection each: one that is kept may be closed by the server in the moment it is used again.
  fetch(`http://${tenantId}.localhost:${port}${path}`, { redirect: "manual", headers: { connection: "close" } });

const CLIENT_ID = "web";
const authorization = (redirectUri: string) =>
  `/authorize?${new URLSearchParams({ client_id: CLIENT_ID, response_type: "code", scope: "openid", redirect_uri: redirectUri })}`;

/** Users are made in a tenant, and login pages are asked for, as fast as they are answered, until it is stopped. */
function traffic(server: RunningServer, token: string, tenantId: string) {
  const statuses = new Set<number>();
  const made: string[] = [];
  let isOver = false;
  const makeUsers = async (worker: number) => {
    for (let number = 0; !isOver; number += 1) {
      const email = `w${worker}-${number}@acme.example`;
      const body = { connection: "Username-Password-Authentication", email, password: "Correct-Horse-1" };
      const init = {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "tenant-id": tenantId, connection: "close" },
      };
      const answer = await api(server, token, "/users", init);
      await answer.text();
      statuses.add(answer.status);
      if (answer.ok) made.push(email);
    }
  };
  const askPages = async () => {
    while (!isOver) {
      const answer = await pageAt(server, tenantId, authorization("http://app.localhost/callback"));
      await answer.text();
      statuses.add(answer.status);
    }
  };
  const working = Promise.all([makeUsers(1), makeUsers(2), askPages()]);
  return {
    made,
    statuses,
    async stop() {
      isOver = true;
      await working;
    },
  };
}

const deletedFiles = (directory: string) =>
  readdirSync(join(directory, "tenants", "deleted")).filter((file) => file.endsWith(".db"));

/** Everybody in the one database that is put away. */
async function usersOfDeleted(directory: string): Promise<string[]> {
  const [name = "", ...others] = deletedFiles(directory);
  if (others.length > 0) throw new Error("more than one tenant is deleted");
  const database = await openFile(join(directory, "tenants", "deleted", name));
  try {
    const db = new Kysely<unknown>({ dialect: database.dialect });
    const { rows } = await sql<{ email: string }>`select email from users order by email`.execute(db);
    return rows.map(({ email }) => email);
  } finally {
    await database.close();
  }
}

/** Deletes a tenant that a stopped process may be using; nothing is put away before `resume`. */
async function deleteWhileStopped({ here, there, token, directory }: Pair, id: string, resume: () => Promise<void>) {
  await createTenant(here, token, id);
  expect((await pageAt(there, id, "/.well-known/openid-configuration")).status).toBe(200);
  const before = deletedFiles(directory);
  const operation = async () => {
    const [newest] = (await (await api(here, token, `/tenants/${id}/operations`)).json()) as Record<string, unknown>[];
    return newest ?? {};
  };
  await there.signal("SIGSTOP");

  const headers = { prefer: "respond-async" };
  expect((await api(here, token, `/tenants/${id}`, { method: "DELETE", headers })).status).toBe(202);
  await until(async () => /^served_elsewhere/.test(String((await operation()).error)));
  expect(await operation()).toMatchObject({ kind: "delete", status: "running", step: "fence" });
  expect(deletedFiles(directory)).toEqual(before);

  await resume();
  await until(async () => (await operation()).status === "done");
  expect(deletedFiles(directory)).toHaveLength(before.length + 1);
}
