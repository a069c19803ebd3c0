import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { collect, freePort, ready } from "./program.ts";

const run = promisify(execFile);

/** A directory in which the package is installed as it would be published, with the examples beside it. */
export interface PackedProject {
  readonly directory: string;
  /** Runs an example to its end and answers what it printed. */
  run(example: string, env?: Readonly<Record<string, string>>): Promise<string>;
  /** Starts an example that serves, and waits until it answers `/healthz`. */
  serve(example: string, env?: Readonly<Record<string, string>>): Promise<ServingExample>;
  /** Type-checks the examples against the published declarations; throws with the compiler's words. */
  types(): Promise<void>;
  remove(): void;
}

export interface ServingExample {
  readonly port: number;
  output(): string;
  /** Ends it as a supervisor does and answers its exit code. */
  stop(): Promise<number | null>;
}

/** Builds and packs the package, and unpacks it where its dependencies are links to ours. */
export async function packedProject(): Promise<PackedProject> {
  const directory = mkdtempSync(join(tmpdir(), "packed-"));
  await run("npm", ["run", "build"]);
  await run("npm", ["pack", "--ignore-scripts", "--pack-destination", directory]);
  const [tarball = ""] = readdirSync(directory);
  mkdirSync(join(directory, "node_modules/rowhouse"), { recursive: true });
  await run("tar", ["-xzf", tarball, "--strip-components=1", "-C", "node_modules/rowhouse"], { cwd: directory });
  for (const name of readdirSync("node_modules")) {
    if (name !== "rowhouse" && !name.startsWith(".")) {
      symlinkSync(resolve("node_modules", name), join(directory, "node_modules", name));
    }
  }
  cpSync("examples", join(directory, "examples"), { recursive: true });
  writeFileSync(join(directory, "package.json"), JSON.stringify({ type: "module" }));
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify(TSCONFIG));

  const launch = (example: string, env: Readonly<Record<string, string>> = {}): ChildProcess => {
    const { PATH, HOME } = process.env;
    return spawn(process.execPath, ["--import", "tsx", `examples/${example}`], {
      cwd: directory,
      env: { PATH, HOME, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
  };

  return {
    directory,
    async run(example, env) {
      const child = launch(example, env);
      const printed = collect(child);
      const [code] = (await once(child, "exit")) as [number | null];
      if (code !== 0) throw new Error(`${example} ended with code ${code}:\n${printed()}`);
      return printed();
    },
    async serve(example, env) {
      const port = await freePort();
      const child = launch(example, { PORT: String(port), ...env });
      const printed = collect(child);
      await ready(example, port, child, printed);
      return {
        port,
        output: printed,
        async stop() {
          if (child.exitCode === null && child.signalCode === null) {
            child.kill("SIGTERM");
            await once(child, "exit");
          }
          return child.exitCode;
        },
      };
    },
    async types() {
      const tsc = resolve("node_modules/typescript/bin/tsc");
      await run(process.execPath, [tsc, "-p", directory]).catch(({ stdout }) => {
        throw new Error(String(stdout));
      });
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** A strict application of today; its libraries' declarations are its own business only through what they export. */
const TSCONFIG = {
  compilerOptions: {
    ...{ strict: true, noEmit: true, skipLibCheck: true, verbatimModuleSyntax: true },
    ...{ module: "nodenext", target: "es2023", lib: ["es2023"], types: ["node"] },
  },
  include: ["examples"],
};
