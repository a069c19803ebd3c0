import { customAlphabet } from "nanoid";
import * as z from "zod";

/** Safe in a host name, a URL path and a file name alike. Parsed once, trusted everywhere after. */
export const DatabaseName = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, "1–63 of a-z, 0-9 and -, with no - at either end")
  .brand<"DatabaseName">();
export type DatabaseName = z.infer<typeof DatabaseName>;

/** One life of a tenant id. Crockford's base32 in lower case: no look-alikes, fits a database name. */
export const Tag = z
  .string()
  .regex(/^[0-9a-hjkmnp-tv-z]{10}$/, "10 characters of lower-case base32")
  .brand<"Tag">();
export type Tag = z.infer<typeof Tag>;

const randomTag = customAlphabet("0123456789abcdefghjkmnpqrstvwxyz", 10);

/** A tag nobody has had: 50 random bits, and the registry refuses a repeated one. */
export const newTag = (): Tag => Tag.parse(randomTag());

/** Opaque on purpose: a name derived from the tenant id could meet another tenant's. */
export const databaseNameOf = (tag: Tag, generation: number): DatabaseName =>
  DatabaseName.parse(`t-${tag}-${generation}`);

/** Whose database a name is, by its own words; null for a name that `databaseNameOf` never gives. */
export function databaseNameParts(name: DatabaseName): { readonly tag: Tag; readonly generation: number } | null {
  const [, tag, generation] = /^t-([^-]+)-([1-9]\d*)$/.exec(name) ?? [];
  const parsed = Tag.safeParse(tag);
  return parsed.success ? { tag: parsed.data, generation: Number(generation) } : null;
}
