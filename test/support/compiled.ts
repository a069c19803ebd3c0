import { join, resolve } from "node:path";

/** The variable that says where `compiling.ts` has put our code. */
export const COMPILED = "ROWHOUSE_COMPILED";

/** How a process of its own runs one of our modules. */
export interface Runnable {
  /** What node is told before it. */
  readonly options: readonly string[];
  readonly module: string;
}

/** A module of ours as this run of the tests has compiled it; outside a run, as in a benchmark, by tsx as `npm start` does. */
export function runnable(path: string): Runnable {
  const directory = process.env[COMPILED];
  if (directory === undefined) return { options: ["--import", "tsx"], module: resolve(path) };
  return { options: ["--enable-source-maps"], module: join(directory, path.replace(/\.ts$/, ".js")) };
}

/** The same as arguments of node. */
export function nodeArguments(path: string): string[] {
  const { options, module } = runnable(path);
  return [...options, module];
}
