import type { Fleet, FleetJob } from "../../provisioning/fleet.ts";
import type { RecordedJob } from "../../provisioning/fleet-history.ts";
import type { FleetKind } from "../../provisioning/fleet-journal.ts";
import type { AnyFindingKind } from "../../provisioning/reconcile/findings.ts";
import { createRecordedFindings, type RecordedFindings } from "../../provisioning/reconcile/recorded-findings.ts";
import type { Registry } from "../../provisioning/registry.ts";
import type { Clock } from "../domain/clock.ts";
import { PlatformError } from "../domain/errors.ts";
import type { Findings, FleetOperation, FleetPlan, NewFleetOperation } from "../http/operations/fleet-schemas.ts";
import type { FleetService } from "../http/operations/fleet-service.ts";
import type { Logger } from "../log/logger.ts";
import type { ControlPlane } from "./control-plane.ts";
import type { FleetJobs } from "./fleet-jobs.ts";

/** How often it is looked whether a job was left behind. What begins with the start has its lease by then. */
const EVERY_MS = 5_000;

/** Nobody reads more of a plan. */
const PLAN_TENANTS_MAX = 100;

interface Needs {
  readonly fleet: Fleet;
  readonly jobs: FleetJobs;
  readonly controlPlane: Pick<ControlPlane, "registry" | "database">;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether jobs that somebody left behind are taken up here. */
  readonly takesUp: boolean;
}

export interface FleetOperations extends FleetService {
  /** Lets the jobs of this process end after the tenants whose turn it is; the next start goes on with them. */
  stop(): Promise<void>;
}

/** Jobs over many tenants as operators see them: begun by hand, and taken up again where somebody left them. */
export function createFleetOperations({ fleet, jobs, controlPlane, clock, log, takesUp }: Needs): FleetOperations {
  const { registry, database } = controlPlane;
  const runs = createJobRuns(fleet, jobs, log, takesUp);
  const findings = createRecordedFindings<AnyFindingKind>(database, clock);
  const { history } = fleet;

  return {
    async list({ from, take, kind }) {
      const found = await history.list({ from: numberOf(from), take: take + 1, kind });
      const shown = found.slice(0, take);
      const last = found.length > take ? shown.at(-1) : undefined;
      return { operations: shown.map(operationOf), ...(last && { next: String(last.number) }) };
    },

    async get(id, { from, take, findings_from }) {
      const job = await history.get(id);
      if (!job) return null;
      const found = await history.failed(id, { from, take: take + 1 });
      const shown = found.slice(0, take);
      const last = found.length > take ? shown.at(-1) : undefined;
      return {
        ...operationOf(job),
        failed_tenants: shown.map(({ tenantId, wave, reason, at }) => ({ tenant_id: tenantId, wave, reason, at })),
        ...(last && { next: last.tenantId }),
        ...(findsSomething(job.kind) && { findings: await findingsOf(findings, id, numberOf(findings_from), take) }),
      };
    },

    async plan(asked): Promise<FleetPlan> {
      await requireTenants(registry, asked);
      const waves = (await fleet.plan(jobFor(jobs, asked))).map(({ wave, tenantIds }) => ({
        wave,
        count: tenantIds.length,
        tenant_ids: tenantIds.slice(0, PLAN_TENANTS_MAX),
      }));
      const count = waves.reduce((sum, wave) => sum + wave.count, 0);
      return { kind: asked.kind, dry_run: true, count, waves };
    },

    async begin({ dry_run, ...wanted }, initiator) {
      const asked = dry_run ? { ...wanted, kind: dryKindOf(wanted.kind) } : wanted;
      await requireTenants(registry, asked);
      const job = jobFor(jobs, asked);
      // One that nobody is at is not over either: it is taken up again within seconds.
      const isUnfinished = (await history.unfinished()).some(isLike(job));
      await job.requirePossible?.();
      const jobId = isUnfinished ? null : await runs.start({ ...job, initiator });
      if (jobId !== null) return jobId;
      throw new PlatformError("conflict", "operation_running", `An operation ${asked.kind} is not over`);
    },

    stop: runs.stop,
  };
}

/** The jobs that run in this process. */
function createJobRuns(fleet: Fleet, jobs: FleetJobs, log: Logger, takesUp: boolean) {
  const stopping = new AbortController();
  const running = new Set<Promise<unknown>>();

  const start = async (job: FleetJob): Promise<string | null> => {
    const started = await fleet.start({ ...job, signal: stopping.signal }, { recorded: true });
    if (!started) return null;
    const ended = started.ended
      // It stays unfinished, and is taken up again.
      .catch((error: unknown) => log.error("fleet.failed", { kind: job.kind, error }))
      .finally(() => running.delete(ended));
    running.add(ended);
    return started.jobId;
  };

  const takeUp = async () => {
    try {
      for (const left of await fleet.history.unfinished()) {
        const job = jobs[left.kind](left.target);
        // Another version's, or another first key's, is for those who have that: here it would be begun anew.
        if (isLike(job)(left)) await start(job);
      }
    } catch (error) {
      // The control plane's database could not be asked; it is asked again.
      log.error("fleet.failed", { error });
    }
  };
  let looking: Promise<void> | undefined;
  const look = () => {
    looking ??= takeUp().finally(() => {
      looking = undefined;
    });
  };
  const timer = takesUp ? setInterval(look, EVERY_MS).unref() : undefined;

  return {
    start,

    async stop(): Promise<void> {
      clearInterval(timer);
      stopping.abort();
      await looking;
      await Promise.all(running);
    },
  };
}

const isLike =
  (job: Pick<FleetJob, "kind" | "target">) =>
  ({ kind, target }: Pick<FleetJob, "kind" | "target">): boolean =>
    kind === job.kind && target === job.target;

/** The job of a kind, for those who were asked for. Whose turn it is stands with the job once it has begun. */
function jobFor(jobs: FleetJobs, { kind, tenants, canary, change }: Asked): FleetJob {
  const job = jobs[kind](change && JSON.stringify(change));
  return {
    ...job,
    ...(canary && { canary }),
    skips: (placement) => (tenants && !tenants.includes(placement.tenantId) ? "not_asked_for" : job.skips(placement)),
  };
}

type Asked = Omit<NewFleetOperation, "dry_run">;

/** A misspelt canary would leave nobody to go first, and nobody would notice. */
async function requireTenants(registry: Pick<Registry, "read">, { kind, tenants = [], canary = [] }: Asked) {
  const chosen = tenants.length > 0 ? "tenants" : canary.length > 0 && "canary";
  // What is nobody's is found by looking at everybody.
  if (chosen && isReconciling(kind)) {
    throw new PlatformError("invalid", "not_supported", `${chosen}: ${kind} looks at every tenant`);
  }
  for (const [field, ids] of Object.entries({ tenants, canary })) {
    for (const id of ids) if (!(await registry.read(id))) throw unknownTenant(`${field}: there is no tenant ${id}`);
  }
  const stranger = tenants.length > 0 && canary.find((id) => !tenants.includes(id));
  if (stranger) throw unknownTenant(`canary: ${stranger} is not among tenants`);
}

/** What would be found is only known when it was looked for: by a job that changes nothing. */
function dryKindOf(kind: FleetKind): FleetKind {
  if (kind === "reconcile") return "reconcile-report";
  return kind === "sync-repair" ? "sync-verify" : kind;
}

const findsSomething = (kind: string) => isReconciling(kind) || kind.startsWith("sync-") || kind === "rotate-keys";

const isReconciling = (kind: string) => kind === "reconcile" || kind === "reconcile-report";

async function findingsOf(
  findings: RecordedFindings<AnyFindingKind>,
  jobId: string,
  from: number | undefined,
  take: number,
) {
  const [counts, found] = await Promise.all([findings.count(jobId), findings.page(jobId, { from, take: take + 1 })]);
  const shown = found.slice(0, take);
  const last = found.length > take ? shown.at(-1) : undefined;
  const items = shown.map(({ tenantId, number: _number, ...rest }) => ({ ...rest, tenant_id: tenantId }));
  return { counts, items, ...(last && { next: String(last.number) }) } satisfies Findings;
}

const unknownTenant = (message: string) => new PlatformError("invalid", "unknown_tenant", message);

function numberOf(cursor: string | undefined): number | undefined {
  if (cursor === undefined || /^\d{1,15}$/.test(cursor)) return cursor === undefined ? undefined : Number(cursor);
  throw new PlatformError("invalid", "invalid_cursor", "from: is not the `next` of an earlier page");
}

function operationOf(job: RecordedJob): FleetOperation {
  const { id, kind, state, wave, reason, target, initiator, counts, startedAt, finishedAt } = job;
  return {
    id,
    kind,
    status: state,
    wave,
    reason,
    target,
    initiator,
    counts,
    started_at: startedAt,
    finished_at: finishedAt,
  };
}
