import { createClient } from "@tursodatabase/api";
import * as z from "zod";
import { PlatformError } from "../../src/domain/errors.ts";
import { DatabaseName } from "../../src/domain/names.ts";
import type { DatabaseUsage } from "./provider.ts";
import { type Answer, type Caller, createCaller, rejected } from "./turso-calls.ts";
import type { Patience } from "./turso-patience.ts";

const PAGE_ROWS = 100;

/** A million databases. A listing that goes on after that goes in circles. */
const PAGES_MAX = 10_000;

/** A host name (RFC 1123, section 2.1). It becomes the URL that a tenant's token is sent to. */
const HostName = z.string().regex(/^(?=.{1,253}$)[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/i);

const Settings = z.object({
  block_reads: z.boolean().optional(),
  block_writes: z.boolean().optional(),
  delete_protection: z.boolean().optional(),
});
type Settings = z.infer<typeof Settings>;

const Page = z.object({
  databases: z.array(z.object({ Name: z.string() })),
  pagination: z.object({ next: z.string().nullish() }).nullish(),
});

const Counts = z.object({ rows_read: z.number(), rows_written: z.number(), storage_bytes: z.number() });

/** OpenAPI calls the sum `total`, the servers `usage`. */
const Usage = z.object({
  database: z.union([
    z.object({ usage: Counts }).transform(({ usage }) => usage),
    z.object({ total: Counts }).transform(({ total }) => total),
  ]),
});

export interface PlatformOptions {
  /** Ends in a slash, or the package drops its last part. */
  readonly apiUrl: string;
  readonly organization: string;
  readonly apiToken: string;
  readonly group: string;
  /** Further ones that databases may be in. */
  readonly groups: readonly string[];
  /** The limit of one request, in milliseconds. */
  readonly timeoutMs: number;
  readonly patience: Patience;
}

/** Where a database is, and whether it refuses to be read. A new one does not say, and does not refuse. */
interface Found {
  readonly hostname: string;
  readonly isBlocked: boolean;
}

export type Platform = ReturnType<typeof createPlatform>;

/**
 * Turso's Platform API (https://docs.turso.tech/api-reference), as far as databases of tenants need it. The package
 * makes, finds and removes databases and groups and mints tokens; our own requests do what it lacks (settings,
 * paging) or gets wrong (rotation, which answers with nothing, and usage).
 *
 * Every call may be repeated, and is. Names are `DatabaseName`s: the package puts them into paths as they are.
 */
export function createPlatform(options: PlatformOptions) {
  const { apiUrl, organization, apiToken, group, groups, timeoutMs, patience } = options;
  const client = createClient({ org: organization, token: apiToken, baseUrl: apiUrl });
  const root = new URL(`organizations/${organization}/`, apiUrl);
  const caller = createCaller({ root, apiToken, timeoutMs, patience });
  return { ...callsOfThePackage(client, group, caller), ...callsOfOurOwn([group, ...groups], caller) };
}

function callsOfThePackage(client: ReturnType<typeof createClient>, group: string, { viaPackage }: Caller) {
  /** An answer about another database is none: it counts as garbled and is asked for again. */
  const foundAs = (database: DatabaseName) =>
    z
      .object({ name: z.literal(database), hostname: HostName, block_reads: z.boolean().default(false) })
      .transform(({ hostname, block_reads }) => ({ hostname, isBlocked: block_reads }));

  return {
    /** Makes it: empty, or a copy. Repeating is safe: the name is taken then, and `find` tells where it is. */
    create(database: DatabaseName, from?: DatabaseName, where = group): Promise<Answer<Found>> {
      const seed = from && { type: "database" as const, name: from };
      return viaPackage(
        "create a database",
        () => client.databases.create(database, { group: where, ...(seed && { seed }) }),
        foundAs(database),
      );
    },

    /** Null when there is none. `budgetMs`: how long to repeat. */
    async find(database: DatabaseName, budgetMs?: number): Promise<Found | null> {
      const what = "find a database";
      return orNull(what, await viaPackage(what, () => client.databases.get(database), foundAs(database), budgetMs));
    },

    /** Repeating is safe: what is gone answers 404. */
    remove: (database: DatabaseName): Promise<Answer<unknown>> =>
      viaPackage(
        "delete a database",
        () => client.databases.delete(database),
        z.object({ database: z.literal(database) }),
      ),

    /** For this database only; null when there is none. Repeating is safe: a token that got lost is in nobody's hands. */
    async mintToken(database: DatabaseName, expiration = "never"): Promise<string | null> {
      const what = "mint a database token";
      const options = { expiration, authorization: "full-access" } as const;
      const mint = () => client.databases.createToken(database, options);
      return orNull(what, await viaPackage(what, mint, z.object({ jwt: z.string().min(1) })))?.jwt ?? null;
    },

    /** Every group that our token sees, with its primary location. */
    async locations(): Promise<ReadonlyMap<string, string>> {
      const what = "list the groups";
      const shape = z.array(z.object({ name: z.string(), primary: z.string() }));
      const found = orThrow(what, await viaPackage(what, () => client.groups.list(), shape));
      return new Map(found.map(({ name, primary }) => [name, primary]));
    },

    /** Makes the group at a location. Repeating is safe: one that exists is left as it is. */
    async createGroup(location: string): Promise<void> {
      const what = "create the group";
      const answer = await viaPackage(what, () => client.groups.create(group, location), z.unknown());
      if ("refusal" in answer && !isTaken(answer)) throw rejected(what, answer.refusal);
    },
  };
}

/** Null, or false, stands for a database that is not there. */
function callsOfOurOwn(groups: readonly string[], { viaFetch }: Caller) {
  const pathOf = (database: DatabaseName, rest: string) => `databases/${database}/${rest}`;

  return {
    /** Makes all tokens of the database invalid. */
    async invalidateTokens(database: DatabaseName): Promise<boolean> {
      const what = "rotate the tokens of a database";
      const request = { method: "POST", path: pathOf(database, "auth/rotate") };
      return orNull(what, await viaFetch(what, request, z.unknown())) !== null;
    },

    async settings(database: DatabaseName): Promise<Settings | null> {
      const what = "read the settings of a database";
      return orNull(what, await viaFetch(what, { path: pathOf(database, "configuration") }, Settings));
    },

    /** Sets the given ones, leaves the others. Answers what Turso says of the result, which may be nothing. */
    async configure(database: DatabaseName, body: Settings): Promise<Settings | null> {
      const what = "change the settings of a database";
      const request = { method: "PATCH", path: pathOf(database, "configuration"), body };
      return orNull(what, await viaFetch(what, request, Settings));
    },

    async usage(database: DatabaseName): Promise<DatabaseUsage | null> {
      const what = "read the usage of a database";
      const answer = orNull(what, await viaFetch(what, { path: pathOf(database, "usage") }, Usage));
      if (!answer) return null;
      const { rows_read: rowsRead, rows_written: rowsWritten, storage_bytes: storageBytes } = answer.database;
      return { rowsRead, rowsWritten, storageBytes };
    },

    /** Every database of our groups that could be ours; other names are somebody else's. */
    async *names(): AsyncIterable<DatabaseName> {
      for (const group of groups) yield* namesIn(group);
    },
  };

  async function* namesIn(group: string): AsyncIterable<DatabaseName> {
    const what = "list the databases";
    let cursor: string | null | undefined;
    for (let page = 0; page < PAGES_MAX; page++) {
      const query = { group, limit: String(PAGE_ROWS), ...(cursor && { cursor }) };
      const { databases, pagination } = orThrow(what, await viaFetch(what, { path: "databases", query }, Page));
      for (const { Name } of databases) {
        const name = DatabaseName.safeParse(Name);
        if (name.success) yield name.data;
      }
      cursor = pagination?.next;
      if (!cursor) return;
    }
    throw new PlatformError("unavailable", "platform_failed", "Turso's list of databases has no end");
  }
}

/** Whether the name is in use. Documented as 409, in fact 400, and 422 to Turso's own command line. */
export function isTaken(answer: Answer<unknown>): boolean {
  if (!("refusal" in answer)) return false;
  const { status, text } = answer.refusal;
  return [400, 409, 422].includes(status) && /already exists|not available/i.test(text);
}

/** Whether the group that was named is missing. */
export function lacksGroup(answer: Answer<unknown>): boolean {
  if (!("refusal" in answer)) return false;
  return (
    [400, 404].includes(answer.refusal.status) && /group.*not found|could not find group/i.test(answer.refusal.text)
  );
}

function orNull<T>(what: string, answer: Answer<T>): T | null {
  return "refusal" in answer && answer.refusal.status === 404 ? null : orThrow(what, answer);
}

function orThrow<T>(what: string, answer: Answer<T>): T {
  if ("refusal" in answer) throw rejected(what, answer.refusal);
  return answer.value;
}
