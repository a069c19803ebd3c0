import type { Database } from "../src/db/database.ts";
import { countSealed, resealColumns, type SealedColumn } from "../src/db/resealing.ts";
import type { KeyRing } from "../src/db/seal.ts";
import { PlatformError } from "../src/domain/errors.ts";
import type { FleetJob } from "./fleet.ts";
import type { JobLease } from "./fleet-journal.ts";
import { openOwned, type Providers } from "./ownership.ts";
import type { Placement } from "./placements.ts";
import { describeProcess } from "./process.ts";
import type { Processes } from "./processes.ts";
import type { KeyFindingKind } from "./reconcile/findings.ts";
import type { RecordedFindings } from "./reconcile/recorded-findings.ts";

/** That one tenant cannot be reached says nothing about the others. */
const ERROR_BUDGET = 1;

/** A restart of a server, a break of a network; for more than that somebody asks for the job again. */
const RETRIES_MS = [1_000, 5_000, 30_000, 120_000];

/** A database, and where its secrets stand. */
interface SealedDatabase {
  readonly database: Database;
  readonly sealed: readonly SealedColumn[];
}

export interface KeysJobOptions {
  readonly keyRing: KeyRing;
  readonly providers: Providers;
  readonly processes: Pick<Processes, "without">;
  /** The control plane's own: it has a turn like everybody. */
  readonly controlPlane: SealedDatabase & { readonly tenantId: string };
  /** Where secrets stand in a tenant's database. */
  readonly sealed: readonly SealedColumn[];
  /** What a tenant's database has to be at before it is looked into. */
  readonly schemaVersion: string;
  readonly findings: Pick<RecordedFindings<KeyFindingKind>, "record" | "note" | "settle">;
  readonly retriesMs?: readonly number[];
}

/**
 * The job that seals with the first key of the ring what is sealed with the others, in every database. It fails on a
 * tenant in which something is left, so that nobody takes a key away that is still needed. Stored as its target is the
 * key's id, never the key.
 */
export function createKeysJob(options: KeysJobOptions): FleetJob {
  const { keyRing, providers, controlPlane, sealed, schemaVersion, findings } = options;
  const rotate = (own: SealedDatabase, { tenantId }: Placement, lease: JobLease) =>
    resealIn(own, tenantId, { keyRing, findings, lease });

  return {
    kind: "rotate-keys",
    target: keyRing.currentId,
    errorBudget: ERROR_BUDGET,
    canary: "nobody",
    retriesMs: options.retriesMs ?? RETRIES_MS,

    async requirePossible() {
      const others = await options.processes.without(keyRing.currentId);
      if (others.length > 0) throw keyUnknown(keyRing.currentId, others);
    },

    skips(placement) {
      if (placement.tenantId === controlPlane.tenantId) return null;
      if (!placement.location) return "no_database";
      // One that is on its way to be purged takes its secrets along.
      return isPutAway(placement) && placement.restoreState === null ? "not_served" : null;
    },

    async work(placement, lease) {
      if (placement.tenantId === controlPlane.tenantId) return await rotate(controlPlane, placement, lease);
      if (isPutAway(placement)) return await findings.record(lease, putAway(placement), "left");
      if (placement.schemaVersion !== schemaVersion) throw notMigrated(placement);
      const database = await openOwned(providers, placement);
      try {
        await rotate({ database, sealed }, placement, lease);
      } finally {
        await database.close();
      }
    },
  };
}

interface Rotation extends Pick<KeysJobOptions, "keyRing" | "findings"> {
  readonly lease: JobLease;
}

async function resealIn({ database, sealed }: SealedDatabase, tenantId: string, rotation: Rotation): Promise<void> {
  const { keyRing, findings, lease } = rotation;
  const about = (kind: KeyFindingKind, keyId: string, count: number) => ({
    ...{ kind, tenantId, provider: null },
    subject: `key ${keyId}`,
    detail: count === 1 ? "1 value" : `${count} values`,
  });
  const older = [...keyRing.keys.keys()].filter((keyId) => keyId !== keyRing.currentId);
  const before = await valuesByKey(database, sealed);
  // Before the first write, so that the number is right after a crash, too.
  for (const keyId of older) {
    const count = before.get(keyId);
    if (count !== undefined) await findings.note(lease, about("key_older", keyId, count));
  }

  if (older.some((keyId) => before.has(keyId))) await resealColumns(database, keyRing, sealed);

  const after = await valuesByKey(database, sealed);
  after.delete(keyRing.currentId);
  for (const keyId of older) {
    await findings.settle(lease, about("key_older", keyId, 0), after.has(keyId) ? "left" : "repaired");
  }
  for (const [keyId, count] of after) {
    const kind = keyRing.keys.has(keyId) ? "key_refused" : "key_missing";
    await findings.record(lease, about(kind, keyId, count), "left");
  }
  if (after.size > 0) throw valuesLeft(after);
}

async function valuesByKey(database: Database, sealed: readonly SealedColumn[]): Promise<Map<string, number>> {
  const values = new Map<string, number>();
  for (const { keyId, count } of await countSealed(database, sealed)) {
    values.set(keyId, (values.get(keyId) ?? 0) + count);
  }
  return values;
}

/** They could not open what is sealed with it, and people could not sign in there. */
function keyUnknown(keyId: string, processes: readonly string[]): PlatformError {
  const who = processes.map(describeProcess).join(", ");
  const message =
    `The key ${keyId} is not known to every process: ${who}. Start these anew with it, or end them. ` +
    "One on another machine that has died counts for an hour and a half minute.";
  return new PlatformError("conflict", "key_not_everywhere", message);
}

const isPutAway = ({ state }: Placement) => state === "deleting" || state === "deleted";

const putAway = ({ tenantId, provider, purgeAt }: Placement) => ({
  ...{ kind: "key_deleted_tenant" as const, tenantId, provider },
  subject: tenantId,
  detail: purgeAt === null ? null : `may come back until ${purgeAt}`,
});

function notMigrated({ tenantId }: Placement): PlatformError {
  return new PlatformError("unavailable", "not_migrated", `The database of the tenant ${tenantId} is not migrated yet`);
}

function valuesLeft(left: ReadonlyMap<string, number>): PlatformError {
  const keys = [...left].map(([keyId, count]) => `${count} under the key ${keyId}`).join(", ");
  return new PlatformError("internal", "values_left", `Sealed values could not be sealed anew: ${keys}`);
}
