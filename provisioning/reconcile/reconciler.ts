import { describe } from "../operation-rows.ts";
import type { Asked } from "../starting.ts";
import { checkProviders } from "./database-checks.ts";
import type { Finding, FindingOutcome } from "./findings.ts";
import { everyPage, PAGE_ROWS, type ReconcileNeeds } from "./needs.ts";
import { checkRecords } from "./record-checks.ts";
import { createRegistryQuestions } from "./registry-questions.ts";
import { createRepairs, isRepairable } from "./repairs.ts";
import { lookAgain } from "./second-look.ts";
import { checkTenant } from "./tenant-checks.ts";

/** What became of a finding, and why it failed. */
export interface Repaired {
  readonly outcome: Exclude<FindingOutcome, "found">;
  readonly reason: string | null;
}

/**
 * Compares registry, providers, organizations and directories, and repairs what `FINDINGS` says can be. What an
 * operation is at, or will be within minutes, is no disagreement. Nothing is held in memory but a page at a time.
 */
export function createReconciler(options: ReconcileNeeds) {
  const needs = { ...options, questions: createRegistryQuestions(options.database, options.clock) };
  const repairs: Readonly<Partial<Record<Finding["kind"], (found: Finding, asked: Asked) => Promise<void>>>> =
    createRepairs(needs);

  const ofTenant = (tenantId: string) => checkTenant(needs, tenantId);

  /** What belongs to no tenant that is there. */
  async function* ofNobody(): AsyncIterable<Finding> {
    yield* checkRecords(needs);
    yield* checkProviders(needs);
  }

  /** Everything, one tenant after the other. */
  async function* report(): AsyncIterable<Finding> {
    const pages = everyPage(
      (from) => needs.registry.list({ take: PAGE_ROWS, from }),
      ({ tenantId }) => tenantId,
    );
    for await (const page of pages) for (const { tenantId } of page) yield* await ofTenant(tenantId);
    yield* ofNobody();
  }

  const isStillSo = (found: Finding) => lookAgain(needs, found);

  return {
    ofTenant,
    ofNobody,
    report,

    /**
     * Repairs a finding of `report`, and looks whether that has helped. Repeating it is harmless. Throws only when the
     * control plane's database fails while it looks.
     */
    async repair(found: Finding, asked: Asked): Promise<Repaired> {
      const repair = repairs[found.kind];
      if (!repair || !isRepairable(found)) return { outcome: "left", reason: null };
      if (!(await isStillSo(found))) return { outcome: "gone", reason: null };
      try {
        await repair(found, asked);
      } catch (error) {
        return { outcome: "failed", reason: describe(error) };
      }
      return (await isStillSo(found)) ? { outcome: "failed", reason: STILL_SO } : { outcome: "repaired", reason: null };
    },
  };
}

export type Reconciler = ReturnType<typeof createReconciler>;

/** Why a repair has failed that nothing stood in the way of. */
const STILL_SO = "still_so";
