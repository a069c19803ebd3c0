import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Descriptors that this process has open (Linux). */
export const openFiles = (): number => readdirSync("/proc/self/fd").length;

/** A collection hands pages back in the background, a while after it. */
const SETTLE_MS = 300;

/** Resident memory in KiB, after what nobody needs any more is gone. */
export async function residentKiB(): Promise<number> {
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc?.();
    await sleep(SETTLE_MS);
  }
  return process.memoryUsage.rss() / 1_024;
}
