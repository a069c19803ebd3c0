import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { blocksOf } from "../support/documents.ts";
import { collect, freePort, ready } from "../support/program.ts";

const run = promisify(execFile);

/** An empty project into which the package was installed as from a registry, by npm. */
let project: string;

beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), "empty-project-"));
  await run("npm", ["run", "build"]);
  await run("npm", ["pack", "--ignore-scripts", "--pack-destination", project]);
  const [tarball = ""] = readdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest(tarball)));
  // What `npm ci` of this checkout has fetched is in npm's cache.
  await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund"], { cwd: project });
}, 900_000);
afterAll(() => rmSync(project, { recursive: true, force: true }));

/** With the stand-ins for packages that not every registry has, docs/decisions/0002. */
function manifest(tarball: string) {
  const { devDependencies, peerDependencies, overrides } = JSON.parse(readFileSync("package.json", "utf8"));
  const standIns = Object.keys(overrides.authhero).map((name) => {
    const path = String(devDependencies[name]).replace("file:", "");
    return [name, `file:${resolve(path)}`];
  });
  const dependencies = {
    rowhouse: `file:${tarball}`,
    authhero: peerDependencies.authhero,
    ...Object.fromEntries(standIns),
  };
  return { type: "module", dependencies, overrides };
}

it("brings nothing along that only development needs", () => {
  for (const name of ["tsx", "vitest", "swagger-ui-dist", "@scarf/scarf"]) {
    expect(existsSync(join(project, "node_modules", name)), name).toBe(false);
  }
  const viewer = readdirSync(join(project, "node_modules/rowhouse/dist/src/http/reference/swagger-ui"));
  expect(viewer).toEqual(expect.arrayContaining(["LICENSE", "NOTICE", "swagger-ui-bundle.js", "swagger-ui.css"]));
});

it("runs the program of which the README shows the middle, without a compiler", async () => {
  copyFileSync("examples/multi-tenant.ts", join(project, "house.js"));
  mkdirSync(join(project, "data"));
  const port = await freePort();
  const env = { PATH: process.env.PATH, PORT: String(port), ENCRYPTION_KEY: "07".repeat(32) };
  const child = spawn(process.execPath, ["house.js"], { cwd: project, env, stdio: ["ignore", "pipe", "pipe"] });
  await ready("house.js", port, child, collect(child));

  expect((await fetch(`http://localhost:${port}/docs`)).status).toBe(200);
  expect(existsSync(join(project, "data/first-login.json"))).toBe(true);
  child.kill("SIGTERM");
  expect((await once(child, "exit"))[0]).toBe(0);
}, 180_000);

it("brings the command rowhouse: it serves, makes a tenant, and says how the house is", async () => {
  const port = String(await freePort());
  const env = { PATH: process.env.PATH, PORT: port, DATA_DIR: join(project, "house-data") };
  const rowhouse = join(project, "node_modules/.bin/rowhouse");
  const ask = async (...args: string[]) => (await run(rowhouse, args, { cwd: project, env })).stdout;
  const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };

  expect(await ask("--version")).toBe(`${version}\n`);
  const child = spawn(rowhouse, ["start"], { cwd: project, env, stdio: ["ignore", "pipe", "pipe"] });
  await ready("rowhouse start", Number(port), child, collect(child));

  expect(JSON.parse(await ask("tenants", "create", "acme", "--json"))).toMatchObject({ id: "acme", state: "ready" });
  const status = JSON.parse(await ask("status", "--url", `http://localhost:${port}/`, "--json"));
  expect(status).toMatchObject({ server: "ok", tenants: { ready: 2 } });
  child.kill("SIGTERM");
  expect((await once(child, "exit"))[0]).toBe(0);
}, 180_000);

it("shows in the README what the program has", () => {
  const shown = blocksOf("README.md").find(({ info }) => info === "ts")?.text ?? "";
  const program = readFileSync("examples/multi-tenant.ts", "utf8");

  const lines = shown.split("\n").filter((line) => line.trim() !== "");
  expect(lines.length).toBeGreaterThan(8);
  for (const line of lines) expect(program).toContain(line);
});
