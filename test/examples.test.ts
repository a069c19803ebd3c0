import { readFileSync } from "node:fs";
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
