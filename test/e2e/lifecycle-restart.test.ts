import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { api, createTenant, managementToken } from "../support/clients.ts";
import { type RunningServer, startServer } from "../support/server.ts";

const running: RunningServer[] = [];
const start = async (...options: Parameters<typeof startServer>) => {
  const server = await startServer(...options);
  running.push(server);
  return server;
};
afterEach(async () => {
  for (const server of running.splice(0).reverse()) await server.remove();
});

const bodyOf = async (answer: Response) => (await answer.json()) as Record<string, unknown>;

describe("an operation that cannot go on", () => {
  it("says why, survives a restart, and is resumed by hand once the cause is gone", async () => {
    const first = await start();
    const token = await managementToken(first);
    await createTenant(first, token, "acme");
    await api(first, token, "/tenants/acme", { method: "DELETE" });
    const file = keptFile(first);
    const content = readFileSync(file);
    writeFileSync(file, Buffer.alloc(content.length, 0x58));

    const failed = await api(first, token, "/tenants/acme/undelete", { method: "POST" });

    expect([failed.status, (await bodyOf(failed)).errorCode]).toEqual([503, "database_unreadable"]);
    expect(await bodyOf(await api(first, token, "/tenants/acme"))).toMatchObject({ state: "provisioning" });
    expect((await fetch(`http://acme.localhost:${first.port}/authorize?client_id=x`)).status).toBe(503);
    await first.stop();
    const second = await start({ directory: first.directory, port: first.port });
    const [operation] = (await (await api(second, token, "/tenants/acme/operations")).json()) as {
      error: string;
      status: string;
    }[];
    expect(operation).toMatchObject({ kind: "undelete", status: "running", step: "verify" });
    expect(operation?.error).toMatch(/^database_unreadable/);

    writeFileSync(file.replace("/deleted/", "/"), content);
    const body = JSON.stringify({ kind: "undelete" });
    const resumed = await api(second, token, "/tenants/acme/operations", { method: "POST", body });

    expect([resumed.status, (await bodyOf(resumed)).status]).toEqual([200, "done"]);
    expect(await bodyOf(await api(second, token, "/tenants/acme"))).toMatchObject({ state: "ready" });
  });
});

describe("the scopes of a tenant's life", () => {
  it("come back to the first management client at every start, and are asked for on their routes", async () => {
    const first = await start();
    const token = await managementToken(first);
    await createTenant(first, token, "acme");
    const [grant] = (await (await api(first, token, "/client-grants?client_id=rowhouse-management")).json()) as {
      id: string;
      scope: string[];
    }[];
    expect(grant?.scope.filter((scope) => scope === "suspend:tenants")).toHaveLength(1);
    const scope = grant?.scope.filter((value) => value !== "suspend:tenants" && value !== "read:tenant_operations");
    await api(first, token, `/client-grants/${grant?.id}`, { method: "PATCH", body: JSON.stringify({ scope }) });

    const poorer = await managementToken(first);
    const statusOf = async (server: RunningServer, held: string, method: string, path: string) =>
      (await api(server, held, path, { method })).status;
    expect(await statusOf(first, poorer, "POST", "/tenants/acme/suspend")).toBe(403);
    expect(await statusOf(first, poorer, "POST", "/tenants/acme/reactivate")).toBe(403);
    expect(await statusOf(first, poorer, "GET", "/tenants/acme/operations")).toBe(403);
    expect(await statusOf(first, poorer, "GET", "/tenants/acme")).toBe(200);

    await first.stop();
    const second = await start({ directory: first.directory, port: first.port });
    const richer = await managementToken(second);

    expect(await statusOf(second, richer, "POST", "/tenants/acme/suspend")).toBe(200);
    expect(await statusOf(second, richer, "GET", "/tenants/acme/operations")).toBe(200);
  });
});

/** The database of the one tenant that is deleted. */
function keptFile({ directory }: RunningServer): string {
  const deleted = join(directory, "tenants", "deleted");
  const [name = ""] = readdirSync(deleted).filter((file) => file.endsWith(".db"));
  return join(deleted, name);
}
