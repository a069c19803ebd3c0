import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type PackedProject, packedProject } from "./support/packed.ts";

/** Everything here runs on the package as it would be published, from a directory that knows nothing of this one. */
let project: PackedProject;

beforeAll(async () => {
  project = await packedProject();
}, 240_000);
afterAll(() => project?.remove());

const dataIn = (name: string) => ({ DATA_DIR: join(project.directory, name) });

it("type-checks against the published declarations", () => project.types(), 120_000);

it("adapter.ts: AuthHero on one database", async () => {
  const printed = await project.run("adapter.ts", { DATABASE_URL: `file:${join(project.directory, "pooled.db")}` });

  expect(printed.trim()).toBe("http://localhost:3000/");
});

it("adapter.ts is what docs/adapter.md shows", () => {
  const [, block = ""] = /```ts\n([\s\S]*?)```/.exec(readFileSync("docs/adapter.md", "utf8")) ?? [];
  const example = readFileSync("examples/adapter.ts", "utf8");

  const lines = block.split("\n").filter((line) => line.trim() !== "");
  expect(lines.length).toBeGreaterThan(5);
  for (const line of lines) expect(example).toContain(line);
});

it("multi-tenant.ts: makes a tenant with a database and a role of its own", async () => {
  const env = { ...dataIn("house"), ENCRYPTION_KEY: "07".repeat(32) };
  const server = await project.serve("multi-tenant.ts", env);
  const url = `http://localhost:${server.port}`;
  const loginFile = join(env.DATA_DIR, "first-login.json");
  const { clientId, clientSecret } = JSON.parse(readFileSync(loginFile, "utf8"));
  const headers = await managementHeaders(url, clientId, clientSecret);

  const json = JSON.stringify({ id: "acme", friendly_name: "Acme" });
  expect((await fetch(`${url}/api/v2/tenants`, { method: "POST", headers, body: json })).status).toBe(201);
  const roles = await fetch(`${url}/api/v2/roles`, { headers: { ...headers, "tenant-id": "acme" } });

  expect(await roles.json()).toMatchObject([{ name: "editor" }]);
  expect(statSync(loginFile).mode & 0o777).toBe(0o600);
  expect(await server.stop()).toBe(0);
});

it("from-parts.ts: AuthHero with a database per tenant, chosen by the host", async () => {
  const env = { ...dataIn("parts"), CLIENT_SECRET: "automation-secret" };
  const server = await project.serve("from-parts.ts", env);
  const url = `http://localhost:${server.port}`;
  const headers = await managementHeaders(url, "automation", env.CLIENT_SECRET);
  const post = (address: string, json: object, more: Record<string, string> = {}) =>
    fetch(address, { method: "POST", headers: { ...headers, ...more }, body: JSON.stringify(json) });

  expect((await post(`${url}/api/v2/tenants`, { id: "acme", friendly_name: "Acme" })).status).toBe(201);
  const atAcme = `http://acme.localhost:${server.port}/api/v2/roles`;
  expect((await post(atAcme, { name: "baker" }, { "tenant-id": "acme" })).status).toBe(201);

  const roles = await fetch(atAcme, { headers: { ...headers, "tenant-id": "acme" } });
  expect(await roles.json()).toMatchObject([{ name: "baker" }]);
  expect((await fetch(`http://nobody.localhost:${server.port}/authorize`)).status).toBe(404);
  expect(await server.stop()).toBe(0);
});

it("custom-provider.ts: makes a tenant's database and finds it again", async () => {
  const first = await project.run("custom-provider.ts", dataIn("custom"));
  const second = await project.run("custom-provider.ts", dataIn("custom"));

  expect(first.trim()).toBe("[ 'baker' ]");
  expect(second).toBe(first);
});

it("database-middleware.ts: each tenant's requests run on its own database", async () => {
  const server = await project.serve("database-middleware.ts", dataIn("middleware"));
  const at = (tenant: string, path: string) => `http://${tenant}.localhost:${server.port}${path}`;

  expect((await fetch(at("acme", "/roles/baker"), { method: "POST" })).status).toBe(201);
  expect(await (await fetch(at("acme", "/roles"))).json()).toEqual(["baker"]);
  expect(await (await fetch(at("beta", "/roles"))).json()).toEqual([]);
  expect((await fetch(at("gamma", "/roles"))).status).toBe(404);
  expect((await fetch(`http://127.0.0.1:${server.port}/roles`)).status).toBe(404);
  expect(await server.stop()).toBe(0);
});

/** What a client sends to the Management API. */
async function managementHeaders(url: string, client_id: string, client_secret: string) {
  const form = { grant_type: "client_credentials", audience: "urn:authhero:management", client_id, client_secret };
  const answer = await fetch(`${url}/oauth/token`, { method: "POST", body: new URLSearchParams(form) });
  const { access_token } = (await answer.json()) as { access_token: string };
  return { authorization: `Bearer ${access_token}`, "content-type": "application/json" };
}
