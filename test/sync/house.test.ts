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
  const ask = async (path: string, sql: string, ...parameters: unknown[]) => {
    const database = await openFile(join(house.directory, path));
    try {
      return (await database.batch([{ sql, parameters }]))[0]?.rows ?? [];
    } finally {
      await database.close();
    }
  };
  const placed = await ask("control-plane.db", "select database from rh_placements where tenant_id = ?", tenantId);
  const roles = await ask(join("tenants", `${placed[0]?.database}.db`), "select name from roles");
  return roles.map(({ name }) => name);
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
    const before = await rolesInFile(LAST);

    await until(async () => (await rolesInFile(LAST)).includes("Quiet"));

    expect(atOnce).toContain("Quiet");
    expect(before).not.toContain("Quiet");
  });

  it("is in a tenant that is made later", async () => {
    await house.made("/tenants", { token, json: { id: "made-later", friendly_name: "Later" } });

    expect(await rolesOf("made-later")).toContain("Editor");
  });
});
