import { Kysely, type RawBuilder, type Selectable, sql } from "kysely";
import type { Database } from "../../src/db/database.ts";
import type { Clock } from "../../src/domain/clock.ts";
import { type FindingRow, type FleetTables, type JobLease, overtaken } from "../fleet-journal.ts";
import type { AnyFindingKind, Finding, FindingKind, FindingOutcome } from "./findings.ts";

/** Nobody looks at more than a hundred in one page; one more shows whether there is a next. */
const PAGE_ROWS_MAX = 101;

/** A finding of a job, and what became of it. */
export interface RecordedFinding<K extends string = FindingKind> extends Finding<K> {
  /** In the order in which they were found. */
  readonly number: number;
  readonly outcome: FindingOutcome;
  /** Why it failed. */
  readonly reason: string | null;
  readonly at: string;
}

/** Which findings are asked for: after the number `from`, at most 101. */
interface FindingsPage {
  readonly from?: number | undefined;
  readonly take: number;
  readonly outcome?: FindingOutcome;
}

/** What jobs have found. Every write is under the job's lease: `conflict` (`job_overtaken`) when that is lost. */
export function createRecordedFindings<K extends AnyFindingKind = FindingKind>(database: Database, clock: Clock) {
  const db = new Kysely<FleetTables>({ dialect: database.dialect });
  const jobOf = ({ jobId, fence }: JobLease) =>
    db
      .selectFrom("rh_fleet_jobs")
      .select("id")
      .where("id", "=", jobId)
      .where("fence", "=", fence)
      .where("state", "=", "running");

  const insert = async (lease: JobLease, found: Finding<K>, outcome: FindingOutcome, again: RawBuilder<unknown>) => {
    const { kind, tenantId, provider, subject, detail } = found;
    const at = clock().toISOString();
    const { numAffectedRows } = await sql`
      insert into rh_fleet_findings (job_id, kind, tenant_id, provider, subject, detail, outcome, at)
      select id, ${kind}, ${tenantId ?? ""}, ${provider ?? ""}, ${subject}, ${detail}, ${outcome}, ${at}
      from (${jobOf(lease)}) where true
      on conflict do update set outcome = excluded.outcome, reason = null, at = excluded.at${again}
    `.execute(db);
    if (numAffectedRows === 0n) throw overtaken(lease);
  };

  return {
    /** Writes down what was found. What was found before keeps its place, and is looked into again. */
    record: (lease: JobLease, found: Finding<K>, outcome: FindingOutcome = "found"): Promise<void> =>
      insert(lease, found, outcome, sql`, detail = excluded.detail`),

    /** The same, but the detail of what was found before stays. */
    note: (lease: JobLease, found: Finding<K>): Promise<void> => insert(lease, found, "found", sql``),

    /** Says what became of something if it was found, and leaves its detail. */
    async settle(lease: JobLease, found: Omit<Finding<K>, "detail">, outcome: FindingOutcome): Promise<void> {
      const { kind, tenantId, provider, subject } = found;
      await db
        .updateTable("rh_fleet_findings")
        .set({ outcome, at: clock().toISOString() })
        .where("kind", "=", kind)
        .where("tenant_id", "=", tenantId ?? "")
        .where("provider", "=", provider ?? "")
        .where("subject", "=", subject)
        .where("job_id", "in", jobOf(lease))
        .execute();
    },

    async conclude(lease: JobLease, number: number, outcome: FindingOutcome, reason: string | null): Promise<void> {
      const { numUpdatedRows } = await db
        .updateTable("rh_fleet_findings")
        .set({ outcome, reason, at: clock().toISOString() })
        .where("number", "=", number)
        .where("job_id", "in", jobOf(lease))
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) throw overtaken(lease);
    },

    async page(jobId: string, { from = 0, take, outcome }: FindingsPage): Promise<readonly RecordedFinding<K>[]> {
      let query = db.selectFrom("rh_fleet_findings").selectAll().where("job_id", "=", jobId).where("number", ">", from);
      if (outcome !== undefined) query = query.where("outcome", "=", outcome);
      return (await query.orderBy("number").limit(Math.min(take, PAGE_ROWS_MAX)).execute()).map((row) =>
        toFinding<K>(row),
      );
    },

    /** How many of a job's findings have come to which outcome. */
    async count(jobId: string): Promise<Readonly<Record<FindingOutcome, number>>> {
      const rows = await db
        .selectFrom("rh_fleet_findings")
        .select(["outcome", sql<number>`count(*)`.as("n")])
        .where("job_id", "=", jobId)
        .groupBy("outcome")
        .execute();
      const none = { found: 0, repaired: 0, left: 0, gone: 0, failed: 0 };
      return { ...none, ...Object.fromEntries(rows.map(({ outcome, n }) => [outcome, n])) };
    },
  };
}

export type RecordedFindings<K extends AnyFindingKind = FindingKind> = ReturnType<typeof createRecordedFindings<K>>;

function toFinding<K extends AnyFindingKind>(row: Selectable<FindingRow>): RecordedFinding<K> {
  const { number, kind, tenant_id, provider, subject, detail, outcome, reason, at } = row;
  return {
    number,
    // The job that has written it finds nothing else.
    kind: kind as K,
    tenantId: tenant_id || null,
    provider: provider || null,
    subject,
    detail,
    outcome,
    reason,
    at,
  };
}
