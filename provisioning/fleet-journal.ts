import { type Generated, Kysely, type Selectable, sql } from "kysely";
import type { Database, Statement } from "../src/db/database.ts";
import type { Clock } from "../src/domain/clock.ts";
import { PlatformError } from "../src/domain/errors.ts";
import { CANARY, type Candidate, type Planned } from "./fleet-plan.ts";
import { LEASE_MS, type Witness } from "./operation-rows.ts";
import { type ProcessIdentity, thisProcess } from "./process.ts";
import type { AnyFindingKind, FindingOutcome } from "./reconcile/findings.ts";

/** Jobs of a kind that are kept, with their results. */
const JOBS_KEPT = 20;

/** Far below what a statement may have of parameters. */
const ROWS_PER_INSERT = 500;

/** What jobs over many tenants do. Stored, so never renamed. A new one has a row in `src/wiring/fleet-jobs.ts` too. */
export const FLEET_KINDS = [
  "migrate",
  "organizations",
  "rotate-credentials",
  "reconcile",
  "reconcile-report",
  "sync",
  "sync-plan",
  "sync-verify",
  "sync-repair",
  "rotate-keys",
] as const;
export type FleetKind = (typeof FLEET_KINDS)[number];

export type JobState = "running" | "done" | "halted" | "failed";

export type Outcome = "done" | "failed" | "skipped";

/** The right to run a job, until somebody with a higher fencing number takes it. */
export interface JobLease {
  readonly jobId: string;
  readonly fence: number;
}

export interface NewJob {
  readonly id: string;
  readonly kind: FleetKind;
  readonly target: string;
  /** Who asked for it. */
  readonly initiator: string;
}

export interface Tally extends Readonly<Record<Outcome, number>> {
  /** Tenants that still have no outcome. */
  readonly left: number;
  /** Canaries among those that failed. */
  readonly canariesFailed: number;
}

export interface FleetJournalOptions {
  readonly database: Database;
  readonly clock: Clock;
  /** Who runs jobs here. */
  readonly process?: ProcessIdentity;
  readonly witness?: Witness;
}

/** The tables of fleet jobs. */
export interface FleetTables {
  rh_fleet_jobs: JobRow;
  rh_fleet_results: {
    job_id: string;
    tenant_id: string;
    tag: string;
    wave: number;
    outcome: Outcome | null;
    reason: string | null;
    at: string | null;
  };
  rh_fleet_findings: FindingRow;
}

export interface JobRow {
  number: Generated<number>;
  id: string;
  kind: FleetKind;
  target: string;
  state: JobState;
  wave: Generated<number>;
  reason: string | null;
  lease_owner: string | null;
  lease_until: string | null;
  fence: Generated<number>;
  started_at: string;
  finished_at: string | null;
  initiator: Generated<string>;
}

/** What a job has found besides what became of each tenant; empty where it is about no tenant or no provider. */
export interface FindingRow {
  number: Generated<number>;
  job_id: string;
  kind: AnyFindingKind;
  tenant_id: string;
  provider: string;
  subject: string;
  detail: string | null;
  outcome: FindingOutcome;
  reason: string | null;
  at: string;
}

type Db = Kysely<FleetTables>;
type UnfinishedJob = Selectable<JobRow>;

const NO_LEASE = { lease_owner: null, lease_until: null } as const;

/**
 * Which jobs over many tenants there are, who is at them, and what became of each tenant. Every write under a lease
 * that is lost changes nothing and throws `conflict` (`job_overtaken`).
 */
export function createFleetJournal({ database, clock, process = thisProcess(), witness }: FleetJournalOptions) {
  const db: Db = new Kysely<FleetTables>({ dialect: database.dialect });
  const now = () => clock().toISOString();
  const leased = () => ({
    lease_owner: process.id,
    lease_until: new Date(clock().getTime() + LEASE_MS).toISOString(),
  });
  const isHeld = ({ lease_owner, lease_until }: UnfinishedJob) =>
    lease_owner !== null && lease_until !== null && lease_until > now() && !process.isGone(lease_owner);

  return {
    ...createOutcomes(db, now),

    /** The job of a kind that is not over: at most one. */
    async findUnfinished(kind: FleetKind): Promise<UnfinishedJob | null> {
      const query = db.selectFrom("rh_fleet_jobs").selectAll().where("kind", "=", kind);
      return (await query.where("state", "=", "running").executeTakeFirst()) ?? null;
    },

    /** Begins a job with its whole plan. Null when another process has begun one of that kind meanwhile. */
    async begin(job: NewJob, plan: readonly Planned[]): Promise<JobLease | null> {
      const row = { ...job, state: "running" as const, started_at: now(), ...leased() };
      const insert = db.insertInto("rh_fleet_jobs").values(row).compile();
      try {
        const witnessed = witness ? [witness(job)] : [];
        await database.batch([insert, ...witnessed, ...planning(db, job.id, plan), ...forgetting(db, job.kind)]);
      } catch (error) {
        if (error instanceof PlatformError && error.reason === "unique_violation") return null;
        throw error;
      }
      return { jobId: job.id, fence: 1 };
    },

    /** Takes an unfinished job over; null when somebody is at it, or was faster. */
    async acquire(job: UnfinishedJob): Promise<JobLease | null> {
      if (isHeld(job)) return null;
      const row = await running(db, { jobId: job.id, fence: job.fence })
        .set((columns) => ({ ...leased(), fence: columns("fence", "+", 1) }))
        .returning("fence")
        .executeTakeFirst();
      return row ? { jobId: job.id, fence: row.fence } : null;
    },

    /** Holds on to a lease for longer. */
    renew: (lease: JobLease): Promise<void> => change(db, lease, leased()),

    /** Lets go of a lease; the job can be taken over at once. */
    async release(lease: JobLease): Promise<void> {
      await running(db, lease).set(NO_LEASE).execute();
    },

    enterWave: (lease: JobLease, wave: number): Promise<void> => change(db, lease, { wave, ...leased() }),

    end: (lease: JobLease, state: Exclude<JobState, "running">, reason: string | null): Promise<void> =>
      change(db, lease, { state, reason, finished_at: now(), ...NO_LEASE }),
  };
}

export type FleetJournal = ReturnType<typeof createFleetJournal>;

/** What became of the tenants. */
function createOutcomes(db: Db, now: () => string) {
  return {
    /** The tenants of a wave that have had no turn, in the order of their ids. */
    async waiting(jobId: string, wave: number): Promise<Candidate[]> {
      const query = db.selectFrom("rh_fleet_results").select(["tenant_id", "tag"]).where("job_id", "=", jobId);
      const rows = await query.where("wave", "=", wave).where("outcome", "is", null).orderBy("tenant_id").execute();
      return rows.map(({ tenant_id, tag }) => ({ tenantId: tenant_id, tag }));
    },

    /** Writes down what became of a tenant, if the lease still holds. */
    async record(lease: JobLease, tenantId: string, outcome: Outcome, reason: string | null): Promise<void> {
      const { jobId, fence } = lease;
      const job = db.selectFrom("rh_fleet_jobs").select("id").where("fence", "=", fence).where("state", "=", "running");
      const { numUpdatedRows } = await db
        .updateTable("rh_fleet_results")
        .set({ outcome, reason, at: now() })
        .where("tenant_id", "=", tenantId)
        .where("job_id", "in", job.where("id", "=", jobId))
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) throw overtaken(lease);
    },

    async tally(jobId: string): Promise<Tally> {
      const count = (condition: ReturnType<typeof sql>) => sql<number>`count(case when ${condition} then 1 end)`;
      return await db
        .selectFrom("rh_fleet_results")
        .select([
          count(sql`outcome = 'done'`).as("done"),
          count(sql`outcome = 'failed'`).as("failed"),
          count(sql`outcome = 'skipped'`).as("skipped"),
          count(sql`outcome is null`).as("left"),
          count(sql`outcome = 'failed' and wave = ${sql.lit(CANARY)}`).as("canariesFailed"),
        ])
        .where("job_id", "=", jobId)
        .executeTakeFirstOrThrow();
    },

    /** The tenants that failed in the newest job of a kind. */
    async failedLast(kind: FleetKind): Promise<ReadonlySet<string>> {
      const newest = db.selectFrom("rh_fleet_jobs").select("id").where("kind", "=", kind).orderBy("number", "desc");
      const rows = await db
        .selectFrom("rh_fleet_results")
        .select("tenant_id")
        .where("job_id", "in", newest.limit(1))
        .where("outcome", "=", "failed")
        .execute();
      return new Set(rows.map(({ tenant_id }) => tenant_id));
    },
  };
}

const running = (db: Db, { jobId, fence }: JobLease) =>
  db.updateTable("rh_fleet_jobs").where("id", "=", jobId).where("fence", "=", fence).where("state", "=", "running");

async function change(db: Db, lease: JobLease, values: Partial<Selectable<JobRow>>): Promise<void> {
  const { numUpdatedRows } = await running(db, lease).set(values).executeTakeFirstOrThrow();
  if (numUpdatedRows === 0n) throw overtaken(lease);
}

function planning(db: Db, jobId: string, plan: readonly Planned[]): Statement[] {
  const rows = plan.map(({ tenantId, tag, wave }) => ({ job_id: jobId, tenant_id: tenantId, tag, wave }));
  const statements: Statement[] = [];
  for (let start = 0; start < rows.length; start += ROWS_PER_INSERT) {
    const some = rows.slice(start, start + ROWS_PER_INSERT);
    statements.push(db.insertInto("rh_fleet_results").values(some).compile());
  }
  return statements;
}

/** Old jobs of a kind make room for new ones. */
function forgetting(db: Db, kind: FleetKind): Statement[] {
  const newest = db.selectFrom("rh_fleet_jobs").select("id").where("kind", "=", kind).orderBy("number", "desc");
  const old = newest.limit(sql.lit(-1)).offset(JOBS_KEPT);
  return [
    db.deleteFrom("rh_fleet_results").where("job_id", "in", old).compile(),
    db.deleteFrom("rh_fleet_findings").where("job_id", "in", old).compile(),
    db.deleteFrom("rh_fleet_jobs").where("id", "in", old).compile(),
  ];
}

export function overtaken({ jobId }: JobLease): PlatformError {
  return new PlatformError("conflict", "job_overtaken", `The fleet job ${jobId} was taken over by another process`);
}
