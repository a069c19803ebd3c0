import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openFile } from "../../src/db/native.ts";
import { type HouseInProcess, openInProcess } from "../support/in-process.ts";

interface Named {
  readonly id: string;
  readonly name: string;
  readonly is_system?: boolean;
}

/** What one page shows, and more than a change waits for. */
const TENANTS = Array.from({ length: 30 }, (_, index) => `tenant-${String(index).padStart(2, "0")}`);
const [FIRST = ""] = TENANTS;
const LAST = TENANTS.at(-1) ?? "";

let house: HouseInProcess;
let token: string;

beforeAll(async () => {
  house = await openInProcess();
  token = await house.machineToken();
  for (const id of TENANTS) await house.made("/tenants", { token, json: { id, friendly_name: id } });
});
afterAll(() => house?.close());

const rolesOf = async (tenantId: string): Promise<string[]> =>
  (await house.made<Named[]>("/roles", { token, at: tenantId })).map(({ name }) => name);

/** The roles in a tenant's file, asked past everything that would bring it up to date. */
async function rolesInFile(tenantId: string): Promise<unknown[]> {
  return (await ask(await fileOf(tenantId), "select name from roles")).map(({ name }) => name);
}

async function ask(path: string, sql: string, ...parameters: unknown[]) {
  const database = await openFile(path);
  try {
    return (await database.batch([{ sql, parameters }]))[0]?.rows ?? [];
  } finally {
    await database.close();
  }
}

async function fileOf(tenantId: string): Promise<string> {
  const path = join(house.directory, "control-plane.db");
  const [placed] = await ask(path, "select database from rh_placements where tenant_id = ?", tenantId);
  return join(house.directory, "tenants", `${placed?.database}.db`);
}

interface Operation {
  readonly id: string;
  readonly status: string;
  readonly counts: { readonly failed: number };
  readonly findings: {
    readonly counts: Readonly<Record<string, number>>;
    readonly items: readonly { readonly kind: string; readonly tenant_id: string; readonly subject: string }[];
  };
}

/** Runs an operation on every tenant to its end. */
async function operate(json: object): Promise<Operation> {
  const { id } = await house.made<Operation>("/operations", { token, json });
  const read = () => house.made<Operation>(`/operations/${id}`, { token });
  await until(async () => (await read()).status !== "running");
  return await read();
}

/** Somebody edits a tenant's file by hand. */
async function editFile(tenantId: string, sql: string): Promise<void> {
  const database = await openFile(await fileOf(tenantId));
  await database.batch([{ sql, parameters: [] }]);
  await database.close();
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 50));
}

describe("a role of the control plane", () => {
  it("is in the first tenants when the change is answered, and in all that are asked", async () => {
    await house.made("/roles", { token, json: { name: "Editor" } });

    expect(await rolesOf(FIRST)).toContain("Editor");
    expect(await rolesOf(LAST)).toContain("Editor");
  });

  it("cannot be changed in a tenant", async () => {
    const [role] = (await house.made<Named[]>("/roles", { token, at: FIRST })).filter(({ name }) => name === "Editor");

    const answer = await house.api(`/roles/${role?.id}`, { token, at: FIRST, method: "PATCH", json: { name: "Mine" } });

    expect(role?.is_system).toBe(true);
    expect(answer.status).toBe(403);
  });

  it("is renamed, changed and removed in tenants as it is here", async () => {
    const role = await house.made<Named>("/roles", { token, json: { name: "Reader" } });
    await house.made(`/roles/${role.id}`, { token, method: "PATCH", json: { name: "Reviewer" } });
    const renamed = await rolesOf(LAST);

    await house.api(`/roles/${role.id}`, { token, method: "DELETE" });

    expect(renamed).toContain("Reviewer");
    expect(renamed).not.toContain("Reader");
    expect(await rolesOf(FIRST)).not.toContain("Reviewer");
    expect(await rolesOf(LAST)).not.toContain("Reviewer");
  });

  it("reaches tenants that nobody asks, behind the requests", async () => {
    await house.made("/roles", { token, json: { name: "Quiet" } });
    const atOnce = await rolesInFile(FIRST);

    await until(async () => (await rolesInFile(LAST)).includes("Quiet"));

    expect(atOnce).toContain("Quiet");
  });

  it("is in a tenant that is made later", async () => {
    await house.made("/tenants", { token, json: { id: "made-later", friendly_name: "Later" } });

    expect(await rolesOf("made-later")).toContain("Editor");
  });
});

describe("a tenant whose rows were edited by hand", () => {
  it("is found and not changed by sync-verify, and made equal by sync-repair but for what is its own", async () => {
    await house.made("/roles", { token, json: { name: "Edited" } });
    await house.made("/roles", { token, json: { name: "Lost" } });
    await house.made("/roles", { token, at: LAST, json: { name: "Taken" } });
    await house.made("/roles", { token, json: { name: "Taken" } });
    for (const id of TENANTS.slice(20)) {
      // The last has a collision; all others get it, the rest of them behind the requests.
      await until(async () => (await rolesInFile(id)).includes("Taken"));
    }
    await editFile(FIRST, "update roles set description = 'by hand' where name = 'Edited'");
    await editFile(FIRST, "delete from roles where name = 'Lost'");

    const verified = await operate({ kind: "sync-repair", dry_run: true });
    const repaired = await operate({ kind: "sync-repair" });
    const again = await operate({ kind: "sync-verify" });

    const seen = ({ findings }: Operation) =>
      findings.items.map(({ kind, tenant_id, subject }) => `${tenant_id} ${kind} ${subject}`).sort();
    const collision = `${LAST} sync_collision role Taken`;
    const broken = [`${FIRST} sync_different role Edited`, `${FIRST} sync_missing role Lost`];
    expect(seen(verified)).toEqual([...broken, collision]);
    expect(verified.findings.counts).toMatchObject({ found: 3, repaired: 0 });
    expect(seen(repaired)).toEqual([...broken, collision]);
    expect(repaired.findings.counts).toMatchObject({ found: 0, repaired: 2, left: 1 });
    expect(seen(again)).toEqual([collision]);
    expect(await rolesInFile(FIRST)).toContain("Lost");
  });
});
