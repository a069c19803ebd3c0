import { Kysely, type Selectable, sql } from "kysely";
import type { Database } from "../src/db/database.ts";
import type { FleetKind, FleetTables, JobRow, JobState, Outcome } from "./fleet-journal.ts";
import { WAVES } from "./fleet-plan.ts";

/** Nobody looks at more than a hundred in one page; one more shows whether there is a next. */
const PAGE_ROWS_MAX = 101;

/** A job over many tenants, as it stands. */
export interface RecordedJob {
  /** Jobs are numbered as they begin. */
  readonly number: number;
  readonly id: string;
  readonly kind: FleetKind;
  readonly target: string;
  readonly state: JobState;
  readonly wave: (typeof WAVES)[number];
  /** Why it is halted or failed. */
  readonly reason: string | null;
  readonly initiator: string;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  /** Tenants by what became of them; `left` have had no turn. */
  readonly counts: Readonly<Record<Outcome | "left", number>>;
}

/** A tenant on which a job has failed. */
export interface FailedTenant {
  readonly tenantId: string;
  readonly wave: (typeof WAVES)[number];
  readonly reason: string | null;
  readonly at: string | null;
}

/** What can be told of fleet jobs. */
export function createFleetHistory(database: Database) {
  const db = new Kysely<FleetTables>({ dialect: database.dialect });

  return {
    async get(id: string): Promise<RecordedJob | null> {
      const row = await jobs(db).where("id", "=", id).executeTakeFirst();
      return row ? toJob(row) : null;
    },

    /** Newest first, those before the number `from`; at most 101. */
    async list(options: { from?: number | undefined; take: number; kind?: FleetKind | undefined }) {
      const { from, take, kind } = options;
      const rows = await jobs(db)
        .$if(from !== undefined, (query) => query.where("number", "<", from ?? 0))
        .$if(kind !== undefined, (query) => query.where("kind", "=", kind ?? "migrate"))
        .orderBy("number", "desc")
        .limit(Math.min(take, PAGE_ROWS_MAX))
        .execute();
      return rows.map(toJob);
    },

    /** The jobs that are not over, at most one of a kind, whether somebody is at it or not. */
    async unfinished(): Promise<readonly Pick<RecordedJob, "kind" | "target">[]> {
      return await db.selectFrom("rh_fleet_jobs").select(["kind", "target"]).where("state", "=", "running").execute();
    },

    /** The tenants on which a job has failed, in the order of their ids, after the id `from`; at most 101. */
    async failed(jobId: string, { from = "", take }: { from?: string | undefined; take: number }) {
      const rows = await db
        .selectFrom("rh_fleet_results")
        .select(["tenant_id", "wave", "reason", "at"])
        .where("job_id", "=", jobId)
        .where("outcome", "=", "failed")
        .where("tenant_id", ">", from)
        .orderBy("tenant_id")
        .limit(Math.min(take, PAGE_ROWS_MAX))
        .execute();
      return rows.map(
        ({ tenant_id, wave, reason, at }): FailedTenant => ({ tenantId: tenant_id, wave: waveOf(wave), reason, at }),
      );
    },
  };
}

export type FleetHistory = ReturnType<typeof createFleetHistory>;

/** Every job with how many of its tenants have had which outcome. */
function jobs(db: Kysely<FleetTables>) {
  const count = (condition: ReturnType<typeof sql>) =>
    sql<number>`(select count(*) from rh_fleet_results where job_id = rh_fleet_jobs.id and ${condition})`;
  return db
    .selectFrom("rh_fleet_jobs")
    .selectAll()
    .select([
      count(sql`outcome = 'done'`).as("done"),
      count(sql`outcome = 'failed'`).as("failed"),
      count(sql`outcome = 'skipped'`).as("skipped"),
      count(sql`outcome is null`).as("left"),
    ]);
}

function toJob(row: Selectable<JobRow> & RecordedJob["counts"]): RecordedJob {
  const { number, id, kind, target, state, reason, initiator, done, failed, skipped, left } = row;
  return {
    ...{ number, id, kind, target, state, reason, initiator },
    wave: waveOf(row.wave),
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    counts: { done, failed, skipped, left },
  };
}

const waveOf = (index: number) => WAVES[index] ?? WAVES[0];
