import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openFile } from "../../src/db/native.ts";
import { parseKeyRing } from "../../src/db/seal.ts";
import { managementToken } from "../support/clients.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { rowhouse } from "./program.ts";

/** Every command is a process of its own. */
const PATIENCE_MS = 300_000;

let server: RunningServer;
const here = () => ({ DATA_DIR: server.directory, PORT: String(server.port) });
const json = async (...args: string[]) => {
  const { code, stdout, stderr } = await rowhouse([...args, "--json"], here());
  return { code, stderr, value: stdout === "" ? undefined : JSON.parse(stdout) };
};

beforeAll(async () => {
  server = await startServer();
}, PATIENCE_MS);
afterAll(() => server.remove());

// In their order: each goes on with what those before it have made.
describe("beside a running server", { timeout: PATIENCE_MS }, () => {
  it("makes a tenant, tells its steps on the standard error, and prints it", async () => {
    const { code, stdout, stderr } = await rowhouse(["tenants", "create", "acme", "--name", "Acme & Sons"], here());

    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringMatching(/^ {2}create-database$/m) });
    expect(stdout).toMatch(/^id\tacme\nname\tAcme & Sons\nstate\tready\n/);
  });

  it("lets a tenant be made in the background, and shows its operation", async () => {
    const begun = await json("tenants", "create", "globex", "--no-wait");
    expect(begun).toMatchObject({ code: 0, value: { kind: "provision", tenant_id: "globex" } });

    const shown = await json("operations", "show", begun.value.id);
    expect(shown).toMatchObject({ code: 0, value: { id: begun.value.id, events: expect.any(Array) } });
    const listed = await rowhouse(["operations", "list", "--tenant", "globex"], here());
    expect(listed).toMatchObject({ code: 0, stdout: expect.stringMatching(`^${begun.value.id}\tprovision\t`) });
  });

  it("lists tenants, as lines and as JSON, by a prefix too", async () => {
    const [lines, some, listed] = await Promise.all([
      rowhouse(["tenants", "list"], here()),
      rowhouse(["tenants", "list", "--prefix", "ac"], here()),
      json("tenants", "list"),
    ]);

    expect(lines.stdout.split("\n").map((line) => line.split("\t")[0])).toContain("acme");
    expect(some.stdout).toMatch(/^acme\tAcme & Sons\tready\t[^\n]+\n$/);
    expect(listed.value.map(({ id }: { id: string }) => id)).toEqual(expect.arrayContaining(["acme", "globex"]));
  });

  it("suspends, reactivates, deletes, brings back and purges", async () => {
    for (const [verb, state] of [
      ["suspend", "suspended"],
      ["reactivate", "ready"],
      ["delete", "deleted"],
      ["undelete", "ready"],
    ] as const) {
      expect(await json("tenants", verb, "acme"), verb).toMatchObject({ code: 0, value: { id: "acme", state } });
    }
    expect(await json("tenants", "delete", "acme", "--purge")).toMatchObject({ code: 0, value: { state: "purged" } });
    expect(await json("tenants", "create", "acme")).toMatchObject({ code: 0, value: { state: "ready" } });
  });

  it("shows where a tenant's database is", async () => {
    expect(await json("tenants", "show", "acme")).toMatchObject({
      code: 0,
      value: { id: "acme", state: "ready", database: { provider: "file", health: "ok" } },
    });
  });

  it("asks the server where a host leads, without the data", async () => {
    const elsewhere = { DATA_DIR: join(server.directory, "nowhere"), ROWHOUSE_TOKEN: await managementToken(server) };
    const ask = (host: string) => rowhouse(["resolve", host, "--url", server.issuer], elsewhere);
    const [served, nobody, wrong] = await Promise.all([
      ask("acme.localhost"),
      ask("nobody.localhost"),
      ask("http://acme.localhost/"),
    ]);

    expect(served).toMatchObject({ code: 0, stdout: expect.stringMatching(/^tenant\tacme\nstate\tready\n/m) });
    expect(nobody).toMatchObject({ code: 1, stdout: expect.stringMatching(/^every request\t404 tenant_not_found$/m) });
    expect(wrong).toMatchObject({ code: 2, stderr: expect.stringMatching(/^error: host: must be /) });
  });

  it("tells a wrong id (2) from one that is nobody's (1) and one that is taken (1)", async () => {
    expect(await json("tenants", "create", "A_")).toMatchObject({ code: 2, stderr: expect.stringContaining("id: ") });
    expect(await json("tenants", "show", "nobody")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("tenant_not_found"),
    });
    expect(await json("tenants", "create", "acme")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("tenant_exists"),
    });
  });

  it("refuses to work on the data itself, and says who should", async () => {
    const { code, stderr } = await rowhouse(["migrate"], here());

    expect(code).toBe(1);
    expect(stderr).toMatch(/A server is at work on these data: .*process \d+/);
    expect(stderr).toContain(`--url ${server.issuer}`);
  });

  it("lets the server do it", async () => {
    const plan = await json("migrate", "--dry-run", "--url", server.issuer);
    expect(plan).toMatchObject({ code: 0, value: { kind: "migrate", dry_run: true, count: 0 } });

    const reconciled = await json("reconcile", "--url", server.issuer);
    expect(reconciled).toMatchObject({ code: 0, value: { kind: "reconcile-report", status: "done" } });

    const synced = await rowhouse(["sync", "verify", "--tenant", "acme", "--url", server.issuer], here());
    expect(synced).toMatchObject({ code: 0, stdout: expect.stringMatching(/^status\tdone\ndone\t1\n/m) });
    const change = JSON.stringify({ entity: "roles", set: { name: "Editor" } });
    const planned = await json("sync", "plan", "--change", change, "--url", server.issuer);
    expect(planned).toMatchObject({ code: 0, value: { kind: "sync-plan", findings: { counts: { found: 2 } } } });
    const listed = await rowhouse(["operations", "list"], here());
    expect(listed.stdout).toMatch(/\tsync-verify\tdone\t1\t0\t0\t/);
  });

  it("lets the server seal everything anew, and tells that a deleted tenant still needs the old keys (3)", async () => {
    const plan = await json("keys", "rotate", "--dry-run", "--url", server.issuer);
    expect(plan).toMatchObject({ code: 0, value: { kind: "rotate-keys", dry_run: true, count: 3 } });
    expect(await json("tenants", "delete", "globex")).toMatchObject({ code: 0 });

    const rotated = await rowhouse(["keys", "rotate", "--url", server.issuer], here());

    expect(rotated.stdout).toMatch(/^kind\trotate-keys\nkey\t[0-9a-f]{8}\nstatus\tdone\ndone\t3\nfailed\t0\n/m);
    expect(rotated.stdout).toMatch(/^key_deleted_tenant\tglobex\tglobex\tleft\tmay come back until /m);
    expect(rotated.code).toBe(3);
    expect(await json("tenants", "undelete", "globex")).toMatchObject({ code: 0 });
    const again = await json("keys", "rotate", "--url", server.issuer);
    expect(again).toMatchObject({ code: 0, value: { status: "done", counts: { done: 3 }, findings: { items: [] } } });
    const begun = await json("keys", "rotate", "--no-wait", "--url", server.issuer);
    expect(begun).toMatchObject({ code: 0, value: { kind: "rotate-keys" } });
    await operationOver(begun.value.id);
  });

  it("shows how both are", async () => {
    expect(await json("status")).toMatchObject({
      code: 0,
      value: { processes: [expect.stringMatching(/process/)], tenants: { ready: 3 }, control_plane: { pending: [] } },
    });
    expect(await json("status", "--url", server.issuer)).toMatchObject({
      code: 0,
      value: { server: "ok", tenants: { ready: 3 }, jobs: [] },
    });
  });
});

describe("without a server", { timeout: PATIENCE_MS }, () => {
  let databaseOfGlobex: string;
  beforeAll(async () => {
    databaseOfGlobex = (await json("tenants", "show", "globex")).value.database.name;
    await server.stop();
  }, PATIENCE_MS);

  it("seals everything with a new key, after which the old one may go", async () => {
    const keyFile = join(server.directory, "encryption.key");
    const old = readFileSync(keyFile, "utf8").trim();
    const fresh = randomBytes(32).toString("base64");
    writeFileSync(keyFile, `${fresh},${old}\n`);
    const plan = await json("keys", "rotate", "--dry-run");
    expect(plan).toMatchObject({ code: 0, value: { kind: "rotate-keys", dry_run: true, count: 3 } });
    const unattended = await json("keys", "rotate", "--no-wait");
    expect(unattended).toMatchObject({ code: 2, stderr: expect.stringContaining("--no-wait: needs a server") });

    const { code, stdout } = await rowhouse(["keys", "rotate"], here());

    expect(stdout).toContain(`\nkey\t${parseKeyRing(fresh).currentId}\nstatus\tdone\ndone\t3\nfailed\t0\n`);
    const older = `key ${parseKeyRing(old).currentId}`;
    for (const tenant of ["acme", "control_plane", "globex"]) {
      expect(stdout).toMatch(new RegExp(`^key_older\t${tenant}\t${older}\trepaired\t\\d+ values?$`, "m"));
    }
    expect(code).toBe(0);
    for (const key of [old, fresh]) expect(stdout).not.toContain(key);
    writeFileSync(keyFile, `${fresh}\n`);
    expect(await json("keys", "rotate")).toMatchObject({ code: 0, value: { findings: { items: [] } } });

    writeFileSync(keyFile, `${old}\n`);
    expect(await json("keys", "rotate")).toMatchObject({ code: 2, stderr: expect.stringContaining("encryption_key") });
    writeFileSync(keyFile, `${fresh}\n`);
  });

  it("migrates what is behind, and tells that one has failed (3)", async () => {
    await fallBehind(databaseOfGlobex);
    expect(await json("status")).toMatchObject({ code: 0, value: { processes: [], behind: 2 } });

    const plan = await json("migrate", "--dry-run", "--canary", "acme");
    expect(plan).toMatchObject({ code: 0, value: { count: 2, waves: [{ wave: "canary", tenant_ids: ["acme"] }, {}] } });

    const { code, stdout } = await rowhouse(["migrate", "--all", "--canary", "acme"], here());
    expect(stdout).toMatch(/^status\tfailed\n(?:.*\n)*done\t1\nfailed\t1\n/m);
    expect(stdout).toMatch(/^globex\tfailed\t1 %\tdatabase_unreadable/m);
    expect(code).toBe(3);
  });

  it("finds nothing to make where everything is there", async () => {
    expect(await json("init")).toMatchObject({ code: 0, value: { control_plane: "up to date", first_login: null } });
  });

  it("makes a control plane in an empty directory, once", async () => {
    const env = { ...here(), DATA_DIR: join(server.directory, "another") };
    const first = await rowhouse(["init"], env);

    expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(/^control plane\tmade\nfirst login\t/m) });
    expect(readdirSync(env.DATA_DIR)).toEqual(expect.arrayContaining(["control-plane.db", "first-login.txt"]));
    expect(await rowhouse(["status"], env)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^tenants\t1 \(1 ready\)$/m),
    });
  });
});

/** Waits until an operation on many tenants has ended. */
async function operationOver(id: string): Promise<void> {
  while ((await json("operations", "show", id)).value.status === "running") await sleep(200);
}

/** As after an upgrade, with one database that cannot be opened. */
async function fallBehind(broken: string): Promise<void> {
  const controlPlane = await openFile(join(server.directory, "control-plane.db"));
  await controlPlane.batch([
    { sql: "update rh_placements set schema_version = 'older' where provider = 'file'", parameters: [] },
  ]);
  await controlPlane.close();
  writeFileSync(
    join(server.directory, "tenants", `${broken}.db`),
    "not a database any more, and long enough ".repeat(9),
  );
}
