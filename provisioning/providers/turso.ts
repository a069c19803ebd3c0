import { setTimeout as sleepFor } from "node:timers/promises";
import * as z from "zod";
import { openClient } from "../../src/db/client.ts";
import { type Clock, systemClock } from "../../src/domain/clock.ts";
import { PlatformError } from "../../src/domain/errors.ts";
import type { DatabaseName } from "../../src/domain/names.ts";
import { createCredentials } from "./credentials.ts";
import { defineProvider } from "./define.ts";
import type { Location } from "./provider.ts";
import { type Answer, rejected } from "./turso-calls.ts";
import { createPatience, type Time } from "./turso-patience.ts";
import { createPlaces } from "./turso-places.ts";
import { createPlatform, isTaken, lacksGroup, type Platform } from "./turso-platform.ts";
import { type Connect, createReadiness, missing } from "./turso-readiness.ts";
import { createRetention } from "./turso-retention.ts";

/** Turso answers within seconds or not at all. */
const TIMEOUT_MS = 10_000;

/** A new database has been seen to answer 404 for more than 15 s. */
const READY_MS = 30_000;

/** A request waits for an `open`; a database that is still away after that is reported and opened at the next one. */
const OPEN_MS = 5_000;

/** Goes into paths as it is. */
const Slug = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/, "must be letters, digits, - and _");

const ApiUrl = z
  .string()
  .refine(isApiUrl, "must be an https URL without user name, query or fragment")
  .transform((url) => (url.endsWith("/") ? url : `${url}/`));

const functionOf = <T>() => z.custom<T>((value) => typeof value === "function");

const TursoOptions = z.strictObject({
  /** The organization's slug. */
  organization: Slug,
  /** A platform token; best one of the group, with `read` and `db:create`, `db:delete`, `db:configure`, `db:mint-token`. */
  apiToken: z.string().min(1),
  /** Where databases are made. */
  group: Slug.default("default"),
  /** Further groups that databases may be put in. They must exist. */
  groups: z.array(Slug).default([]),
  /** Where the group itself is made when it is missing, such as `aws-eu-west-1`. Without it a missing group is an error. */
  location: Slug.optional(),
  apiUrl: ApiUrl.default("https://api.turso.tech/v1/"),
  /** Has Turso refuse deletions by anybody else; `destroy` lifts it. */
  deleteProtection: z.boolean().default(false),
  /** The limit of one request, in milliseconds. */
  timeoutMs: z.int().min(1).default(TIMEOUT_MS),
  /** How to reach a database's host; for gateways of one's own and tests. Default: `libsql://` and the host name. */
  connect: functionOf<Connect>().default(() => (hostname: string) => ({ url: `libsql://${hostname}` })),
  clock: functionOf<Clock>().default(() => systemClock),
  sleep: functionOf<Time["sleep"]>().default(() => sleepFor),
  random: functionOf<Time["random"]>().default(() => Math.random),
});

/**
 * A database in Turso Cloud each, made by its Platform API; the locator is the host name that Turso gave it, the
 * secret a token that opens this database only.
 *
 * `unavailable`: `platform_failed` (no or no usable answer, after several attempts), `rate_limited`,
 * `platform_refused` (our token or plan does not allow it), `database_not_ready`, `database_refused`,
 * `delete_protected`. `invalid`: `platform_rejected`. What happened meanwhile does not matter: every verb may be repeated.
 */
export const tursoProvider = defineProvider("turso", TursoOptions, (options) => {
  const { connect, timeoutMs, location, deleteProtection } = options;
  const patience = createPatience(options);
  const platform = createPlatform({ ...options, patience });
  const untilReady = createReadiness({
    connect,
    patience,
    timeoutMs,
    exists: async (database, budgetMs) => (await platform.find(database, budgetMs)) !== null,
  });

  const open = (hostname: string, secret = "") => openClient({ ...connect(hostname), authToken: secret, timeoutMs });

  /** A new token for a database that exists, and the proof that it works. */
  const admit = async (database: DatabaseName, hostname: string): Promise<Location> => {
    const secret = await platform.mintToken(database);
    if (!secret) throw new PlatformError("unavailable", "platform_failed", `${database} has just gone`);
    const admitted = { locator: hostname, secret };
    await untilReady(database, admitted, { budgetMs: READY_MS, fresh: true });
    return admitted;
  };

  return {
    supports: { list: true, retainBlocks: true },

    place: createPlaces(platform, options),

    async ensure(database, { from, at } = {}) {
      const { hostname } = await establish(platform, { database, from, location, group: at?.group ?? options.group });
      if (deleteProtection) await platform.configure(database, { delete_protection: true });
      return admit(database, hostname);
    },

    async open(database, at, current) {
      const credentials = createCredentials(at.secret, current);
      const isRenewed = credentials.renewing();
      const ready = () => {
        const secret = credentials.secret();
        return untilReady(database, { ...at, ...(secret !== undefined && { secret }) }, { budgetMs: OPEN_MS });
      };
      const condition = await ready().catch(async (error: unknown) => {
        if (!isRefusal(error) || !(await isRenewed())) throw error;
        return await ready();
      });
      if (condition === "blocked") throw missing(database);
      return openClient({ ...renewable(connect(at.locator), credentials), timeoutMs });
    },

    ...createRetention({ platform, open, sleep: options.sleep }),

    async destroy(database) {
      const answer = await platform.remove(database);
      if (!isRefused(answer)) return;
      await unprotect(platform, database, deleteProtection);
      const again = await platform.remove(database);
      if (isRefused(again)) throw rejected("delete a database", again.refusal);
    },

    list: () => platform.names(),

    async rotateCredentials(database) {
      const found = await platform.find(database);
      if (!found || !(await platform.invalidateTokens(database))) throw missing(database);
      return admit(database, found.hostname);
    },

    async usage(database) {
      const used = await platform.usage(database);
      if (!used) throw missing(database);
      return used;
    },
  };
});

/** How to reach a host with the secret as it is by now. */
function renewable(
  { url, fetch: send = fetch }: ReturnType<Connect>,
  credentials: ReturnType<typeof createCredentials>,
) {
  const authToken = credentials.secret() ?? "";
  // The client puts the first one into its requests.
  const authorized: typeof fetch = (input, init) => {
    const now = credentials.secret() ?? "";
    if (now === authToken) return send(input, init);
    const request = new Request(input, init);
    request.headers.set("authorization", `Bearer ${now}`);
    return send(request);
  };
  return { url, authToken, fetch: authorized, renewing: credentials.renewing };
}

const isRefusal = (error: unknown) => error instanceof PlatformError && error.reason === "database_refused";

interface Wanted {
  readonly database: DatabaseName;
  readonly from: DatabaseName | undefined;
  /** Where to make the group when it is missing. */
  readonly location: string | undefined;
  /** Where to make it. */
  readonly group: string;
}

/** Makes it or finds it, whoever made it; whose it is, the row inside says to those above. */
async function establish(platform: Platform, { database, from, location, group }: Wanted) {
  // Turso copies what is blocked, too; but what is retained is gone for everybody.
  const source = from && (await platform.find(from));
  if (from && (!source || source.isBlocked)) {
    const existing = await platform.find(database);
    if (existing) return existing;
    throw missing(from);
  }

  let made = await platform.create(database, from, group);
  if (location && lacksGroup(made)) {
    await platform.createGroup(location);
    made = await platform.create(database, from, group);
  }
  if (!("refusal" in made)) return made.value;
  // Turso has many words for "it exists", so it is looked for whatever the refusal says.
  const found = await platform.find(database);
  if (found) return found;
  if (isTaken(made)) throw new PlatformError("unavailable", "platform_failed", `${database} is not free yet`);
  throw rejected("create a database", made.refusal);
}

/** Lifts the protection when it is ours; when somebody else has set it, it is theirs to lift. */
async function unprotect(platform: Platform, database: DatabaseName, isOurs: boolean): Promise<void> {
  const settings = await platform.settings(database);
  if (!settings?.delete_protection) return;
  if (isOurs) {
    await platform.configure(database, { delete_protection: false });
    return;
  }
  const message = `Somebody has protected the database ${database} against deletion`;
  throw new PlatformError("unavailable", "delete_protected", message);
}

/** A database that is gone is what a deletion wants. */
function isRefused<T>(answer: Answer<T>): answer is Extract<Answer<T>, { refusal: unknown }> {
  return "refusal" in answer && answer.refusal.status !== 404;
}

/** Plain HTTP would show the token to everybody on the way; on loopback there is nobody. */
function isApiUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, search, hash } = new URL(text);
  const isLoopback = protocol === "http:" && ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
  return (protocol === "https:" || isLoopback) && !username && !password && !search && !hash;
}
