import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kysely, sql } from "kysely";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openFile } from "../../src/db/native.ts";
import { api, createTenant, managementToken } from "../support/clients.ts";
import { freePort } from "../support/program.ts";
import { type RunningServer, startServer } from "../support/server.ts";

/** Far longer than anything here takes; a machine may be busy. */
const PATIENCE_MS = 120_000;

let here: RunningServer;
let there: RunningServer;
let token: string;

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), "sync-pair-"));
  const ports = [await freePort(), await freePort()];
  const env = { ISSUER: `http://localhost:${ports[0]}/` };
  const pair = await Promise.all(ports.map((port) => startServer({ directory, port, env })));
  [here, there] = pair as [RunningServer, RunningServer];
  token = await managementToken(here);
  await createTenant(here, token, "acme");
}, 3 * PATIENCE_MS);
afterAll(async () => {
  await here?.remove();
  await there?.remove();
}, PATIENCE_MS);

const rolesAt = async (server: RunningServer): Promise<string[]> => {
  const answer = await api(server, token, "/roles", { headers: { "tenant-id": "acme" } });
  return ((await answer.json()) as { name: string }[]).map(({ name }) => name);
};

it(
  "what one process changes on the control plane is in a tenant that is asked at another",
  async () => {
    const ofAcme = async () => (await rolesAt(there)).join();
    // Its database is open there, and was up to date.
    const before = await ofAcme();

    const made = await api(here, token, "/roles", { method: "POST", body: JSON.stringify({ name: "Editor" }) });
    await expect.poll(ofAcme, { timeout: PATIENCE_MS }).toContain("Editor");
    const { id } = (await made.json()) as { id: string };
    const renamed = { method: "PATCH", body: JSON.stringify({ name: "Author" }) };
    expect((await api(there, token, `/roles/${id}`, renamed)).status).toBe(200);
    await expect.poll(async () => (await rolesAt(here)).join(), { timeout: PATIENCE_MS }).toContain("Author");

    expect(before).not.toContain("Editor");
  },
  3 * PATIENCE_MS,
);

it(
  "also when whoever has made the change could not reach the tenant, and has died",
  async () => {
    const { name } = (await (await api(here, token, "/tenants/acme/database")).json()) as { name: string };
    const database = await openFile(join(here.directory, "tenants", `${name}.db`));
    const db = new Kysely<unknown>({ dialect: database.dialect });

    await db.transaction().execute(async (locked) => {
      await sql`update database_identity set tenant_id = tenant_id`.execute(locked);
      // It waits for the tenant's database, and then answers without.
      const made = await api(here, token, "/roles", { method: "POST", body: JSON.stringify({ name: "Pulled" }) });
      expect(made.status).toBe(201);
      await here.signal("SIGKILL");
    });
    await database.close();

    await expect.poll(async () => (await rolesAt(there)).join(), { timeout: PATIENCE_MS }).toContain("Pulled");
  },
  3 * PATIENCE_MS,
);
