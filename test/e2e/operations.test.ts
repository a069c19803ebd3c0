import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
  it("give its database new credentials, and nobody notices", async () => {
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
    expect(server.output()).not.toContain('"event"');
  });

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

  it("are refused where they cannot be done", async () => {
    const post = async (path: string, kind: string) => {
      const { status, body } = await ask("POST", path, { kind });
      return [status, body.errorCode];
    };

    expect(await post("/tenants/control_plane/operations", "read-only")).toEqual([403, "control_plane"]);
    expect(await post("/tenants/control_plane/operations", "rotate-credentials")).toEqual([409, "not_supported"]);
    expect(await post("/tenants/nobody/operations", "rotate-credentials")).toEqual([404, "tenant_not_found"]);
    expect(await post("/tenants/nobody/operations", "read-only")).toEqual([404, "tenant_not_found"]);
  });
});
