import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { openFile } from "../../src/db/native.ts";
import type { SyncOptions } from "../../src/sync/rules.ts";
import { type HouseInProcess, openInProcess } from "../support/in-process.ts";

const directory = mkdtempSync(join(tmpdir(), "sync-start-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const open = (sync?: SyncOptions | false) => openInProcess({ DATA_DIR: directory }, sync === undefined ? {} : { sync });

async function ask(path: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const database = await openFile(path);
  try {
    return (await database.batch([{ sql, parameters: [] }]))[0]?.rows ?? [];
  } finally {
    await database.close();
  }
}

const controlPlane = join(directory, "control-plane.db");

/** What of the control plane is in the tenant's file: nobody asks the tenant, which would bring it forward. */
async function sharedIn(tenantId: string): Promise<string> {
  const [placed] = await ask(controlPlane, `select database from rh_placements where tenant_id = '${tenantId}'`);
  const path = join(directory, "tenants", `${placed?.database}.db`);
  return (await ask(path, "select name from roles where is_system = 1 order by name")).map(({ name }) => name).join();
}

const eventually = (tenantId: string) => expect.poll(() => sharedIn(tenantId), { timeout: 60_000, interval: 200 });

async function makeTenant({ made, machineToken }: HouseInProcess, id: string) {
  await made("/tenants", { token: await machineToken(), json: { id, friendly_name: id } });
}

it("a start gives tenants what they lack: made without sync, under other rules, or from before there was any", async () => {
  const without = await open(false);
  await without.made("/roles", { token: await without.machineToken(), json: { name: "Editor" } });
  await without.made("/roles", { token: await without.machineToken(), json: { name: "Viewer" } });
  await makeTenant(without, "acme");
  await makeTenant(without, "older");
  expect(await sharedIn("acme")).toBe("");
  await without.close({ keep: true });
  const [placed] = await ask(controlPlane, "select database from rh_placements where tenant_id = 'older'");
  // As a tenant's database is before the first start of a version that knows of sync.
  await ask(join(directory, "tenants", `${placed?.database}.db`), "delete from sync_state");

  const first = await open({ filters: { roles: ({ name }) => name !== "Viewer" } });
  await eventually("acme").toBe("Editor");
  await eventually("older").toBe("Editor");
  await first.close({ keep: true });

  const second = await open();
  await eventually("acme").toBe("Editor,Viewer");
  await eventually("older").toBe("Editor,Viewer");
  await second.close({ keep: true });

  // Somebody has rebuilt a table, which drops its triggers, and something has changed since.
  await ask(controlPlane, "drop trigger rh_sync_roles_update");
  await ask(controlPlane, "update roles set name = 'Author' where name = 'Editor'");
  const third = await open();
  await eventually("acme").toBe("Author,Viewer");
  await third.close();
}, 300_000);
