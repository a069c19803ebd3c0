import { PlatformError } from "../domain/errors.ts";
import type { SqlValue } from "./database.ts";

/**
 * What a driver may bind. Whole numbers become `bigint`, because drivers bind every `number` as REAL, and a
 * 5 in a text column would then read "5.0". Anything SQLite has no type for is `internal`
 * (`unsupported_parameter`): the native driver ends the whole process on some of them.
 */
export function toParameters(values: readonly unknown[]): SqlValue[] {
  return values.map(toParameter);
}

function toParameter(value: unknown, index: number): SqlValue {
  if (value === null || value instanceof Uint8Array) return value;
  if (typeof value === "string") return toText(value);
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (typeof value === "bigint" && BigInt.asIntN(64, value) === value) return value;
  const message = `Parameter ${index + 1} of type ${typeof value} cannot be stored`;
  throw new PlatformError("internal", "unsupported_parameter", message);
}

/** SQLite hands text back only up to the first NUL: what was checked would not be what is stored. */
function toText(value: string): string {
  if (value.includes("\0")) throw new PlatformError("invalid", "nul_in_text", "Text must not contain U+0000");
  return value;
}

/** What a driver returned, as the rest of the code sees it: numbers, not bigints; `Uint8Array`, not buffers. */
export function fromDriver(value: unknown): unknown {
  if (typeof value === "bigint") return safeInteger(Number(value));
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return value;
}

/** A stored integer, if a number can say it; else `internal` (`integer_out_of_range`). */
export function safeInteger(number: number): number {
  if (Number.isSafeInteger(number)) return number;
  throw new PlatformError("internal", "integer_out_of_range", "A stored integer exceeds 2^53-1");
}
