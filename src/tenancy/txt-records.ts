import { Resolver } from "node:dns/promises";
import { PlatformError } from "../domain/errors.ts";
import { within } from "../domain/within.ts";

/** The TXT records of a name, each in the pieces it came in: `resolveTxt` of `node:dns/promises`. */
export type ResolveTxt = (name: string) => Promise<readonly (readonly string[])[]>;

/** An attempt at one name server, in milliseconds; and how many there are. */
const ATTEMPT_MS = 2_000;
const ATTEMPTS = 2;

/** All of them together: whoever waits is a request. */
const LOOKUP_MS = 5_000;

/** The name server has answered, and there is nothing. */
const ABSENT = ["ENODATA", "ENOTFOUND"];

/** Asks these name servers (addresses, with a port or without), by default those of this machine. */
export function createTxtResolver(servers: readonly string[] = []): ResolveTxt {
  const resolver = new Resolver({ timeout: ATTEMPT_MS, tries: ATTEMPTS });
  if (servers.length > 0) resolver.setServers(servers);
  return (name) => resolver.resolveTxt(name);
}

/** Whether a name has exactly this TXT record. Throws `unavailable` (`dns_unavailable`) when nobody can say. */
export async function hasTxtRecord(resolveTxt: ResolveTxt, name: string, record: string): Promise<boolean> {
  try {
    const records = await within(LOOKUP_MS, resolveTxt(name));
    if (records === null) throw new Error(`no answer within ${LOOKUP_MS} ms`);
    return records.some((pieces) => pieces.join("") === record);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && ABSENT.includes(String(cause.code))) return false;
    const message = `The TXT records of ${name} could not be looked up; try again later`;
    throw new PlatformError("unavailable", "dns_unavailable", message, { cause });
  }
}
