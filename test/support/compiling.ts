import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { CompilerOptions } from "typescript";
import type { TestProject } from "vitest/node";
import { COMPILED } from "./compiled.ts";

/** What a program of the tests may consist of, and what it finds beside itself. */
const COMPILED_TREES = ["src", "provisioning", "test"];
const BESIDE = ["migrations", "node_modules", "package.json"];

/** By what it was made of: one that is there is never stale. */
const CACHE = "node_modules/.cache/compiled-for-tests";

/**
 * Compiles our code for the programs that the tests start, into a directory that belongs to this run: a process that
 * compiles itself with tsx takes three times as long to start, and there are hundreds. Vitest calls this before a run.
 */
export async function setup(project: TestProject): Promise<() => void> {
  const directory = mkdtempSync(join(tmpdir(), "rowhouse-compiled-"));
  for (const name of BESIDE) symlinkSync(resolve(name), join(directory, name));
  await compile(directory);
  project.onTestsRerun(() => compile(directory));
  process.env[COMPILED] = directory;
  return () => rmSync(directory, { recursive: true, force: true });
}

/** Types are the business of `npm run types`. */
async function compile(directory: string): Promise<void> {
  const transpile = await transpiler();
  mkdirSync(CACHE, { recursive: true });
  for (const path of COMPILED_TREES.flatMap(filesIn)) {
    const target = join(directory, path);
    mkdirSync(dirname(target), { recursive: true });
    if (path.endsWith(".ts")) writeFileSync(target.replace(/\.ts$/, ".js"), transpile(path));
    else copyFileSync(path, target);
  }
}

function filesIn(tree: string): string[] {
  return readdirSync(tree, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.(?:test\.ts|snap)$/.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name));
}

async function transpiler(): Promise<(path: string) => string> {
  const { default: ts } = await import("typescript");
  const options: CompilerOptions = {
    module: ts.ModuleKind.ESNext,
    target: ts.ScriptTarget.ES2023,
    verbatimModuleSyntax: true,
    rewriteRelativeImportExtensions: true,
    inlineSourceMap: true,
  };

  return (path) => {
    const text = readFileSync(path, "utf8");
    // Stacks name the sources.
    const sourceRoot = `${pathToFileURL(dirname(path))}/`;
    const key = createHash("sha256").update(JSON.stringify([ts.version, options, sourceRoot, path, text]));
    const kept = join(CACHE, `${key.digest("hex")}.js`);
    if (existsSync(kept)) return readFileSync(kept, "utf8");
    const { outputText } = ts.transpileModule(text, { fileName: path, compilerOptions: { ...options, sourceRoot } });
    writeFileSync(`${kept}.${process.pid}`, outputText);
    renameSync(`${kept}.${process.pid}`, kept);
    return outputText;
  };
}
