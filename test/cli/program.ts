import { spawn } from "node:child_process";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { run } from "../../src/cli/program.ts";
import { nodeArguments } from "../support/compiled.ts";

/** How a command ended, and what it printed. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real program, with the given variables and no others of ours. */
export async function rowhouse(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [...nodeArguments("src/cli/main.ts"), ...args], {
    env: { PATH, HOME, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code, stdout, stderr };
}

/** The same in this process, for what needs no settings: it is much quicker. */
export async function within(args: readonly string[]): Promise<Ran> {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const streams = { stdout: out, stderr: err } as unknown as Parameters<typeof run>[1];
  const code = await run(args, streams);
  out.end();
  err.end();
  return { code, stdout: await text(out), stderr: await text(err) };
}
