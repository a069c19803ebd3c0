import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { Environment } from "../../src/config/settings.ts";
import { loadConfig } from "../../src/config.ts";
import { buildStage, copyOf, stagesOf } from "../support/dockerfile.ts";
import { collect, freePort, ready } from "../support/program.ts";
import { SQLD, sqldMissing } from "../support/sqld.ts";

const run = promisify(execFile);
const read = (path: string) => readFileSync(path, "utf8");
const SETTINGS = Object.keys(Environment.shape);

const stages = stagesOf(read("Dockerfile"));
const final = stages.at(-1)?.instructions ?? [];
const of = (name: string) => final.find((instruction) => instruction.name === name)?.rest ?? "";
/** The array of an instruction in exec form, which no shell stands before. */
const execForm = (text: string) => JSON.parse(text.slice(text.indexOf("["))) as string[];
const imageEnv = Object.fromEntries(
  of("ENV")
    .split(" ")
    .map((pair) => pair.split("=")),
) as Record<string, string>;

interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: object;
}
interface ComposeService {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly volumes: readonly string[];
  readonly stop_grace_period?: string;
}
const compose = parse(read("compose.yaml")) as Compose;
const composed = (name: string) => {
  const service = compose.services[name];
  if (!service) throw new Error(`compose.yaml has no service ${name}`);
  return service;
};

describe("the Dockerfile", () => {
  it("copies what exists, and what .dockerignore lets through", () => {
    const admitted = read(".dockerignore")
      .split("\n")
      .flatMap((line) => /^!(.+)$/.exec(line)?.[1] ?? []);
    const copies = stages.flatMap(({ instructions }) => instructions.filter(({ name }) => name === "COPY").map(copyOf));
    const sources = new Set(copies.filter(({ from }) => from === undefined).flatMap((copy) => copy.sources));

    for (const source of sources) expect(existsSync(source), source).toBe(true);
    expect([...sources].sort()).toEqual(admitted.sort());
    const names = stages.map(({ name }) => name);
    for (const { from } of copies) if (from !== undefined) expect(names).toContain(from);
  });

  it("sets what the settings know, keeps the data in its volume, and is nobody's root", () => {
    const { NODE_ENV, ...settings } = imageEnv;

    expect(NODE_ENV).toBe("production");
    expect(SETTINGS).toEqual(expect.arrayContaining(Object.keys(settings)));
    expect(loadConfig(settings)).toMatchObject({ HOST: "0.0.0.0", DATA_DIR: of("VOLUME") });
    expect(of("EXPOSE")).toBe(settings.PORT);
    const order = final.map(({ name }) => name);
    expect(of("USER")).toBe("node");
    expect(order.indexOf("USER")).toBeLessThan(order.indexOf("CMD"));
  });

  it("runs on the major version of Node that the tests run on", () => {
    expect(read("Dockerfile")).toContain(`ARG NODE=${process.versions.node.split(".")[0]}\n`);
  });

  describe("followed in a directory", () => {
    let directory: string;
    beforeAll(async () => {
      directory = mkdtempSync(join(tmpdir(), "image-"));
      // The whole `npm ci` is what this checkout has done; that of production is done.
      for (const stage of stages) await buildStage(stage, directory, "node_modules");
    }, 600_000);
    afterAll(() => rmSync(directory, { recursive: true, force: true }));

    it("has only what production needs", () => {
      const modules = join(directory, "final/node_modules");

      expect(existsSync(join(modules, "authhero"))).toBe(true);
      for (const name of ["tsx", "vitest", "eslint", "swagger-ui-dist"]) {
        expect(existsSync(join(modules, name)), name).toBe(false);
      }
    });

    it("starts, is healthy, serves its API reference, and ends within the time it is given", async () => {
      const port = await freePort();
      const env = {
        ...imageEnv,
        PATH: process.env.PATH,
        HOST: "127.0.0.1",
        PORT: String(port),
        DATA_DIR: join(directory, "data"),
      };
      const [node = "", ...args] = execForm(of("CMD"));
      expect(node).toBe("node");
      const child = spawn(process.execPath, args, {
        cwd: join(directory, "final"),
        env,
        stdio: ["ignore", "pipe", "pipe"],
      });
      await ready("The image's program", port, child, collect(child));

      const [, ...probe] = execForm(of("HEALTHCHECK"));
      await run(process.execPath, probe, { env });
      const docs = await fetch(`http://localhost:${port}/docs`);
      expect([docs.status, (await fetch(`http://localhost:${port}/api/v2/spec`)).status]).toEqual([200, 200]);
      const [script] = /\/docs\/swagger-ui-bundle[^"]*/.exec(await docs.text()) ?? [];
      expect((await fetch(`http://localhost:${port}${script}`)).status).toBe(200);

      child.kill("SIGTERM");
      const [code] = (await once(child, "exit")) as [number | null];
      expect(code).toBe(0);
      await expect(run(process.execPath, probe, { env })).rejects.toMatchObject({ code: 1 });
    }, 180_000);
  });
});

describe("compose.yaml", () => {
  const { environment } = composed("rowhouse");

  it("has settings that the service starts with, and a key that both know", () => {
    const key = environment.LIBSQL_SERVER_ADMIN_KEY ?? "";
    const keys = { LIBSQL_SERVER_ADMIN_KEY: "07".repeat(32), ENCRYPTION_KEY: "07".repeat(32) };
    const variables = { ...imageEnv, ...environment, ...keys };

    expect(SETTINGS).toEqual(expect.arrayContaining(Object.keys(environment)));
    expect(loadConfig(variables)).toMatchObject({ PROVIDER: "libsql-server", ISSUER: "http://localhost:3000/" });
    expect(environment.ENCRYPTION_KEY).toMatch(/^\$\{ENCRYPTION_KEY:\?/);
    expect(key).toMatch(/^\$\{LIBSQL_SERVER_ADMIN_KEY:\?/);
    expect(composed("libsql").environment).toEqual({ LIBSQL_ADMIN_AUTH_KEY: key });
  });

  it.skipIf(sqldMissing)("runs the libSQL server of the tests, where the service looks for it", async () => {
    const { image, command = [] } = composed("libsql");
    const { stdout } = await run(SQLD, ["--version"]);
    const [version] = /\d+\.\d+\.\d+/.exec(stdout) ?? [];

    expect(image).toBe(`ghcr.io/tursodatabase/libsql-server:v${version}`);
    expect(command).toContain(`--http-listen-addr=0.0.0.0:${new URL(environment.LIBSQL_SERVER_URL ?? "").port}`);
    expect(command).toContain(`--admin-listen-addr=0.0.0.0:${new URL(environment.LIBSQL_SERVER_ADMIN_URL ?? "").port}`);
  });

  it("keeps all data in volumes, and lets requests end", () => {
    const mounted = Object.values(compose.services).flatMap(({ volumes }) => volumes.map((each) => each.split(":")[0]));

    expect(mounted.sort()).toEqual(Object.keys(compose.volumes).sort());
    expect(composed("rowhouse").volumes[0]).toBe(`house:${imageEnv.DATA_DIR}`);
    expect(Number.parseInt(composed("rowhouse").stop_grace_period ?? "", 10) * 1000).toBeGreaterThan(STOP_MS);
  });
});

/** How long the program waits for requests under way, as it says itself. */
const STOP_MS = Number(/STOP_MS = ([\d_]+)/.exec(read("src/wiring/stopping.ts"))?.[1]?.replace("_", ""));

describe("ops/systemd/rowhouse.service", () => {
  const unit = read("ops/systemd/rowhouse.service");
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(unit)?.[1] ?? "";

  it("runs what the image runs, and gives it as long to end", () => {
    expect(value("ExecStart")).toBe(`/usr/bin/${execForm(of("CMD")).join(" ")}`);
    expect(Number(value("TimeoutStopSec")) * 1000).toBeGreaterThan(STOP_MS);
  });

  it("keeps the data where only the service's user may read, and sets what the settings know", () => {
    const { NODE_ENV, ...settings } = Object.fromEntries(
      value("Environment")
        .split(" ")
        .map((pair) => pair.split("=")),
    );

    expect(NODE_ENV).toBe("production");
    expect(settings).toEqual({ DATA_DIR: `/var/lib/${value("StateDirectory")}` });
    expect(SETTINGS).toContain("DATA_DIR");
    expect(value("StateDirectoryMode")).toBe("0700");
  });

  const analyze = "/usr/bin/systemd-analyze";
  it.skipIf(!existsSync(analyze))("is a unit that systemd understands (needs systemd-analyze)", async () => {
    const { stdout, stderr } = await run(analyze, ["verify", "ops/systemd/rowhouse.service"]).catch((error) => error);

    // It also looks whether the program is there: on a machine whose Node is elsewhere, that is no fault of the unit.
    const complaints = `${stdout}${stderr}`
      .split("\n")
      .filter((line) => line !== "" && !/Command .* is not executable/.test(line));
    expect(complaints).toEqual([]);
  });
});
