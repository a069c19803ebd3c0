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
  switch (typeof value) {
    case "string":
      // SQLite hands text back only up to the first NUL: what was checked would not be what is stored.
      if (value.includes("\0")) throw new PlatformError("invalid", "nul_in_text", "Text must not contain U+0000");
      return value;
    case "number":
      if (Number.isSafeInteger(value)) return BigInt(value);
      if (Number.isFinite(value)) return value;
      break;
    case "bigint":
      if (BigInt.asIntN(64, value) === value) return value;
      break;
    case "boolean":
      return value ? 1n : 0n;
    default:
      if (value === null || value instanceof Uint8Array) return value;
  }
  const message = `Parameter ${index + 1} of type ${typeof value} cannot be stored`;
  throw new PlatformError("internal", "unsupported_parameter", message);
}

/** What a driver returned, as the rest of the code sees it: numbers, not bigints; `Uint8Array`, not buffers. */
export function fromDriver(value: unknown): unknown {
  if (typeof value === "bigint") return toNumber(value);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  return value;
}

function toNumber(value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new PlatformError("internal", "integer_out_of_range", "A stored integer exceeds 2^53-1");
}
