import type { Clock } from "../src/domain/clock.ts";
import { keepRecent } from "../src/domain/recent.ts";
import type { Known, Outage } from "./outage.ts";

/** Other processes' writes are seen this late, and no later. */
const FOUND_MS = 1_000;

/** Shorter, because what is missing is often just being made. */
const ABSENT_MS = 250;

/** Unknown names must not fill the memory; what falls out is read again. */
const ENTRIES_MAX = 10_000;

interface Entry<T> {
  readonly value: T | null;
  readonly readMs: number;
  readonly untilMs: number;
}

interface Reading<T> {
  /** A write came in between: what is being read may be from before it. */
  stale: boolean;
  readonly result: Promise<T | null>;
}

/**
 * Remembers single reads for a moment, and what was found for as long as an outage lasts, if one is given. Callers that
 * ask while a read is under way share it.
 */
export function createReadCache<T>(
  load: (key: string) => Promise<T | null>,
  clock: Clock,
  outage?: Pick<Outage, "read">,
) {
  const entries = new Map<string, Entry<T>>();
  const readings = new Map<string, Reading<T>>();

  const read = (key: string): Promise<T | null> => {
    const loaded = async () => {
      let readMs = clock().getTime();
      let value = await load(key);
      // It ends, because every round takes another write to this one key.
      while (reading.stale) {
        reading.stale = false;
        readMs = clock().getTime();
        value = await load(key);
      }
      keep(key, value, readMs);
      return value;
    };
    const reading = {
      stale: false,
      result: Promise.resolve()
        .then(() => (outage ? outage.read(loaded, () => known(key)) : loaded()))
        .finally(() => readings.delete(key)),
    };
    readings.set(key, reading);
    return reading.result;
  };

  /** That there is nothing is not known for long: it may have come since. */
  const known = (key: string): Known<T | null> | undefined => {
    const found = entries.get(key);
    return found?.value === null ? undefined : found;
  };

  const keep = (key: string, value: T | null, readMs: number) => {
    const untilMs = clock().getTime() + (value === null ? ABSENT_MS : FOUND_MS);
    keepRecent(entries, key, { value, readMs, untilMs }, ENTRIES_MAX);
  };

  const fresh = (key: string): Entry<T> | undefined => {
    const found = entries.get(key);
    return found && clock().getTime() < found.untilMs ? found : undefined;
  };

  return {
    async get(key: string): Promise<T | null> {
      const found = fresh(key);
      if (found) return found.value;
      return await (readings.get(key)?.result ?? read(key));
    },

    /** What `get` would answer without a read; undefined when there would be one. */
    atHand: (key: string): T | null | undefined => fresh(key)?.value,

    /** After a write, before its caller goes on: nobody who asks from now on is answered from before it. */
    forget(key: string): void {
      entries.delete(key);
      const reading = readings.get(key);
      if (reading) reading.stale = true;
    },
  };
}
