import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { Kysely, sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database } from "../../src/db/database.ts";
import { openFile } from "../../src/db/native.ts";
import {
  type Application,
  api,
  createTenant,
  discover,
  furnish,
  logIn,
  managementOf,
  managementToken,
} from "../support/clients.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { rowhouse } from "./program.ts";

/** Every command is a process of its own, and so is the server. */
const PATIENCE_MS = 300_000;

let server: RunningServer;
let token: string;
let application: Application;
let backups: string;
const here = (more: Readonly<Record<string, string>> = {}) => ({
  ...{ DATA_DIR: server.directory, PORT: String(server.port) },
  ...more,
});
/** Whoever opens a copy leaves its companions. */
const kept = () => readdirSync(backups).filter((name) => !/-(?:wal|shm)$/.test(name));
const inBackups = (name: string) => join(backups, name);
const backUp = async (tenant: string, name: string, env = here()) => {
  const { code, stdout, stderr } = await rowhouse(["backup", tenant, inBackups(name), "--json"], env);
  return { code, made: stdout && JSON.parse(stdout), error: stderr && JSON.parse(stderr).error };
};

beforeAll(async () => {
  server = await startServer();
  backups = join(server.directory, "backups");
  mkdirSync(backups);
  token = await managementToken(server);
  await createTenant(server, token, "acme");
  await createTenant(server, token, "beta");
  application = await furnish(server, token, "acme");
}, PATIENCE_MS);
afterAll(() => server.remove());

/** What stands in a file, opened as nothing else opens it. */
async function inFile<T>(path: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = await openFile(path);
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}
const rowsIn = (path: string, sql: string) =>
  inFile(path, async (database) => (await database.batch([{ sql, parameters: [] }]))[0]?.rows ?? []);

const databaseOf = async (tenantId: string): Promise<{ database: string; tag: string; generation: number }> => {
  const [row] = await rowsIn(
    join(server.directory, "control-plane.db"),
    `select database, tag, generation from rh_placements where tenant_id = '${tenantId}'`,
  );
  return row as { database: string; tag: string; generation: number };
};
const fileOf = async (tenantId: string) =>
  join(server.directory, "tenants", `${(await databaseOf(tenantId)).database}.db`);

const addUser = (tenantId: string, name: string) =>
  managementOf(server, token, tenantId).users.create({
    connection: "Username-Password-Authentication",
    email: `${name}@${tenantId}.example`,
    password: application.password,
    email_verified: true,
  });
const lastBackupOf = async (tenantId: string) => {
  const answer = await api(server, token, `/tenants/${tenantId}/database`);
  return ((await answer.json()) as { last_backup: string | null }).last_backup;
};
const emailsIn = async (path: string) =>
  (await rowsIn(path, "select email from users order by email")).map(({ email }) => String(email));

// In their order: what is put back was copied before.
describe("beside a running server", { timeout: PATIENCE_MS }, () => {
  it("copies a tenant's database as it is at one moment, while it is written to", async () => {
    let isOver = false;
    const written: string[] = [];
    const writing = (async () => {
      for (let count = 0; !isOver; count += 1) {
        await addUser("acme", `during-${count}`);
        written.push(`during-${count}@acme.example`);
      }
    })();
    while (written.length < 3) await new Promise((resolve) => setTimeout(resolve, 10));
    const before = [...written];

    const { code, made } = await backUp("acme", "acme.db");
    isOver = true;
    await writing;

    const { database, tag, generation } = await databaseOf("acme");
    expect({ code, made }).toEqual({
      code: 0,
      made: {
        ...{ tenant: "acme", database, file: inBackups("acme.db"), bytes: statSync(inBackups("acme.db")).size },
        recorded_at: expect.stringMatching(/^\d{4}-.*Z$/),
      },
    });
    expect(await lastBackupOf("acme")).toBe(made.recorded_at);
    expect(readdirSync(backups)).toEqual(["acme.db"]);
    expect(statSync(inBackups("acme.db")).mode & 0o777).toBe(0o600);
    expect(await emailsIn(inBackups("acme.db"))).toEqual(expect.arrayContaining([application.email, ...before]));
    const [owner] = await rowsIn(inBackups("acme.db"), "select tenant_id, tag, generation from database_identity");
    expect(owner).toEqual({ tenant_id: "acme", tag, generation });
    const checked = await inFile(inBackups("acme.db"), ({ dialect }) =>
      sql`pragma integrity_check`.execute(new Kysely({ dialect })),
    );
    expect(checked.rows).toEqual([{ integrity_check: "ok" }]);
  });

  it("shows no secret that was sealed", () => {
    expect(readFileSync(inBackups("acme.db")).includes(application.clientSecret)).toBe(false);
  });

  it("leaves a file that is there as it is, and names it", async () => {
    writeFileSync(inBackups("taken.db"), "somebody's");

    const { code, error } = await backUp("acme", "taken.db");

    expect(code).toBe(1);
    expect(error).toMatchObject({ reason: "file_exists", message: expect.stringContaining(inBackups("taken.db")) });
    expect(readFileSync(inBackups("taken.db"), "utf8")).toBe("somebody's");
    rmSync(inBackups("taken.db"));
  });

  it("copies the control plane's database under the control plane's own id", async () => {
    const { code, made } = await backUp("control_plane", "control-plane.db");

    expect({ code, made }).toMatchObject({ code: 0, made: { tenant: "control_plane", database: "control-plane" } });
    const ids = await rowsIn(inBackups("control-plane.db"), "select tenant_id from rh_placements order by tenant_id");
    expect(ids.map(({ tenant_id }) => tenant_id)).toEqual(["acme", "beta", "control_plane"]);
  });

  it("is what the tenant's last backup is said to be; one that has failed is none", async () => {
    const first = await lastBackupOf("acme");
    const again = await backUp("acme", "again.db");
    rmSync(inBackups("again.db"));

    expect(Date.parse(again.made.recorded_at)).toBeGreaterThan(Date.parse(String(first)));
    await backUp("acme", "acme.db");
    expect(await lastBackupOf("acme")).toBe(again.made.recorded_at);
    expect(await lastBackupOf("beta")).toBeNull();
  });

  it("is made also where the control plane cannot be told, and that is said", async () => {
    const control = join(server.directory, "control-plane.db");
    const before = await lastBackupOf("acme");
    await rowsIn(
      control,
      "create trigger closed before update of last_backup on rh_placements begin select raise(abort, 'closed'); end",
    );
    const { code, stdout, stderr } = await rowhouse(["backup", "acme", inBackups("untold.db")], here());
    await rowsIn(control, "drop trigger closed");
    rmSync(inBackups("untold.db"));

    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/does not know of this copy/) });
    expect(stdout).toMatch(/^recorded at\t-$/m);
    expect(await lastBackupOf("acme")).toBe(before);
  });

  it("tells what is nobody's, what cannot be written, and what is no file", async () => {
    const [unknown, nowhere] = await Promise.all([backUp("nobody", "nobody.db"), backUp("acme", "no/where.db")]);

    expect(unknown).toMatchObject({ code: 1, error: { reason: "tenant_not_found" } });
    expect(unknown.error.message).toMatch(/nobody.*rowhouse tenants list/);
    expect(nowhere).toMatchObject({ code: 2, error: { reason: "file_unwritable" } });
    expect(nowhere.error.message).toMatch(/no\/where\.db cannot be written \(ENOENT\)/);
    expect(kept().sort()).toEqual(["acme.db", "control-plane.db"]);
  });

  it.each([
    ["turso", /is no file: it is at turso\. Instead, restore it to a point in time/],
    ["libsql-server", /is no file: it is at libsql-server\. Instead, make a backup of the libSQL server/],
  ])("says what to do instead for a tenant at %s", async (provider, message) => {
    const key = join(server.directory, "encryption.key");
    const env = here({
      ...{ ENCRYPTION_KEY_FILE: key, TURSO_ORGANIZATION: "acme", TURSO_API_TOKEN: "a-token" },
      ...{ LIBSQL_SERVER_URL: "http://127.0.0.1:9", LIBSQL_SERVER_ADMIN_URL: "http://127.0.0.1:9" },
      LIBSQL_SERVER_ADMIN_KEY: "k".repeat(32),
    });
    const move = (to: string) =>
      rowsIn(
        join(server.directory, "control-plane.db"),
        `update rh_placements set provider = '${to}' where tenant_id = 'beta'`,
      );
    await move(provider);

    const { code, error } = await backUp("beta", "beta.db", env);
    await move("file");

    expect({ code, error }).toEqual({
      code: 2,
      error: { code: "invalid", reason: "no_files", message: expect.stringMatching(message) },
    });
  });

  it("refuses another tenant's database that lies where the tenant's should, and leaves no file", async () => {
    const [acme, beta] = [await fileOf("acme"), await fileOf("beta")];
    const put = async (from: string) => {
      for (const part of ["", "-wal", "-shm"]) rmSync(`${beta}${part}`, { force: true });
      await copyFile(from, beta);
    };
    renameSync(beta, `${beta}.aside`);
    await put(inBackups("acme.db"));

    const { code, error } = await backUp("beta", "beta.db");
    await put(`${beta}.aside`);
    rmSync(`${beta}.aside`);

    expect({ code, error }).toMatchObject({ code: 1, error: { reason: "database_mismatch" } });
    expect(kept().sort()).toEqual(["acme.db", "control-plane.db"]);
    expect(acme).not.toBe(beta);
  });
});

describe("what was copied, put back", { timeout: PATIENCE_MS }, () => {
  /** As the runbook says: the service has ended, and nothing of what was there stays beside it. */
  async function putBack(prepare: (file: string) => Promise<void> = async () => {}): Promise<void> {
    await server.stop();
    const file = await fileOf("acme");
    for (const part of ["", "-wal", "-shm"]) rmSync(`${file}${part}`, { force: true });
    await copyFile(inBackups("acme.db"), file);
    await prepare(file);
    server = await startServer({ directory: server.directory, port: server.port });
  }
  const signIn = async () =>
    await logIn(application, await discover(application.issuer, application.clientId, application.clientSecret));

  it("serves logins, and is as it was", async () => {
    await addUser("acme", "afterwards");
    await managementOf(server, token, "acme").clients.delete(application.clientId);

    await putBack();

    expect((await signIn()).tokens.claims()?.email).toBe(application.email);
    expect(await emailsIn(await fileOf("acme"))).not.toContain("afterwards@acme.example");
  });

  it("is brought up to date when it is older than this version", async () => {
    const script = readFileSync("migrations/tenant/0004_sessions.sql", "utf8");
    const tables = [...script.matchAll(/CREATE TABLE (\w+)/g)].map(([, table]) => `drop table ${table}`);
    await putBack((file) =>
      inFile(file, async (database) => {
        const statements = [...tables, "delete from schema_migrations where id = '0004_sessions'"];
        await database.batch(statements.map((each) => ({ sql: each, parameters: [] })));
      }),
    );

    expect((await signIn()).tokens.claims()?.email).toBe(application.email);
  });
});
