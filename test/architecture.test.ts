import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

/** Each layer may import the ones above it. Neighbours on a line are strangers. */
const LAYERS = [
  ["src/domain"],
  ["src/log", "src/metrics", "src/traces", "src/config"],
  ["src/config.ts"],
  ["src/db"],
  ["src/entities", "provisioning/providers"],
  ["provisioning"],
  ["src/tenancy", "src/sync"],
  ["src/fallback"],
  ["src/auth"],
  ["src/http", "src/conformance", "src/adopt"],
  ["src/wiring"],
  ["src/cli"],
  ["src/index.ts", "src/adapter.ts", "src/server.ts"],
];

/** Packages that only these places may touch, so that replacing one is a local change. */
const OWNERS: Readonly<Record<string, readonly string[]>> = {
  "@hono/node-server": ["src/http", "src/wiring"],
  "@hono/zod-openapi": ["src/http"],
  "@libsql/client": ["src/db"],
  "@opentelemetry/api": ["src/traces"],
  "@tursodatabase/api": ["provisioning/providers"],
  authhero: ["src/auth", "src/http"],
  "cli-progress": ["src/cli"],
  "cli-table3": ["src/cli"],
  commander: ["src/cli"],
  hono: ["src/http"],
  libsql: ["src/db"],
  nodemailer: ["src/auth"],
  pino: ["src/log"],
  "prom-client": ["src/metrics"],
  // Our own name: inside, import the file.
  rowhouse: [],
  vitest: ["src/conformance"],
};

const ENVIRONMENT_READERS = ["src/config.ts"];
const CONSOLE_WRITERS = ["src/log", "src/cli"];
const FILE_LINES_MAX = 400;

/** A file as the rules see it. Paths are relative to the repository and use `/`. */
interface Source {
  readonly path: string;
  readonly text: string;
}

// The longest name wins: provisioning/providers is not provisioning.
const layerNames = LAYERS.flat().sort((a, b) => b.length - a.length);

function layerOf(path: string): string | undefined {
  return layerNames.find((name) => path === name || path.startsWith(`${name}/`));
}

function rankOf(path: string): number {
  const layer = layerOf(path);
  return LAYERS.findIndex((names) => layer !== undefined && names.includes(layer));
}

/** What is executed or typed, without whole lines of comment, which may name anything. */
function codeOf({ text }: Source): string {
  return text.replaceAll(/^\s*\/\*.*?\*\//gms, "").replaceAll(/^\s*\/\/.*$/gm, "");
}

/** Everything a file imports or re-exports, statically or not, for its types or its values. */
function importsOf(source: Source): string[] {
  const specifiers = codeOf(source).matchAll(/\b(?:from|import|require)\s*\(?\s*["'`]([^"'`]+)["'`]/g);
  return Array.from(specifiers, ([, specifier = ""]) => specifier);
}

function packageOf(specifier: string): string {
  const parts = specifier.split("/");
  return specifier.startsWith("@") ? parts.slice(0, 2).join("/") : (parts[0] ?? specifier);
}

/** Relative imports that point down, sideways, or out of the layers altogether. */
function wrongDirections(source: Source): string[] {
  return importsOf(source)
    .filter((specifier) => specifier.startsWith("."))
    .map((specifier) => join(dirname(source.path), specifier))
    .filter((target) => layerOf(target) !== layerOf(source.path))
    .filter((target) => rankOf(target) === -1 || rankOf(target) >= rankOf(source.path));
}

function foreignPackages(source: Source): string[] {
  const layer = layerOf(source.path) ?? "";
  return importsOf(source).filter((specifier) => {
    const owners = OWNERS[packageOf(specifier)];
    return owners !== undefined && !owners.includes(layer);
  });
}

/** The domain is pure: whatever needs the machine is handed in. */
function machineImports(source: Source): string[] {
  if (layerOf(source.path) !== "src/domain") return [];
  return importsOf(source).filter((specifier) => specifier.startsWith("node:"));
}

function environmentReads(source: Source): string[] {
  if (ENVIRONMENT_READERS.includes(layerOf(source.path) ?? "")) return [];
  return codeOf(source).match(/\bprocess\s*(?:\.\s*env\b|\[\s*["'`]env)|\benv\b[^;]*\bfrom "node:process"/g) ?? [];
}

function consoleWrites(source: Source): string[] {
  if (CONSOLE_WRITERS.includes(layerOf(source.path) ?? "")) return [];
  return codeOf(source).match(/\bconsole\s*(?:\.\s*\w+|\[)/g) ?? [];
}

function lineCount({ text }: Source): number {
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}

function sourcesIn(...roots: readonly string[]): Source[] {
  return roots
    .filter((root) => existsSync(root))
    .flatMap((root) => readdirSync(root, { recursive: true, encoding: "utf8" }).map((name) => join(root, name)))
    .filter((path) => path.endsWith(".ts"))
    .map((path) => ({ path, text: readFileSync(path, "utf8") }));
}

const shipped = sourcesIn("src", "provisioning");
const all = [...shipped, ...sourcesIn("test", "bench", "scripts")];

describe("the tree", () => {
  it("is found", () => {
    expect(shipped.map(({ path }) => path)).toContain("src/domain/errors.ts");
  });

  it.each(shipped)("$path belongs to a layer and imports only from above", (source) => {
    expect(rankOf(source.path), "add the new layer to LAYERS").not.toBe(-1);
    expect(wrongDirections(source)).toEqual([]);
  });

  it.each(shipped)("$path leaves owned packages, the environment and the console alone", (source) => {
    expect(foreignPackages(source)).toEqual([]);
    expect(machineImports(source)).toEqual([]);
    expect(environmentReads(source)).toEqual([]);
    expect(consoleWrites(source)).toEqual([]);
  });

  it.each(all)("$path is short enough to be read", (source) => {
    expect(lineCount(source)).toBeLessThanOrEqual(FILE_LINES_MAX);
  });
});

// A rule that cannot fail protects nothing: each is shown something it must refuse.
describe("the rules", () => {
  it.each([
    ["downwards", "src/domain/x.ts", `import { a } from "../db/a.ts";`, "src/db/a.ts"],
    [
      "sideways",
      "src/entities/x.ts",
      `import { a } from "../../provisioning/providers/a.ts";`,
      "provisioning/providers/a.ts",
    ],
    ["sideways between programs", "src/server.ts", `import { a } from "./index.ts";`, "src/index.ts"],
    ["by type only", "src/db/x.ts", `import type { A } from "../tenancy/a.ts";`, "src/tenancy/a.ts"],
    ["by re-export", "src/db/x.ts", `export { a } from "../http/a.ts";`, "src/http/a.ts"],
    ["for its effect", "src/db/x.ts", `import "../http/a.ts";`, "src/http/a.ts"],
    ["dynamically", "src/db/x.ts", `const a = await import("../http/a.ts");`, "src/http/a.ts"],
    ["over several lines", "src/db/x.ts", `import {\n  a,\n} from "../http/a.ts";`, "src/http/a.ts"],
    ["from a folder up", "provisioning/providers/x.ts", `import { a } from "../pool.ts";`, "provisioning/pool.ts"],
    ["out of the layers", "src/http/x.ts", `import { a } from "../../test/a.ts";`, "test/a.ts"],
    ["from an unknown layer", "src/http/x.ts", `import { a } from "../misc/a.ts";`, "src/misc/a.ts"],
  ])("refuse an import that points %s", (_how, path, text, target) => {
    expect(wrongDirections({ path, text })).toEqual([target]);
  });

  it("allow imports from above and from the same layer", () => {
    const text = `import { a } from "../../src/domain/a.ts";\nimport { b } from "./b.ts";\nimport { z } from "zod";`;

    expect(wrongDirections({ path: "provisioning/providers/x.ts", text })).toEqual([]);
  });

  it.each(["src/misc/x.ts", "src/x.ts", "src/domainx/x.ts"])("know no layer for %s", (path) => {
    expect(rankOf(path)).toBe(-1);
  });

  it.each([
    ["src/db/x.ts", "authhero"],
    ["src/tenancy/x.ts", "hono/factory"],
    ["src/entities/x.ts", "@libsql/client/http"],
    ["src/http/x.ts", "libsql"],
    ["src/http/x.ts", "rowhouse/adapter"],
  ])("refuse %s the package %s", (path, specifier) => {
    expect(foreignPackages({ path, text: `import { a } from "${specifier}";` })).toEqual([specifier]);
  });

  it("give a package to its owner, and the contract to all", () => {
    expect(foreignPackages({ path: "src/db/x.ts", text: `import { a } from "@libsql/client";` })).toEqual([]);
    expect(foreignPackages({ path: "src/db/x.ts", text: `import { a } from "@authhero/adapter-interfaces";` })).toEqual(
      [],
    );
  });

  it("refuse the domain the machine", () => {
    expect(machineImports({ path: "src/domain/x.ts", text: `import fs from "node:fs";` })).toEqual(["node:fs"]);
  });

  it.each([`const a = process.env.A;`, `const a = process["env"];`, `import { env } from "node:process";`])(
    "refuse %s outside of the configuration",
    (text) => {
      expect(environmentReads({ path: "src/db/x.ts", text })).toHaveLength(1);
      expect(environmentReads({ path: "src/config.ts", text })).toEqual([]);
    },
  );

  it("refuse the console outside of the log and the commands", () => {
    const text = `console.log("hello");`;

    expect(consoleWrites({ path: "src/http/x.ts", text })).toEqual(["console.log"]);
    expect(consoleWrites({ path: "src/cli/x.ts", text })).toEqual([]);
  });

  it("let comments speak of anything", () => {
    const text = `/** Never process.env, never console.log, never import "../http/a.ts". */\n// import "hono"\nexport {};\n`;
    const source = { path: "src/db/x.ts", text };

    expect([wrongDirections, foreignPackages, environmentReads, consoleWrites].flatMap((rule) => rule(source))).toEqual(
      [],
    );
  });

  it("count lines as an editor does", () => {
    expect(lineCount({ path: "src/db/x.ts", text: "one\ntwo\n" })).toBe(2);
  });
});
