import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, symlinkSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Instruction {
  readonly name: string;
  /** What follows the name, continued lines joined. */
  readonly rest: string;
}

/** A stage: from `FROM` to the next one. */
export interface Stage {
  readonly name: string;
  readonly instructions: readonly Instruction[];
}

/** The stages of a Dockerfile that has no heredocs. What stands before the first `FROM` is left out. */
export function stagesOf(text: string): readonly Stage[] {
  const lines = text
    .replace(/^#.*\n/gm, "")
    .replace(/\\\n\s*/g, " ")
    .split("\n");
  const stages: { name: string; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [, name = "", rest = ""] = /^([A-Z]+) (.*)$/.exec(line) ?? [];
    if (name === "FROM") stages.push({ name: / AS (\w+)$/.exec(rest)?.[1] ?? "final", instructions: [] });
    else if (name !== "") stages.at(-1)?.instructions.push({ name, rest });
  }
  return stages;
}

/** The parts of `COPY [--from=stage] source… target`. */
export function copyOf({ rest }: Instruction) {
  const words = rest.split(" ");
  const from = words[0]?.startsWith("--from=") ? words.shift()?.slice("--from=".length) : undefined;
  const target = words.pop() ?? "";
  return { from, sources: words, target };
}

/**
 * Does what a stage says in a directory instead of an image: copies, and runs npm. `installed`: the modules that its
 * `npm ci` would install once more, if it is to be spared that.
 */
export async function buildStage(stage: Stage, directory: string, installed?: string): Promise<void> {
  const stageDirectory = join(directory, stage.name);
  mkdirSync(stageDirectory, { recursive: true });
  for (const instruction of stage.instructions) {
    if (instruction.name === "COPY") copy(instruction, directory, stageDirectory);
    if (instruction.name !== "RUN") continue;
    if (instruction.rest === "npm ci" && installed)
      symlinkSync(resolve(installed), join(stageDirectory, "node_modules"));
    else if (instruction.rest.startsWith("npm ")) await npm(instruction.rest, stageDirectory);
  }
}

function copy(instruction: Instruction, directory: string, stageDirectory: string): void {
  const { from, sources, target } = copyOf(instruction);
  for (const source of sources) {
    const path = from === undefined ? source : join(directory, from, source.replace("/app/", ""));
    const into = target.endsWith("/") ? join(stageDirectory, target, basename(source)) : join(stageDirectory, target);
    if (!existsSync(path)) throw new Error(`COPY ${source}: there is no ${path}`);
    // Links stay links: those among the modules lead to `tools`, which is copied too.
    cpSync(path, into, { recursive: true, verbatimSymlinks: true });
  }
}

async function npm(command: string, cwd: string): Promise<void> {
  const [, ...words] = command.split(" ");
  // What `npm ci` of this checkout has fetched is in npm's cache.
  await run("npm", [...words, "--prefer-offline", "--no-audit", "--no-fund"], { cwd });
}
