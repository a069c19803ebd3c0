import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { openClient } from "../../src/db/client.ts";
import { type Clock, systemClock } from "../../src/domain/clock.ts";
import { PlatformError } from "../../src/domain/errors.ts";
import type { DatabaseName } from "../../src/domain/names.ts";
import { createCredentials } from "./credentials.ts";
import { defineProvider } from "./define.ts";
import { createNamespaceAdmin } from "./libsql-server-admin.ts";
import { createNamespaceTokens, deriveNamespaceKey, newNamespaceKey } from "./libsql-server-keys.ts";
import type { AskLocation, Location } from "./provider.ts";

/** What a blocked namespace answers; operators see it too. */
const RETAINED = "retained by rowhouse until its tenant is brought back or purged";

/** A statement waits for another writer five seconds at most. */
const TIMEOUT_MS = 10_000;

/** A namespace on its way in or out of the server's memory is back within this. */
const JITTER_MS = 100;

const ServerUrl = z
  .string()
  .refine(isServerUrl, "must be an http or https URL without user name, query or fragment")
  .transform((url) => (url.endsWith("/") ? url : `${url}/`));

const LibsqlServerOptions = z.strictObject({
  /** Where statements go. */
  url: ServerUrl,
  /** Where namespaces are made. It has no encryption of its own: loopback or a private network. */
  adminUrl: ServerUrl,
  /** `--admin-auth-key` of the server. The keys of all databases are derived from it. */
  adminKey: z.string().regex(/^[\x21-\x7e]{32,}$/, "must be at least 32 printable characters without spaces"),
  /** The limit of one request to a database, in milliseconds. */
  timeoutMs: z.int().min(1).default(TIMEOUT_MS),
  fetch: z.custom<typeof fetch>((value) => typeof value === "function").optional(),
  clock: z.custom<Clock>((value) => typeof value === "function").optional(),
});

/**
 * One namespace per database on a libSQL server (`sqld`) of one's own, each with a token key of its own.
 *
 * Besides what every provider throws: `unavailable` with `server_unreachable` or `server_refused`, `invalid` with
 * `server_rejected`; from an open database `unavailable` with `database_missing`, `database_blocked` or
 * `database_refused`. The server cannot list its namespaces, so `list` yields nothing.
 */
export const libsqlServerProvider = defineProvider("libsql-server", LibsqlServerOptions, (options) => {
  const { url, adminUrl, adminKey, timeoutMs, fetch: send = fetch, clock = systemClock } = options;
  const admin = createNamespaceAdmin({ url: adminUrl, key: adminKey, fetch: send });

  const make = async (database: DatabaseName, from: DatabaseName | undefined, publicKey: string) => {
    if (!from) return await admin.create(database, publicKey);
    const source = await admin.config(from);
    if (!source || source.block_reads || !(await admin.fork(from, database))) throw missing(from);
  };

  const connect = (database: DatabaseName, { secret }: Location, current?: AskLocation) => {
    const credentials = createCredentials(secret, current);
    return openClient({
      url,
      timeoutMs,
      ...(current && { renewing: credentials.renewing }),
      fetch: fetchNamespace({
        database,
        token: tokensOf(credentials.secret, (now) => createNamespaceTokens(database, now, clock)),
        // One attempt: this is asked within a statement, whose own answer stands if there is none.
        exists: () =>
          admin.config(database, 1).then(
            (config) => config !== null,
            () => true,
          ),
        send,
      }),
    });
  };

  return {
    supports: { list: false, retainBlocks: true },

    async ensure(database, { from } = {}) {
      const { publicKey, secret } = deriveNamespaceKey(adminKey, database);
      if (!(await admin.isSeen(database))) await make(database, from, publicKey);
      // Also in a namespace that was there: a crash may have left a copy with its source's key.
      if (!(await admin.change(database, { jwt_key: publicKey }))) throw vanished(database);
      return { locator: database, secret };
    },

    connect,

    async open(database, location, current) {
      const opened = connect(database, location, current);
      try {
        await opened.batch([{ sql: "select 1", parameters: [] }]);
        return opened;
      } catch (error) {
        await opened.close();
        throw isGone(error) ? missing(database, error) : error;
      }
    },

    async retain(database) {
      const isThere = await admin.change(database, {
        block_reads: true,
        block_writes: true,
        block_reason: RETAINED,
      });
      // A block stops statements but not the COMMIT of a transaction that was open already.
      if (isThere) await admin.drain(database);
    },

    async release(database) {
      await admin.change(database, { block_reads: false, block_writes: false, block_reason: null });
    },

    destroy: (database) => admin.remove(database),

    async *list() {},

    async usage(database) {
      const stats = await admin.stats(database);
      if (!stats) throw missing(database);
      const { storage_bytes_used: storageBytes, rows_read_count, rows_written_count } = stats;
      return { storageBytes, rowsRead: rows_read_count, rowsWritten: rows_written_count };
    },

    async rotateCredentials(database) {
      const { publicKey, secret } = newNamespaceKey();
      if (!(await admin.change(database, { jwt_key: publicKey }))) throw missing(database);
      return { locator: database, secret };
    },
  };
});

/** The token of the secret as it is now; null where there is none. */
function tokensOf(secretNow: () => string | undefined, make: (secret: string) => () => Promise<string>) {
  let made: { readonly secret: string; readonly token: () => Promise<string> } | undefined;
  return () => {
    const secret = secretNow();
    if (secret === undefined) return null;
    if (made?.secret !== secret) made = { secret, token: make(secret) };
    return made.token();
  };
}

interface Namespace {
  readonly database: DatabaseName;
  readonly token: () => Promise<string> | null;
  readonly exists: () => Promise<boolean>;
  readonly send: typeof fetch;
}

/**
 * Names the namespace in a header, so that no wildcard DNS is needed, and proves the right to it.
 *
 * The server says 404 also of a namespace that it is moving out of its memory. The database client repeats those
 * requests; only the admin API knows whether there is any hope.
 */
function fetchNamespace({ database, token, exists, send }: Namespace): typeof fetch {
  const encodedName = Buffer.from(database).toString("base64").replaceAll("=", "");
  return async (input, init) => {
    const request = new Request(input, { ...init, redirect: "error" });
    request.headers.set("x-namespace-bin", encodedName);
    const bearer = await token();
    if (bearer !== null) request.headers.set("authorization", `Bearer ${bearer}`);
    const response = await send(request);
    if (response.status !== 404) return response;
    if (!(await exists())) throw vanished(database);
    // Added to the client's own pause, so that the many that were turned away together come back apart.
    await sleep(Math.random() * JITTER_MS);
    return response;
  };
}

function isGone(error: unknown): boolean {
  return error instanceof PlatformError && ["database_missing", "database_blocked"].includes(error.reason);
}

function missing(database: DatabaseName, cause?: unknown): PlatformError {
  return new PlatformError("not_found", "database_missing", `There is no database ${database}`, { cause });
}

/** Not an answer about the database but our trouble: somebody has removed it under our hands. */
function vanished(database: DatabaseName): PlatformError {
  return new PlatformError("unavailable", "database_missing", `The database ${database} is no longer there`);
}

function isServerUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return ["http:", "https:"].includes(protocol) && !username && !password && !search && !hash;
}
