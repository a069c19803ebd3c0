import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openFile } from "../../src/db/native.ts";
import { type HouseInProcess, MANAGEMENT_AUDIENCE, openInProcess } from "../support/in-process.ts";
import { type Mint, minting } from "../support/minting.ts";

let house: HouseInProcess;
let mint: Mint;
let operator: string;
let team: string;

const claims = (sub: string, more: object = {}) => ({ sub, aud: MANAGEMENT_AUDIENCE, iss: house.issuer, ...more });

beforeAll(async () => {
  house = await openInProcess();
  operator = await house.machineToken();
  for (const id of ["acme", "beta"]) await house.made("/tenants", { token: operator, json: { id, friendly_name: id } });
  mint = await minting(house.directory, "control_plane");
  const organizations = await house.made<{ id: string; name: string }[]>("/organizations", { token: operator });
  const organization = organizations.find(({ name }) => name === "acme");
  team = await mint("control_plane", claims("auth2|stranger", { org_id: organization?.id, azp: "console" }));
});
afterAll(() => house?.close());

interface Row {
  readonly number: number;
  readonly [column: string]: unknown;
}

/** What stands in the audit log after the row of that number, but for what the service does by itself, at its start. */
async function rowsAfter(number: number): Promise<Row[]> {
  const database = await openFile(join(house.directory, "control-plane.db"));
  const statement = {
    sql: "select * from rh_audit_log where number > ? and actor_kind <> 'system' order by number",
    parameters: [number],
  };
  const [result] = await database.batch([statement]);
  await database.close();
  return (result?.rows ?? []) as Row[];
}

/** What a piece of work adds to it. */
async function added(work: () => Promise<unknown>): Promise<Row[]> {
  const last = (await rowsAfter(0)).at(-1)?.number ?? 0;
  await work();
  return await rowsAfter(last);
}

describe("the audit log", () => {
  it("has the creation of a tenant with who, by which key, from which request, and the operation it began", async () => {
    const rows = await added(() =>
      house.made("/tenants", { token: operator, json: { id: "gamma", friendly_name: "Gamma" } }),
    );

    const [operation] = await house.made<{ id: string; initiator: string }[]>("/tenants/gamma/operations", {
      token: operator,
    });
    expect(rows).toMatchObject([
      {
        actor: operation?.initiator,
        actor_kind: "operator",
        key_owner: "control_plane",
        organization_id: null,
        action: "provision",
        tenant_id: "gamma",
        outcome: "allowed",
        reason: null,
        operation_id: operation?.id,
        request_id: expect.stringMatching(/^[0-9A-Z]{26}$/),
      },
    ]);
  });

  it("has nothing of a creation that was refused because the id is taken", async () => {
    const rows = await added(() =>
      house.api("/tenants", { token: operator, json: { id: "acme", friendly_name: "x" } }),
    );

    expect(rows).toEqual([]);
  });

  it.each(["suspend", "reactivate"])("has %s in the batch of the change", async (word) => {
    const rows = await added(() => house.made(`/tenants/beta/${word}`, { method: "POST", token: operator }));

    expect(rows).toMatchObject([{ action: word, tenant_id: "beta", outcome: "allowed", actor_kind: "operator" }]);
  });

  it("has fleet operations, about no single tenant", async () => {
    const rows = await added(() => house.made("/operations", { token: operator, json: { kind: "migrate" } }));

    expect(rows).toMatchObject([{ action: "migrate", tenant_id: null, outcome: "allowed", actor_kind: "operator" }]);
  });

  it("has an operator's reading and writing in a tenant; so have the tenant's own logs", async () => {
    const at = { token: operator, headers: { "tenant-id": "acme" } };

    const rows = await added(async () => {
      await house.made("/users?q=secret-looking", at);
      await house.made("/roles", { ...at, json: { name: "reader" } });
    });

    expect(rows).toMatchObject([
      { action: "GET /api/v2/users", tenant_id: "acme", outcome: "allowed", actor_kind: "operator" },
      { action: "POST /api/v2/roles", tenant_id: "acme", outcome: "allowed" },
    ]);
    const logs = await house.made<{ type: string; description: string; user_id: string }[]>("/logs?per_page=50", at);
    expect(logs).toContainEqual(
      expect.objectContaining({
        type: "mgmt_api_read",
        description: "An operator of the control plane: GET /api/v2/users",
        user_id: rows[0]?.actor,
      }),
    );
    expect(logs).toContainEqual(
      expect.objectContaining({ type: "sapi", description: "An operator of the control plane: POST /api/v2/roles" }),
    );
  });

  it("has no tenant's own administrators at work on what is theirs", async () => {
    const iss = `http://acme.${new URL(house.issuer).host}/`;
    const own = await mint("acme", { ...claims("acme|admin", { permissions: ["read:users"] }), iss });

    const rows = await added(() => house.made("/users", { token: own, at: "acme" }));

    expect(rows).toEqual([]);
  });

  it("has who was refused, where, and why", async () => {
    const own = await mint("acme", claims("acme|admin"));
    const forged = await mint("acme", claims("acme|admin", { tenant_id: "control_plane" }));
    const outOfScope = await mint("control_plane", claims("auth2|clerk", { permissions: ["read:users"] }));

    const rows = await added(async () => {
      await house.api("/users", { token: own, headers: { "tenant-id": "beta" } });
      await house.api("/tenants/beta", { token: team, method: "DELETE" });
      await house.api("/tenants", { token: forged });
      await house.api("/tenants", { token: outOfScope, json: { id: "mine", friendly_name: "Mine" } });
    });

    expect(rows).toMatchObject([
      {
        ...{ actor: "acme|admin", actor_kind: "tenant", key_owner: "acme", tenant_id: "beta" },
        ...{ action: "GET /api/v2/users", outcome: "refused", reason: "403 tenant_forbidden" },
      },
      {
        ...{ actor: "auth2|stranger", actor_kind: "organization", client_id: "console", tenant_id: "beta" },
        ...{ action: "DELETE /api/v2/tenants/beta", outcome: "refused", reason: "403 tenant_forbidden" },
      },
      {
        ...{ actor: "acme|admin", actor_kind: "tenant", key_owner: "acme", tenant_id: "control_plane" },
        ...{ action: "GET /api/v2/tenants", outcome: "refused", reason: "401 invalid_token" },
      },
      {
        ...{ actor: "auth2|clerk", actor_kind: "control-plane", action: "POST /api/v2/tenants" },
        ...{ outcome: "refused", reason: expect.stringMatching(/^403/) },
      },
    ]);
  });

  it("has nobody who showed no token of anybody's", async () => {
    const rows = await added(async () => {
      await house.api("/tenants");
      await house.api("/tenants", { token: "garbage" });
    });

    expect(rows).toEqual([]);
  });

  it("keeps no token, also where a caller has put one into a path", async () => {
    const rows = await added(async () => {
      await house.api(`/users/${team}`, { token: operator, headers: { "tenant-id": "acme" } });
    });

    expect(rows).toMatchObject([{ action: "GET /api/v2/users/[redacted]" }]);
    expect(JSON.stringify(await rowsAfter(0))).not.toMatch(/eyJ|Bearer/);
  });

  it("cannot be changed, and an access that cannot be written down does not happen", async () => {
    const database = await openFile(join(house.directory, "control-plane.db"));
    const run = (sql: string) => database.batch([{ sql, parameters: [] }]);
    await expect(run("update rh_audit_log set actor = 'nobody'")).rejects.toThrow(/append-only/);

    await run(`create trigger full before insert on rh_audit_log begin select raise(abort, 'disk full'); end`);
    const at = { token: operator, headers: { "tenant-id": "acme" } };
    const statuses = [
      (await house.api("/roles", { ...at, json: { name: "unseen" } })).status,
      (await house.api("/roles", at)).status,
      (await house.api("/tenants", { token: operator, json: { id: "unseen", friendly_name: "x" } })).status,
      (await house.api("/users", { token: team, headers: { "tenant-id": "beta" } })).status,
    ];
    await run("drop trigger full");
    await database.close();

    expect(statuses).toEqual([503, 503, 400, 503]);
    expect(JSON.stringify(await house.made("/roles", at))).not.toContain("unseen");
    expect((await house.api("/tenants/unseen", { token: operator })).status).toBe(404);
  });
});
