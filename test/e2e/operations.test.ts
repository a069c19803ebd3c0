import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openFile } from "../../src/db/native.ts";
import { api, createTenant, discover, furnish, logIn, managementToken } from "../support/clients.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { type Sqld, sqldMissing, startSqld } from "../support/sqld.ts";

const adminKey = "k".repeat(32);
const reason = sqldMissing ? ` (skipped: ${sqldMissing})` : "";

let sqld: Sqld;
let server: RunningServer;
let token: string;

beforeAll(async () => {
  if (sqldMissing) return;
  sqld = await startSqld([], { adminKey });
  server = await startServer({
    env: {
      PROVIDER: "libsql-server",
      LIBSQL_SERVER_URL: sqld.url,
      LIBSQL_SERVER_ADMIN_URL: sqld.adminUrl,
      LIBSQL_SERVER_ADMIN_KEY: adminKey,
      ENCRYPTION_KEY: "0a".repeat(32),
    },
  });
  token = await managementToken(server);
});
afterAll(async () => {
  await server?.remove();
  await sqld?.stop();
});

type Body = Record<string, unknown>;
const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
  const answer = await api(server, token, path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: (text ? JSON.parse(text) : {}) as Body };
};

describe.skipIf(sqldMissing)(`operations on one tenant${reason}`, () => {
  it("give its database new credentials; logins go on, and nothing they leave behind is lost", async () => {
    await createTenant(server, token, "acme");
    const application = await furnish(server, token, "acme");
    const configuration = await discover(application.issuer, application.clientId, application.clientSecret);
    await logIn(application, configuration);

    const rotated = await ask("POST", "/tenants/acme/operations", { kind: "rotate-credentials" });

    expect(rotated.status).toBe(200);
    expect(rotated.body).toMatchObject({ kind: "rotate-credentials", status: "done", tenant_id: "acme", error: null });
    expect((rotated.body.events as Body[]).map(({ step }) => step)).toEqual([
      "mark-rotating",
      "rotate",
      "verify",
      "finish",
    ]);
    await logIn(application, configuration);
    // What goes on behind the logins may meet the moment between the two secrets; then it is repeated, and nothing is lost.
    const isRepeated = (line: string) => /"reason":"database_refused".*"event":"outbox\.relay_failed"/.test(line);
    const told = server
      .output()
      .split("\n")
      .filter((line) => line.includes('"event"'));
    expect(told.filter((line) => !isRepeated(line))).toEqual([]);
    const logged = async () => (await ask("GET", "/logs?q=type:s", undefined, { "tenant-id": "acme" })).body;
    await expect.poll(logged, { timeout: 30_000 }).toMatchObject([{ type: "s" }, { type: "s" }]);
  }, 60_000);

  it("make it read-only: logins go on, changes do not, until it is reactivated", async () => {
    await createTenant(server, token, "quiet");
    const application = await furnish(server, token, "quiet");
    const configuration = await discover(application.issuer, application.clientId, application.clientSecret);

    const made = await ask("POST", "/tenants/quiet/operations", { kind: "read-only" });
    const again = await ask("POST", "/tenants/quiet/operations", { kind: "read-only" });

    expect([made.status, made.body.kind, made.body.status]).toEqual([200, "read-only", "done"]);
    expect(again.body.id).toBe(made.body.id);
    expect((await ask("GET", "/tenants/quiet")).body).toMatchObject({ state: "read_only" });
    await logIn(application, configuration);
    const onTenant = { "tenant-id": "quiet" };
    const refused = await ask("POST", "/roles", { name: "clerk" }, onTenant);
    expect([refused.status, refused.body.errorCode]).toEqual([403, "tenant_read_only"]);
    expect((await ask("POST", "/tenants/quiet/reactivate")).body).toMatchObject({ state: "ready" });
    expect((await ask("POST", "/roles", { name: "clerk" }, onTenant)).status).toBe(201);
  });

  it.each([
    ["migrate", "migrate"],
    ["sync", "sync"],
    ["verify", "sync-verify"],
  ])("%s one alone, as a job behind the request", async (kind, job) => {
    const begun = await ask("POST", "/tenants/acme/operations", { kind });

    expect(begun.status).toBe(202);
    expect(begun.headers.get("location")).toBe(`/api/v2/operations/${begun.body.id}`);
    // Nobody else has a turn.
    const ended = { kind: job, status: "done", counts: { failed: 0, left: 0 } };
    const seen = async () => (await ask("GET", `/operations/${begun.body.id}`)).body;
    await expect.poll(seen, { timeout: 30_000 }).toMatchObject(ended);
    expect((await seen()).counts).toSatisfy(({ done }: { done: number }) => done <= 1);
  });

  it("are refused where they cannot be done", async () => {
    const post = async (path: string, kind: string) => {
      const { status, body } = await ask("POST", path, { kind });
      return [status, body.errorCode];
    };

    expect(await post("/tenants/control_plane/operations", "read-only")).toEqual([403, "control_plane"]);
    expect(await post("/tenants/control_plane/operations", "rotate-credentials")).toEqual([409, "not_supported"]);
    expect(await post("/tenants/nobody/operations", "rotate-credentials")).toEqual([404, "tenant_not_found"]);
    expect(await post("/tenants/nobody/operations", "read-only")).toEqual([404, "tenant_not_found"]);
    expect(await post("/tenants/nobody/operations", "migrate")).toEqual([404, "tenant_not_found"]);
  });
});

async function inControlPlane(sql: string) {
  const database = await openFile(join(server.directory, "control-plane.db"));
  const [result] = await database.batch([{ sql, parameters: [] }]);
  await database.close();
  return result?.rows ?? [];
}

/** Asks for an operation until it is over. */
async function overAt(id: unknown): Promise<Body> {
  for (;;) {
    const { body } = await ask("GET", `/operations/${id}`);
    if (body.status !== "running") return body;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const lastKinds = async (tenantId: string) =>
  ((await ask("GET", `/tenants/${tenantId}/operations`)).body as unknown as Body[]).map(({ kind }) => kind);

describe.skipIf(sqldMissing)(`operations on many tenants${reason}`, () => {
  it("give every tenant's database new credentials, behind the request", async () => {
    for (const id of ["one", "two"]) await createTenant(server, token, id);

    const begun = await ask("POST", "/operations", { kind: "rotate-credentials" }, { prefer: "respond-async" });

    expect([begun.status, begun.body.kind]).toEqual([202, "rotate-credentials"]);
    expect(begun.headers.get("location")).toBe(`/api/v2/operations/${begun.body.id}`);
    expect(begun.headers.get("preference-applied")).toBe("respond-async");
    const over = await overAt(begun.body.id);
    expect(over).toMatchObject({ status: "done", reason: null, failed_tenants: [] });
    expect(over.counts).toMatchObject({ failed: 0, skipped: 0, left: 0 });
    for (const id of ["one", "two"]) {
      expect((await lastKinds(id))[0]).toBe("rotate-credentials");
      expect((await ask("GET", "/users", undefined, { "tenant-id": id })).status).toBe(200);
    }
  });

  it("can be planned without doing anything", async () => {
    const asked = { kind: "rotate-credentials", tenants: ["one", "two"], canary: ["two"], dry_run: true };
    const before = await ask("GET", "/operations");

    const plan = await ask("POST", "/operations", asked);

    expect(plan.status).toBe(200);
    expect(plan.body).toEqual({
      kind: "rotate-credentials",
      dry_run: true,
      count: 2,
      waves: [
        { wave: "canary", count: 1, tenant_ids: ["two"] },
        { wave: "1 %", count: 1, tenant_ids: ["one"] },
      ],
    });
    expect((await ask("GET", "/operations")).body).toEqual(before.body);
    expect((await ask("POST", "/operations", { kind: "migrate", dry_run: true })).body).toMatchObject({ count: 0 });
  });

  it("are recorded also where there was nothing to do", async () => {
    const begun = await ask("POST", "/operations", { kind: "migrate" });

    expect(begun.status).toBe(202);
    expect(await overAt(begun.body.id)).toMatchObject({
      kind: "migrate",
      status: "done",
      counts: { done: 0, failed: 0, skipped: 0, left: 0 },
    });
  });

  it("halt at a broken canary, say which it was, and begin afresh when they are asked for again", async () => {
    await createTenant(server, token, "broken");
    const [placement] = await inControlPlane("select database from rh_placements where tenant_id = 'broken'");
    await fetch(`${sqld.adminUrl}/v1/namespaces/${placement?.database}`, {
      method: "DELETE",
      headers: { authorization: `basic ${adminKey}` },
    });
    const asked = { kind: "rotate-credentials", tenants: ["broken", "one", "two"], canary: ["broken"] };
    const before = await lastKinds("one");

    const halted = await overAt((await ask("POST", "/operations", asked)).body.id);

    expect(halted).toMatchObject({ status: "halted", reason: "canary_failed", wave: "canary" });
    expect(halted.counts).toEqual({ done: 0, failed: 1, skipped: 0, left: 2 });
    expect(halted.failed_tenants).toMatchObject([
      { tenant_id: "broken", wave: "canary", reason: expect.stringContaining("database_missing") },
    ]);
    expect(await lastKinds("one")).toEqual(before);
    const again = await overAt(
      (await ask("POST", "/operations", { kind: "rotate-credentials", tenants: ["one", "two"] })).body.id,
    );
    expect(again).toMatchObject({ status: "done", counts: { done: 2 } });
  });

  it("are listed newest first, a page at a time, and their failures too", async () => {
    const all = (await ask("GET", "/operations")).body.operations as Body[];
    const walked: unknown[] = [];
    for (let next: unknown = ""; next !== undefined; ) {
      const { body } = await ask("GET", `/operations?take=2${next ? `&from=${next}` : ""}`);
      walked.push(...(body.operations as Body[]).map(({ id }) => id));
      next = body.next;
    }

    expect(all.length).toBeGreaterThan(3);
    expect(walked).toEqual(all.map(({ id }) => id));
    expect(all[0]).toMatchObject({ kind: "rotate-credentials", initiator: expect.stringMatching(/./) });
    const migrations = (await ask("GET", "/operations?kind=migrate")).body.operations as Body[];
    expect(new Set(migrations.map(({ kind }) => kind))).toEqual(new Set(["migrate"]));
    const jobId = "J".repeat(26);
    await inControlPlane(
      `insert into rh_fleet_jobs (id, kind, target, state, started_at, finished_at) values ('${jobId}', 'migrate', 'x', 'halted', '2020', '2020')`,
    );
    for (const id of ["a", "b", "c"]) {
      await inControlPlane(
        `insert into rh_fleet_results (job_id, tenant_id, tag, wave, outcome, reason) values ('${jobId}', '${id}', 't', 0, 'failed', 'why')`,
      );
    }
    const first = (await ask("GET", `/operations/${jobId}?take=2`)).body;
    const second = (await ask("GET", `/operations/${jobId}?take=2&from=${first.next}`)).body;
    const tenantsOf = ({ failed_tenants }: Body) => (failed_tenants as Body[]).map(({ tenant_id }) => tenant_id);
    expect([tenantsOf(first), tenantsOf(second), second.next]).toEqual([["a", "b"], ["c"], undefined]);
  });

  it("run once at a time, in whichever process", async () => {
    await inControlPlane(
      `insert into rh_fleet_jobs (id, kind, target, state, lease_owner, lease_until, started_at)
       values ('elsewhere', 'migrate', 'x', 'running', 'elsewhere 1 x', '2999', '2020')`,
    );

    const refused = await ask("POST", "/operations", { kind: "migrate" });

    expect([refused.status, refused.body.errorCode]).toEqual([409, "operation_running"]);
    await inControlPlane("delete from rh_fleet_jobs where id = 'elsewhere'");
    expect((await ask("POST", "/operations", { kind: "migrate" })).status).toBe(202);
  });

  it("are taken up again when the process that ran them is gone", async () => {
    const jobId = "R".repeat(26);
    await inControlPlane(
      `insert into rh_fleet_results (job_id, tenant_id, tag, wave)
       select '${jobId}', tenant_id, tag, 0 from rh_placements where tenant_id in ('one', 'two')`,
    );
    await inControlPlane(
      `insert into rh_fleet_jobs (id, kind, target, state, started_at)
       values ('${jobId}', 'rotate-credentials', 'new credentials', 'running', '2020')`,
    );

    expect(await overAt(jobId)).toMatchObject({ status: "done", counts: { done: 2, left: 0 } });
  });

  it("refuse what they do not know, by name, and whoever is no operator", async () => {
    const refused = async (body: unknown) => {
      const answer = await ask("POST", "/operations", body);
      return [answer.status, String(answer.body.message)];
    };

    expect(await refused({ kind: "explode" })).toEqual([400, expect.stringMatching(/kind.*migrate/)]);
    expect(await refused({ kind: "migrate", tenant: "one" })).toEqual([400, expect.stringContaining("tenant")]);
    expect(await refused({ kind: "migrate", tenants: ["nobody"] })).toEqual([
      400,
      "tenants: there is no tenant nobody",
    ]);
    expect(await refused({ kind: "migrate", tenants: ["one"], canary: ["two"] })).toEqual([
      400,
      "canary: two is not among tenants",
    ]);
    expect((await ask("GET", "/operations?from=nonsense")).status).toBe(400);
    expect((await ask("GET", "/operations/nonsense")).status).toBe(404);
    expect((await api(server, null, "/operations")).status).toBe(401);
  });
});

describe.skipIf(sqldMissing)(`where a tenant's database is${reason}`, () => {
  const create = (id: string, database: object, headers = {}) =>
    ask("POST", "/tenants", { id, friendly_name: id, database }, headers);

  it("is chosen at the creation, beside tenants that are elsewhere", async () => {
    const made = await create("on-files", { provider: "file" });

    expect(made.status).toBe(201);
    expect(made.body).not.toHaveProperty("database");
    expect((await ask("GET", "/tenants/on-files/database")).body).toEqual({
      provider: "file",
      group: null,
      region: null,
      name: expect.stringMatching(/^t-/),
      generation: 1,
      schema_version: expect.stringMatching(/^[0-9a-f]{64}$/),
      size_bytes: expect.any(Number),
      health: "ok",
      problem: null,
      last_backup: null,
    });
    expect((await ask("GET", "/tenants/one/database")).body).toMatchObject({
      provider: "libsql-server",
      size_bytes: expect.any(Number),
      health: "ok",
    });
    for (const id of ["on-files", "one"]) {
      expect((await ask("GET", "/users", undefined, { "tenant-id": id })).status).toBe(200);
    }
  });

  it("is refused by name when there is no such place, and nothing is made", async () => {
    const refused = async (database: object) => {
      const { status, body } = await create("nowhere", database);
      return [status, body.message];
    };

    expect(await refused({ provider: "d1" })).toEqual([400, "database.provider: must be one of file, libsql-server"]);
    expect(await refused({ provider: "toString" })).toEqual([
      400,
      "database.provider: must be one of file, libsql-server",
    ]);
    expect(await refused({ provider: "file", region: "eu" })).toEqual([
      400,
      "database.region: the provider file has no regions",
    ]);
    expect(await refused({ group: "eu" })).toEqual([400, "database.group: the provider libsql-server has no groups"]);
    expect(await refused({ provider: "file", size: 1 })).toEqual([400, expect.stringContaining("size")]);
    expect((await ask("GET", "/tenants/nowhere")).status).toBe(404);
  });

  it("is the same again with the same Idempotency-Key, and another wish is another request", async () => {
    const key = { "idempotency-key": "placed" };

    const first = await create("placed", { provider: "file" }, key);
    const again = await create("placed", { provider: "file" }, key);
    const other = await create("placed", {}, key);

    expect([first.status, again.status, other.status]).toEqual([201, 201, 422]);
    expect(again.body).toEqual(first.body);
  });

  it("is shown with what is wrong, and never with a credential", async () => {
    const broken = await ask("GET", "/tenants/broken/database");
    const retained = await (async () => {
      await createTenant(server, token, "kept");
      await ask("DELETE", "/tenants/kept");
      return await ask("GET", "/tenants/kept/database");
    })();
    const [row] = await inControlPlane("select secret from rh_placements where tenant_id = 'broken'");

    expect(broken.body).toMatchObject({ health: "unreachable", problem: "database_missing", size_bytes: null });
    expect(retained.body).toMatchObject({ health: "retained" });
    expect((await ask("GET", "/tenants/control_plane/database")).body).toMatchObject({ health: "ok" });
    expect(JSON.stringify([broken.body, retained.body])).not.toContain(String(row?.secret));
    expect((await ask("GET", "/tenants/nobody/database")).status).toBe(404);
    expect((await api(server, null, "/tenants/one/database")).status).toBe(401);
  });
});
