import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database } from "../../src/db/database.ts";
import { openFile } from "../../src/db/native.ts";
import { createTenant, furnish, managementOf, managementToken } from "../support/clients.ts";
import { type RunningServer, startServer } from "../support/server.ts";

const AUDIENCE = "https://api.synced.example";
const IDENTITIES = ["roles", "connections", "resource_servers", "client_grants"] as const;

let server: RunningServer;
let token: string;
let database: Database;
const ids = { role: "", connection: "", api: "", grant: "" };

/** One tenant whose rows are as the control plane's sync leaves them. */
beforeAll(async () => {
  server = await startServer();
  token = await managementToken(server);
  await createTenant(server, token, "acme");
  await furnish(server, token, "acme");
  const { clientGrants, connections, resourceServers, roles } = managementOf(server, token, "acme");
  const scopes = [{ value: "read:things" }, { value: "write:things" }];
  ids.role = (await roles.create({ name: "porter" })).id ?? "";
  ids.connection = (await connections.create({ name: "shop", strategy: "google-oauth2" } as never)).id ?? "";
  ids.api = (await resourceServers.create({ name: "Synced", identifier: AUDIENCE, scopes } as never)).id ?? "";
  ids.grant = (await clientGrants.create({ client_id: "default", audience: AUDIENCE, scope: [] } as never)).id ?? "";
  await roles.permissions.add(ids.role, { permissions: [permission("read:things")] });

  const directory = join(server.directory, "tenants");
  const file = readdirSync(directory).find((name) => /^t-.*\.db$/.test(name) && !/^t-template/.test(name)) ?? "";
  database = await openFile(join(directory, file));
  const mark = IDENTITIES.map((table) => ({ sql: `update ${table} set is_system = 1`, parameters: [] }));
  await database.batch(mark);
});
afterAll(async () => {
  await database?.close();
  await server?.remove();
});

const permission = (name: string) => ({ resource_server_identifier: AUDIENCE, permission_name: name });

const call = async (method: string, path: string, body?: unknown) => {
  const answer = await fetch(`http://acme.localhost:${server.port}/api/v2${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, body: (/^[{[]/.test(text) ? JSON.parse(text) : {}) as Record<string, unknown> };
};

/** Every row that is protected, and what hangs on it. */
const everything = async () => {
  const tables = [...IDENTITIES, "role_permissions", "scim_configurations", "scim_tokens"];
  const results = await database.batch(tables.map((table) => ({ sql: `select * from ${table}`, parameters: [] })));
  return JSON.stringify(results.map(({ rows }) => rows));
};

describe("what the control plane owns in a tenant", () => {
  it.each<[string, string, string, unknown?]>([
    ["role", "PATCH", "/roles/{role}", { name: "mine" }],
    ["role", "DELETE", "/roles/{role}"],
    ["role", "POST", "/roles/{role}/permissions", { permissions: [permission("write:things")] }],
    ["role", "DELETE", "/roles/{role}/permissions", { permissions: [permission("read:things")] }],
    ["connection", "PATCH", "/connections/{connection}", { options: { client_secret: "mine" } }],
    ["connection", "DELETE", "/connections/{connection}"],
    ["connection", "PATCH", "/connections/{connection}/clients", [{ client_id: "default", status: true }]],
    ["connection", "PATCH", "/connections/{connection}/clients", [{ client_id: "default", status: false }]],
    ["connection", "POST", "/connections/{connection}/scim-configuration", {}],
    ["connection", "POST", "/connections/{connection}/scim-configuration/tokens", {}],
    ["resource server", "PATCH", "/resource-servers/{api}", { name: "mine", token_lifetime: 1 }],
    ["resource server", "DELETE", "/resource-servers/{api}"],
    ["client grant", "PATCH", "/client-grants/{grant}", { scope: ["write:things"] }],
    ["client grant", "DELETE", "/client-grants/{grant}"],
  ])("is a %s that %s %s cannot change", async (word, method, route, body) => {
    const before = await everything();
    const path = route.replace(/\{(\w+)\}/, (_, name: keyof typeof ids) => ids[name]);

    const answer = await call(method, path, body);

    expect(answer).toMatchObject({
      status: 403,
      body: {
        statusCode: 403,
        errorCode: "system_resource",
        message: `This ${word} is a system resource and cannot be modified. Make changes in the control plane instead.`,
      },
    });
    expect(await everything()).toBe(before);
  });

  it("is not changed by an import, which says why, row by row", async () => {
    const before = await everything();
    const path = `http://acme.localhost:${server.port}/api/v2/tenant-data`;
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/x-ndjson" };
    const exported = await (await fetch(`${path}/export?gzip=false`, { headers })).text();
    const permissions = exported.split("\n").filter((line) => line.startsWith('{"entity":"role_permissions"'));
    const forged = { entity: "roles", data: { id: "forged", name: "forged", is_system: true } };
    expect(permissions).toHaveLength(1);

    const body = [...permissions, JSON.stringify(forged)].join("\n").replaceAll("read:things", "write:things");
    const answer = await fetch(`${path}/import`, { method: "POST", headers, body });

    const { errors } = (await answer.json()) as { errors: { entity: string; error: string }[] };
    expect(Object.fromEntries(errors.map(({ entity, error }) => [entity, error]))).toEqual({
      roles: "is_system: cannot be set; the control plane decides it",
      role_permissions:
        "This role is a system resource and cannot be modified. Make changes in the control plane instead.",
    });
    expect(await everything()).toBe(before);
  });

  it("can be used: a role is given, an application chooses, an organization too", async () => {
    const made = await call("POST", "/organizations", { name: "crew" });
    const { users } = managementOf(server, token, "acme");
    const resident = (await users.list()).data[0]?.user_id ?? "";

    const answers = [
      await call("POST", `/users/${encodeURIComponent(resident)}/roles`, { roles: [ids.role] }),
      await call("PATCH", "/clients/default/connections", [ids.connection]),
      await call("POST", `/organizations/${String(made.body.id)}/enabled_connections`, {
        connection_id: ids.connection,
      }),
    ];

    expect(answers.map(({ status }) => Math.floor(status / 100))).toEqual([2, 2, 2]);
  });

  it("leaves a tenant's own alone", async () => {
    const role = await call("POST", "/roles", { name: "own" });
    const path = `/roles/${String(role.body.id)}`;

    expect((await call("PATCH", path, { name: "renamed" })).status).toBe(200);
    expect((await call("POST", `${path}/permissions`, { permissions: [permission("read:things")] })).status).toBe(204);
    expect((await call("DELETE", path)).status).toBe(200);
    expect((await call("DELETE", path)).status).toBe(404);
  });
});

describe("is_system from a client", () => {
  it.each<[string, string, object]>([
    ["POST", "/roles", { name: "forged" }],
    ["POST", "/connections", { name: "forged", strategy: "google-oauth2" }],
    ["POST", "/resource-servers", { name: "forged", identifier: "https://forged.example" }],
    ["POST", "/client-grants", { client_id: "default", audience: "urn:authhero:management" }],
    ["PATCH", "/roles/{own}", {}],
  ])("is refused by %s %s, true or false", async (method, route, body) => {
    const own = await call("POST", "/roles", { name: `own-${Math.random()}` });
    const path = route.replace("{own}", String(own.body.id));
    for (const is_system of [true, false]) {
      const answer = await call(method, path, { ...body, is_system });
      expect(answer).toMatchObject({ status: 400, body: { errorCode: "invalid_is_system" } });
    }
  });
});

describe("a tenant's code", () => {
  it.each<[string, string, object]>([
    ["POST", "/hook-code", { code: "exports.onExecutePostLogin = async () => {};" }],
    ["POST", "/hooks", { trigger_id: "post-user-login", code_id: "hc_1", enabled: true }],
    ["POST", "/actions/actions", { name: "a", code: "exports.onExecutePostLogin = async () => {};" }],
  ])("is refused by %s %s while nothing isolates it", async (method, path, body) => {
    expect(await call(method, path, body)).toMatchObject({
      status: 400,
      body: { errorCode: "code_hooks_unavailable", message: expect.stringContaining("webhook") },
    });
  });

  it("is not needed for a webhook", async () => {
    const hook = { trigger_id: "post-user-login", url: "https://hooks.acme.example", enabled: false };
    const made = await call("POST", "/hooks", hook);

    expect(made.status).toBe(201);
    const path = `/hooks/${String(made.body.hook_id)}`;
    expect((await call("PATCH", path, { priority: 2 })).status).toBe(200);
  });
});
