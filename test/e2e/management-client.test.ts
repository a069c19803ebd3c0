import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ManagementClient } from "auth0";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openFile } from "../../src/db/native.ts";
import { refusalOfChange } from "../../src/http/tenant-refusals.ts";
import { api, createTenant, managementToken } from "../support/clients.ts";
import { type RunningServer, startServer } from "../support/server.ts";

const AUDIENCE = "urn:authhero:management";

let server: RunningServer;
let token: string;

beforeAll(async () => {
  server = await startServer();
  token = await managementToken(server);
  for (const id of ["acme", "beta"]) await createTenant(server, token, id);
});
afterAll(() => server?.remove());

interface Made {
  readonly client_id: string;
  readonly client_secret: string;
  readonly scope: string[];
  readonly token_endpoint: string;
}

const ask = (id: string, body?: object, headers: Record<string, string> = {}) =>
  api(server, token, `/tenants/${id}/management-client`, {
    method: "POST",
    headers,
    ...(body && { body: JSON.stringify(body) }),
  });

async function make(id: string, body?: object): Promise<Made> {
  const answer = await ask(id, body);
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Made;
}

const refusal = async (answer: Response) => [
  answer.status,
  ((await answer.json()) as { errorCode?: string }).errorCode,
];

const hostOf = (label: string) => `${label}localhost:${server.port}`;

const tokenAt = (host: string, { client_id, client_secret }: Made) =>
  fetch(`http://${host}/oauth/token`, {
    method: "POST",
    body: new URLSearchParams({ grant_type: "client_credentials", audience: AUDIENCE, client_id, client_secret }),
  });

async function accessToken(made: Made): Promise<string> {
  const answer = await tokenAt(new URL(made.token_endpoint).host, made);
  return ((await answer.json()) as { access_token: string }).access_token;
}

const statusAt = async (host: string, path: string, bearer: string, headers: Record<string, string> = {}) =>
  (await fetch(`http://${host}/api/v2${path}`, { headers: { authorization: `Bearer ${bearer}`, ...headers } })).status;

describe("a tenant's management client", () => {
  it("manages its tenant with the auth0 SDK, from nothing but its id and its secret", async () => {
    const { client_id, client_secret } = await make("acme");
    const management = new ManagementClient({
      domain: hostOf("acme."),
      clientId: client_id,
      clientSecret: client_secret,
      audience: AUDIENCE,
      fetch: (input, init) => fetch(String(input).replace(/^https:/, "http:"), init),
      maxRetries: 0,
    });

    const { user_id } = await management.users.create({
      connection: "Username-Password-Authentication",
      email: "ann@acme.example",
      password: "Correct-Horse-acme-1",
    });

    expect(await management.users.get(user_id ?? "")).toMatchObject({ email: "ann@acme.example" });
    expect((await management.clients.list()).data.map((each) => each.client_id)).toContain(client_id);
  });

  it("reaches no other tenant and not the control plane, whatever a request says", async () => {
    const bearer = await accessToken(await make("acme"));

    expect(await statusAt(hostOf("acme."), "/users", bearer)).toBe(200);
    expect(
      await Promise.all([
        statusAt(hostOf("beta."), "/users", bearer),
        statusAt(hostOf(""), "/users", bearer),
        statusAt(hostOf(""), "/users", bearer, { "tenant-id": "beta" }),
        statusAt(hostOf(""), "/tenants", bearer),
        statusAt(hostOf(""), "/tenants/acme", bearer),
      ]),
    ).toEqual([403, 403, 403, 403, 403]);
  });

  it("is nobody elsewhere: its secret opens the token endpoint of its tenant only", async () => {
    const made = await make("acme");

    const statuses = await Promise.all(["acme.", "beta.", ""].map((label) => tokenAt(hostOf(label), made)));

    expect(statuses.map(({ status }) => status === 200)).toEqual([true, false, false]);
  });

  it("has every scope but the operators', or those asked for", async () => {
    const [all, few] = [await make("acme"), await make("acme", { name: "Reader", scope: ["read:users"] })];

    expect(all.scope).toEqual(expect.arrayContaining(["read:users", "create:clients", "update:tenant_settings"]));
    expect(all.scope).not.toContain("create:tenants");
    const bearer = await accessToken(few);
    expect(await statusAt(hostOf("acme."), "/users", bearer)).toBe(200);
    expect(await statusAt(hostOf("acme."), "/clients", bearer)).toBe(403);
  });

  it.each([
    [{ scope: ["create:tenants"] }, /scope/],
    [{ scope: ["read:everything"] }, /scope/],
    [{ scope: [] }, /scope/],
    [{ name: "" }, /name/],
    [{ secret: "mine" }, /secret/],
  ])("is refused as %j, by the field's name", async (body, field) => {
    const answer = await ask("acme", body);

    expect([answer.status, ((await answer.json()) as { message: string }).message]).toEqual([
      400,
      expect.stringMatching(field),
    ]);
  });
});

describe("its secret", () => {
  it("is in this answer, which nobody may keep, and readable nowhere else", async () => {
    const answer = await ask("acme");
    const { client_id, client_secret } = (await answer.json()) as Made;

    expect(answer.headers.get("cache-control")).toBe("no-store");
    const found = readdirSync(server.directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name)));
    expect(found.some((bytes) => bytes.includes(client_id))).toBe(true);
    expect(found.some((bytes) => bytes.includes(client_secret))).toBe(false);
    expect(server.output()).not.toContain(client_secret);
  });

  it("is not given a second time: an Idempotency-Key is refused by name, and nothing is made", async () => {
    const before = await clientsOf("beta");

    const answer = await ask("beta", {}, { "idempotency-key": "once" });

    expect(await refusal(answer)).toEqual([400, "idempotency_key_unsupported"]);
    expect(await clientsOf("beta")).toEqual(before);
  });
});

async function clientsOf(tenantId: string): Promise<string[]> {
  const answer = await api(server, token, "/clients?per_page=100", { headers: { "tenant-id": tenantId } });
  return ((await answer.json()) as { client_id: string }[]).map(({ client_id }) => client_id);
}

describe("the route", () => {
  it("makes another client each time, up to a limit that those removed do not count for", async () => {
    await createTenant(server, token, "many");
    const made: Made[] = [];
    for (let count = 0; count < 20; count++) made.push(await make("many"));
    expect(new Set(made.map(({ client_id }) => client_id)).size).toBe(20);

    expect(await refusal(await ask("many"))).toEqual([409, "too_many_management_clients"]);
    expect(await clientsOf("many")).toHaveLength(20);
    const at = { method: "DELETE", headers: { "tenant-id": "many" } };
    expect((await api(server, token, `/clients/${made[0]?.client_id}`, at)).status).toBeLessThan(300);

    expect((await ask("many")).status).toBe(201);
  });

  it("answers for tenants that are not there, the control plane, and what no tenant is called", async () => {
    expect(await refusal(await ask("nobody"))).toEqual([404, "tenant_not_found"]);
    expect(await refusal(await ask("control_plane"))).toEqual([403, "control_plane"]);
    expect(await refusal(await ask("a--b"))).toEqual([400, "invalid_tenant_id"]);
  });

  it("answers what a tenant's state says", async () => {
    await createTenant(server, token, "resting");
    const turn = (word: string) => api(server, token, `/tenants/resting/${word}`, { method: "POST" });

    await turn("suspend");
    expect(await refusal(await ask("resting"))).toEqual([403, "tenant_suspended"]);
    await turn("reactivate");
    expect((await ask("resting")).status).toBe(201);
    await api(server, token, "/tenants/resting", { method: "DELETE" });
    expect(await refusal(await ask("resting"))).toEqual([404, "tenant_not_found"]);

    const states = ["pending", "provisioning", "failed", "read_only", "deleting", "ready"] as const;
    expect(states.map((state) => refusalOfChange(state)?.reason)).toEqual([
      ...[
        "tenant_not_ready",
        "tenant_not_ready",
        "tenant_not_ready",
        "tenant_read_only",
        "tenant_not_found",
        undefined,
      ],
    ]);
  });

  it("is in the audit log, and the tenant sees it in its own", async () => {
    const { client_id } = await make("beta");

    const database = await openFile(join(server.directory, "control-plane.db"));
    const sql = "select action, tenant_id, outcome, actor_kind from rh_audit_log where tenant_id = 'beta'";
    const [result] = await database.batch([{ sql, parameters: [] }]);
    await database.close();
    expect(result?.rows).toContainEqual({
      action: "POST /api/v2/tenants/beta/management-client",
      tenant_id: "beta",
      outcome: "allowed",
      actor_kind: "operator",
    });
    const answer = await api(server, token, "/logs?per_page=50", { headers: { "tenant-id": "beta" } });
    expect(await answer.json()).toContainEqual(
      expect.objectContaining({ type: "sapi", description: expect.stringContaining(client_id) }),
    );
  });
});
