import { type Expression, Kysely, type SqlBool, sql } from "kysely";
import type { Database } from "../src/db/database.ts";
import type { Clock } from "../src/domain/clock.ts";
import type { TenantState } from "../src/domain/tenants.ts";
import { LEASE_MS } from "./operation-rows.ts";
import { OUTAGE_MS } from "./outage.ts";
import { type ProcessIdentity, thisProcess } from "./process.ts";
import type { RegistryTables } from "./tables.ts";

/** More are read in the next turn. */
const CHANGES_MAX = 1_000;

export interface ProcessesOptions {
  /** The control plane's, with the `control-plane` migrations. */
  readonly database: Database;
  readonly clock: Clock;
  readonly process?: ProcessIdentity;
  /** The ids of the encryption keys that this process has. Default: none, as of one that serves nobody. */
  readonly keyIds?: readonly string[];
}

/** Something about a tenant that every process has to hear of. */
export interface Change {
  readonly number: number;
  readonly tenantId: string;
  /** How its placement stands now; null when there is none any more. */
  readonly placement: { readonly state: TenantState; readonly tag: string; readonly generation: number } | null;
}

/** How much a process has heard. */
export interface Heard {
  /** It uses nothing any more that a change up to this number has taken away, */
  readonly number: number;
  /** but for the databases of these tenants. */
  readonly holding: readonly string[];
}

/**
 * The processes that serve tenants from one control plane, what they have to tell each other, and who has heard it.
 *
 * Whoever raises an epoch leaves a change behind; every process reads the changes, forgets what it kept, and says so.
 */
export function createProcesses({ database, clock, process = thisProcess(), keyIds = [] }: ProcessesOptions) {
  const db = new Kysely<RegistryTables>({ dialect: database.dialect });
  const key_ids = JSON.stringify(keyIds);
  const after = (ms: number) => new Date(clock().getTime() + ms).toISOString();

  /** Also when it was taken for gone: it has heard what it says it has. */
  const acknowledge = async ({ number, holding }: Heard): Promise<void> => {
    const now = { acknowledged: number, holding: JSON.stringify(holding), lease_until: after(LEASE_MS), key_ids };
    await db
      .insertInto("rh_processes")
      .values({ id: process.id, started_at: after(0), ...now })
      .onConflict((conflict) => conflict.column("id").doUpdateSet(now))
      .execute();
  };

  return {
    /** Before anything is read that may change. Returns the number of the last change, which it need not hear. */
    async register(): Promise<number> {
      const { number } = await db
        .selectFrom("rh_changes")
        .select(sql<number>`coalesce(max(number), 0)`.as("number"))
        .executeTakeFirstOrThrow();
      await acknowledge({ number, holding: [] });
      return number;
    },

    acknowledge,

    /** When it uses no tenant's database any more. */
    async deregister(): Promise<void> {
      await db.deleteFrom("rh_processes").where("id", "=", process.id).execute();
    },

    /** What has changed behind a number, in order; at most 1,000. One statement, by the key. */
    async changesAfter(number: number): Promise<readonly Change[]> {
      const rows = await db
        .selectFrom("rh_changes")
        .leftJoin("rh_placements", "rh_placements.tenant_id", "rh_changes.tenant_id")
        .select(["rh_changes.number", "rh_changes.tenant_id", "state", "tag", "generation"])
        .where("rh_changes.number", ">", number)
        .orderBy("rh_changes.number")
        .limit(CHANGES_MAX)
        .execute();
      return rows.map(({ number, tenant_id, state, tag, generation }) => ({
        number,
        tenantId: tenant_id,
        placement: state !== null && tag !== null && generation !== null ? { state, tag, generation } : null,
      }));
    },

    ...neighboursOf(db, process, after),
  };
}

export type Processes = ReturnType<typeof createProcesses>;

const lastChangeOf = (db: Kysely<RegistryTables>, tenantId: string) =>
  db
    .selectFrom("rh_changes")
    .select(sql<number>`coalesce(max(number), 0)`.as("number"))
    .where("tenant_id", "=", tenantId);

const isHolding = (tenantId: string) =>
  sql<boolean>`exists (select 1 from json_each(holding) where value = ${tenantId})`;

/** The other processes. `after`: the time in so many milliseconds, as it is stored. */
function neighboursOf(db: Kysely<RegistryTables>, process: ProcessIdentity, after: (ms: number) => string) {
  /** The ids of those of which the condition holds, and which are not gone; oldest first. */
  const those = async (condition: Expression<SqlBool>): Promise<readonly string[]> => {
    const others = db.selectFrom("rh_processes").select(["id", "lease_until"]).where("id", "!=", process.id);
    const rows = await others.where(condition).orderBy("started_at").execute();
    return rows.filter((row) => !isGone(row)).map(({ id }) => id);
  };

  // One that cannot be seen: as long after the end of its lease as it may go on without the control plane.
  const isGone = ({ id, lease_until }: { id: string; lease_until: string }) =>
    process.isGone(id) || lease_until < after(-OUTAGE_MS);

  return {
    /** The ids of other living processes that may still use a tenant's database as it was before its last change. */
    behind: (tenantId: string) =>
      those(sql<SqlBool>`(acknowledged < ${lastChangeOf(db, tenantId)} or ${isHolding(tenantId)})`),

    /** The ids of other processes that are not gone, oldest first. */
    living: () => those(sql<SqlBool>`true`),

    /** The ids of those among them that do not have an encryption key. */
    without: (keyId: string) =>
      those(sql<SqlBool>`not exists (select 1 from json_each(key_ids) where value = ${keyId})`),

    /** Forgets processes that are gone without having said so, and returns how many. */
    async forgetGone(): Promise<number> {
      const rows = await db.selectFrom("rh_processes").select(["id", "lease_until"]).execute();
      const gone = rows.filter(isGone).map(({ id }) => id);
      if (gone.length === 0) return 0;
      const { numDeletedRows } = await db.deleteFrom("rh_processes").where("id", "in", gone).executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },
  };
}
