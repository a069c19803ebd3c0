import { customAlphabet, nanoid } from "nanoid";
import { ulid } from "ulid";

const lowerAlphanumeric = customAlphabet("0123456789abcdefghijklmnopqrstuvwxyz");

/** `con_1b9d…`: an id that says what it identifies, 17 characters of `[0-9a-z]` behind the prefix, as Auth0's are. */
export const prefixedId = (prefix: string) => `${prefix}_${lowerAlphanumeric(17)}`;

/** 21 URL-safe characters, 126 bits. */
export const plainId = () => nanoid();

/** A ULID: sorts by the time it was made (https://github.com/ulid/spec). */
export const timeId = (now: Date) => ulid(now.getTime(), randomFraction);

const pool = new Uint8Array(4_096);
let used = pool.length;

/** From a pool: asked for one byte at a time, the generator costs more than the id. */
function randomFraction(): number {
  if (used === pool.length) {
    crypto.getRandomValues(pool);
    used = 0;
  }
  return (pool[used++] ?? 0) / 256;
}

const letters = customAlphabet("abcdefghijklmnopqrstuvwxyz", 1);

/** An id for a tenant that was given none: 12 of `a-z0-9`, starting with a letter. */
export const tenantLabel = () => letters() + lowerAlphanumeric(11);
