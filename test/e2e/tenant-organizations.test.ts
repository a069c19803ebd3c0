import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openFile } from "../../src/db/native.ts";
import { api, createTenant, managementToken } from "../support/clients.ts";
import { type RunningServer, startServer } from "../support/server.ts";

let server: RunningServer;
let token: string;

beforeAll(async () => {
  server = await startServer();
  token = await managementToken(server);
});
afterAll(() => server?.remove());

const call = (method: string, path: string, body?: object) =>
  api(server, token, path, { method, ...(body && { body: JSON.stringify(body) }) });

interface Organization {
  readonly id: string;
  readonly name: string;
  readonly display_name: string;
}

async function organizationNamed(name: string): Promise<Organization | undefined> {
  const answer = await call("GET", `/organizations?q=${encodeURIComponent(`name:${name}`)}`);
  const found = (await answer.json()) as Organization[] | { organizations: Organization[] };
  return (Array.isArray(found) ? found : found.organizations).find((organization) => organization.name === name);
}

async function organizationOf(tenantId: string): Promise<Organization> {
  const found = await organizationNamed(tenantId);
  if (!found) throw new Error(`no organization of ${tenantId}`);
  return found;
}

async function createOrganization(name: string): Promise<Organization> {
  const answer = await call("POST", "/organizations", { name, display_name: name });
  if (answer.status !== 201) throw new Error(`POST /organizations answered ${answer.status}`);
  return (await answer.json()) as Organization;
}

const outcomeOf = async (request: Promise<Response>) => {
  const answer = await request;
  const { errorCode } = (await answer.json().catch(() => ({}))) as { errorCode?: string };
  return [answer.status, errorCode];
};

async function inControlPlane(statements: readonly string[]) {
  const database = await openFile(join(server.directory, "control-plane.db"));
  const results = await database.batch(statements.map((sql) => ({ sql, parameters: [] })));
  await database.close();
  return results.map(({ rows }) => rows);
}

describe("the organization of a tenant", () => {
  it("is on the control plane when the tenant is made, and bears its names", async () => {
    await createTenant(server, token, "acme");

    expect(await organizationOf("acme")).toMatchObject({ name: "acme", display_name: "Tenant acme" });
  });

  it("is not taken over when somebody has made it beforehand: 409, and nothing has changed", async () => {
    const theirs = await createOrganization("future");

    expect(await outcomeOf(call("POST", "/tenants", { id: "future", friendly_name: "Future" }))).toEqual([
      409,
      "organization_exists",
    ]);
    expect((await call("GET", "/tenants/future")).status).toBe(404);

    expect((await call("DELETE", `/organizations/${theirs.id}`)).status).toBeLessThan(300);
    await createTenant(server, token, "future");
    expect((await organizationOf("future")).id).not.toBe(theirs.id);
  });

  it("is neither made, renamed nor removed by the plain organization routes", async () => {
    await createTenant(server, token, "beta");
    const { id } = await organizationOf("beta");
    const other = await createOrganization("club");

    expect(await outcomeOf(call("POST", "/organizations", { name: "beta" }))).toEqual([409, "organization_is_tenants"]);
    expect(await outcomeOf(call("POST", "/organizations", { name: "control_plane" }))).toEqual([
      409,
      "organization_is_tenants",
    ]);
    expect(await outcomeOf(call("PATCH", `/organizations/${id}`, { name: "gamma" }))).toEqual([
      403,
      "tenant_organization",
    ]);
    expect(await outcomeOf(call("DELETE", `/organizations/${id}`))).toEqual([403, "tenant_organization"]);
    expect(await outcomeOf(call("PATCH", `/organizations/${other.id}`, { name: "beta" }))).toEqual([
      409,
      "organization_is_tenants",
    ]);
    expect(await organizationOf("beta")).toMatchObject({ id });
    expect(await organizationNamed("club")).toMatchObject({ id: other.id });
  });

  it("may be shown under another name, and other organizations are the administrators' own", async () => {
    await createTenant(server, token, "gamma");
    const { id } = await organizationOf("gamma");
    const other = await createOrganization("society");

    expect((await call("PATCH", `/organizations/${id}`, { display_name: "Gamma & Sons" })).status).toBe(200);
    expect(await organizationOf("gamma")).toMatchObject({ id, display_name: "Gamma & Sons" });
    expect((await call("PATCH", `/organizations/${other.id}`, { name: "league" })).status).toBe(200);
    expect((await call("DELETE", `/organizations/${other.id}`)).status).toBeLessThan(300);
  });

  it("keeps a deleted tenant's place, and is gone with its members after the purge", async () => {
    await createTenant(server, token, "delta");
    const { id } = await organizationOf("delta");

    expect((await call("DELETE", "/tenants/delta")).status).toBe(204);
    expect(await outcomeOf(call("POST", "/organizations", { name: "delta" }))).toEqual([
      409,
      "organization_is_tenants",
    ]);
    expect((await call("POST", "/tenants/delta/undelete")).status).toBe(200);
    expect(await organizationOf("delta")).toMatchObject({ id });

    expect((await call("DELETE", "/tenants/delta?purge=true")).status).toBe(204);
    expect(await organizationNamed("delta")).toBeUndefined();
    await createOrganization("delta");
  });
});

describe("among a thousand organizations", () => {
  const CROWD = 1_000;

  it("a purge takes the tenant's own, with everybody's membership, and no other", async () => {
    await createTenant(server, token, "zeta");
    const { id } = await organizationOf("zeta");
    const many = `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${CROWD})`;
    const tied = (organization: string) => [
      `insert into user_organizations values ('control_plane', 'uo_' || '${organization}', 'auth2|x', '${organization}', 1, 1)`,
      `insert into invites values ('control_plane', 'inv_' || '${organization}', '${organization}', 'c', 1, 1, '{}')`,
      `insert into user_roles (tenant_id, user_id, role_id, organization_id, created_at)
        values ('control_plane', 'auth2|x', 'rol_x', '${organization}', 1)`,
      `insert into organization_connections values ('control_plane', '${organization}', 'con_x', 0, 1, 1, 1, 1)`,
    ];
    await inControlPlane([
      `${many} insert into organizations (tenant_id, id, name, created_at, updated_at)
        select 'control_plane', 'org_crowd' || i, 'crowd-' || i, i, i from n`,
      ...tied(id),
      ...tied("org_crowd7"),
    ]);

    expect((await call("DELETE", "/tenants/zeta?purge=true")).status).toBe(204);

    const tables = ["organizations", "user_organizations", "invites", "user_roles", "organization_connections"];
    const left = (organization: string) =>
      inControlPlane(
        tables.map(
          (table) =>
            `select 1 from ${table} where ${table === "organizations" ? "id" : "organization_id"} = '${organization}'`,
        ),
      );
    expect((await left(id)).map((rows) => rows.length)).toEqual([0, 0, 0, 0, 0]);
    expect((await left("org_crowd7")).map((rows) => rows.length)).toEqual([1, 1, 1, 1, 1]);
    expect(await inControlPlane(["select count(*) as n from organizations where name like 'crowd-%'"])).toEqual([
      [{ n: CROWD }],
    ]);
  });
});

describe("tenants that were made before there were organizations", () => {
  it("have one after the next start", async () => {
    const older = await startServer();
    const login = await managementToken(older);
    await createTenant(older, login, "acme");
    await older.stop();
    const database = await openFile(join(older.directory, "control-plane.db"));
    const run = async (sql: string) => (await database.batch([{ sql, parameters: [] }]))[0]?.rows ?? [];
    await run("delete from organizations");
    await run("update rh_placements set organization_id = null");

    const newer = await startServer({ directory: older.directory });
    let found = await run("select id, name from organizations");
    while (found.length === 0) found = await run("select id, name from organizations");

    expect(found).toMatchObject([{ name: "acme" }]);
    expect(await run("select organization_id as id from rh_placements where tenant_id = 'acme'")).toEqual([
      { id: found[0]?.id },
    ]);
    await database.close();
    await newer.remove();
  });
});
