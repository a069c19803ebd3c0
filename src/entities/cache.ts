import { isDeepStrictEqual } from "node:util";
import { deserialize, serialize } from "node:v8";
import type { CacheAdapter } from "@authhero/adapter-interfaces";
import type { Clock } from "../domain/clock.ts";
import { readingAnew } from "./kept-json.ts";

export interface CacheOptions {
  readonly clock: Clock;
  /** What all values together may take. The default is 64 MiB. */
  readonly bytesMax?: number;
  /** No value is kept longer, whatever a caller asks; also the life of a value for which nobody asks. In seconds. */
  readonly ttlSecondsMax?: number;
}

interface Entry {
  /** The value anew, for each who asks. */
  readonly read: () => unknown;
  /** What it takes, about. */
  readonly bytes: number;
  readonly expiresAt: number;
}

const BYTES_MAX = 64 * 1024 * 1024;
// Another process learns of a change by other means; this is for when it did not.
const TTL_SECONDS_MAX = 60;
// A key and its place in the map, about.
const ENTRY_BYTES = 200;

/**
 * The `cache` adapter inside this process: what was used longest ago goes first. Values are kept as text or bytes, so no two
 * callers ever hold the same object, and what they hold may be changed freely.
 */
export function createCache(options: CacheOptions): CacheAdapter {
  const { clock, bytesMax = BYTES_MAX, ttlSecondsMax = TTL_SECONDS_MAX } = options;
  // A Map keeps the order of insertion: the first entry is the one used longest ago.
  const entries = new Map<string, Entry>();
  let size = 0;

  const drop = (key: string): boolean => {
    const entry = entries.get(key);
    if (entry) size -= sizeOf(key, entry);
    return entries.delete(key);
  };

  const keep = (key: string, entry: Entry) => {
    entries.set(key, entry);
    size += sizeOf(key, entry);
  };

  const makeRoom = () => {
    for (const key of entries.keys()) {
      if (size <= bytesMax) return;
      drop(key);
    }
  };

  return {
    get(key) {
      const entry = entries.get(key);
      if (!entry) return Promise.resolve(null);
      drop(key);
      if (entry.expiresAt <= clock().getTime()) return Promise.resolve(null);
      keep(key, entry);
      return Promise.resolve(entry.read() as never);
    },

    // An executor, because what cannot be serialized must fail as a promise does.
    set: (key, value, ttlSeconds = ttlSecondsMax) =>
      new Promise((resolve) => {
        const lifeMs = Math.min(ttlSeconds, ttlSecondsMax) * 1000;
        drop(key);
        if (lifeMs > 0) keep(key, { ...frozen(value), expiresAt: clock().getTime() + lifeMs });
        makeRoom();
        resolve();
      }),

    delete: (key) => Promise.resolve(drop(key)),

    deleteByPrefix: (prefix) =>
      Promise.resolve([...entries.keys()].filter((key) => key.startsWith(prefix) && drop(key)).length),

    clear() {
      entries.clear();
      size = 0;
      return Promise.resolve();
    },
  };
}

/** As JSON what JSON gives back as it was: that is read in half the time, and in parts. Throws for what cannot be kept at all. */
function frozen(value: unknown): Pick<Entry, "read" | "bytes"> {
  const serialized = serialize(value);
  const json = faithfulJson(value);
  // Both write a character as one byte where they can.
  return { read: json === undefined ? () => deserialize(serialized) : readingAnew(json), bytes: serialized.length };
}

function faithfulJson(value: unknown): string | undefined {
  try {
    const text: string | undefined = JSON.stringify(value);
    return text !== undefined && isDeepStrictEqual(JSON.parse(text), value) ? text : undefined;
  } catch {
    // Big integers, and what contains itself.
    return undefined;
  }
}

const sizeOf = (key: string, { bytes }: Entry) => bytes + 2 * key.length + ENTRY_BYTES;
