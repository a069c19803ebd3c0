import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Closing a native database frees its descriptors only when the garbage collector finds its statements, and the
 * collector knows nothing of descriptors: after some 6,000 closes a process had none left. A forced collection
 * takes milliseconds, so this many closes share one.
 */
const CLOSES_PER_COLLECTION = 256;

/** Counts the closes of one provider and has the garbage collected after every `every`th. */
export function createCloseCounter(every = CLOSES_PER_COLLECTION, collect = collectGarbage) {
  let closes = 0;
  return (): void => {
    closes += 1;
    if (closes % every === 0) collect();
  };
}

/** Node offers `gc` only behind a flag, but the flag may be set while it runs; new contexts then have it. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const gc: unknown = runInNewContext("gc");
  if (typeof gc === "function") gc();
}
