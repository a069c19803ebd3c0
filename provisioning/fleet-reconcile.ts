import type { FleetJob } from "./fleet.ts";
import type { JobLease } from "./fleet-journal.ts";
import type { Reconciler } from "./reconcile/reconciler.ts";
import type { RecordedFinding, RecordedFindings } from "./reconcile/recorded-findings.ts";

/** That a tenant cannot be looked at says nothing about the others. */
const ERROR_BUDGET = 1;

/** Stored with the job: what everybody is to be. */
const TARGET = "agreement";

/** Who asks for each tenant's operations; who has asked for the job stands there. */
const INITIATOR = "reconcile";

/** Repairs wait for providers, and a provider that hangs must not hold up those of another. */
const REPAIRED_AT_ONCE = 4;

const PAGE_ROWS = 100;

export interface ReconcileJobOptions {
  readonly reconciler: Reconciler;
  readonly findings: RecordedFindings;
  readonly controlPlaneTenantId: string;
}

/**
 * The job that looks at every tenant, and then at what is nobody's, and writes down what it finds. One that repairs does
 * so at the end, from what is written down: a deletion that a repair begins waits for the tenant's turn to be over. After
 * a crash it goes on with the tenants that were not looked at, and with the findings that came to no outcome.
 */
export function createReconcileJob(kind: "reconcile" | "reconcile-report", options: ReconcileJobOptions): FleetJob {
  const { reconciler, findings, controlPlaneTenantId } = options;
  return {
    kind,
    target: TARGET,
    errorBudget: ERROR_BUDGET,
    canary: "nobody",
    // Its database is no provider's.
    skips: ({ tenantId }) => (tenantId === controlPlaneTenantId ? "control_plane" : null),

    async work({ tenantId }, lease) {
      for (const found of await reconciler.ofTenant(tenantId)) await findings.record(lease, found);
    },

    async after(lease, signal) {
      for await (const found of reconciler.ofNobody()) {
        if (signal?.aborted) return;
        await findings.record(lease, found);
      }
      if (kind === "reconcile") await repairAll(options, lease, signal);
    },
  };
}

/** A few tenants at once, and what was found of one in the order in which it was found. */
async function repairAll({ reconciler, findings }: ReconcileJobOptions, lease: JobLease, signal?: AbortSignal) {
  let page = await findings.page(lease.jobId, { take: PAGE_ROWS, outcome: "found" });
  while (page.length > 0) {
    const line = groups(page).values();
    const worker = async () => {
      for (const group of line) {
        for (const found of group) {
          if (signal?.aborted) return;
          const { outcome, reason } = await reconciler.repair(found, { initiator: INITIATOR });
          await findings.conclude(lease, found.number, outcome, reason);
        }
      }
    };
    await Promise.all(Array.from({ length: REPAIRED_AT_ONCE }, worker));
    if (signal?.aborted) return;
    page = await findings.page(lease.jobId, { take: PAGE_ROWS, outcome: "found" });
  }
}

function groups(page: readonly RecordedFinding[]): readonly RecordedFinding[][] {
  const byTenant = new Map<string, RecordedFinding[]>();
  for (const found of page) {
    const key = found.tenantId ?? `${found.provider} ${found.subject}`;
    byTenant.set(key, [...(byTenant.get(key) ?? []), found]);
  }
  return [...byTenant.values()];
}
