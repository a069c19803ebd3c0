import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { nodeArguments } from "../support/compiled.ts";

/** How often a timer fires while the work runs: none when the event loop is blocked. */
export async function ticksDuring(work: () => Promise<unknown>): Promise<number> {
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
  }, 1);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return ticks;
}

/** Runs `worker.ts` as a process of its own and returns what it reports. */
export async function runWorker(...args: string[]): Promise<{ ticks: number; result: unknown[] }> {
  const { stdout } = await promisify(execFile)(process.execPath, [...nodeArguments("test/db/worker.ts"), ...args]);
  return JSON.parse(stdout);
}
