import { setTimeout as sleep } from "node:timers/promises";
import { PlatformError } from "../domain/errors.ts";
import type { FleetDetail, FleetPlan } from "../http/operations/fleet-schemas.ts";
import { EXIT, type Exit } from "./failures.ts";
import type { FleetDesk } from "./fleet-desk.ts";
import type { Column, Output } from "./output.ts";
import { createProgress } from "./progress.ts";

/** Often enough for a bar that moves, seldom enough for a server that works. */
const EVERY_MS = 300;

const PAGE_ROWS = 100;

/** Nobody reads more on a screen; programs page by themselves. */
const SHOWN_MAX = 1_000;

/** Waits until an operation on many tenants is over, shows it, and says how it ended. */
export async function followJob(out: Output, desk: FleetDesk, id: string, { wait }: { readonly wait: boolean }) {
  const progress = createProgress(out);
  try {
    for (let first = true; ; first = false) {
      if (!first) await sleep(EVERY_MS);
      const operation = await present(desk, id, { take: 1 });
      progress.show(operation);
      if (!wait || operation.status !== "running") break;
    }
  } finally {
    progress.stop();
  }
  return await showJob(out, desk, id);
}

/** Shows an operation on many tenants with all that failed and was found. */
export async function showJob(out: Output, desk: FleetDesk, id: string): Promise<Exit> {
  const operation = await whole(desk, id);
  if (!out.json(operation)) print(out, operation);
  return exitOf(operation);
}

function print(out: Output, operation: FleetDetail): void {
  const { kind, status, reason, counts, failed_tenants, findings } = operation;
  out.fields({
    ...{ operation: operation.id, kind, ...(kind === "rotate-keys" && { key: operation.target }) },
    ...{ status, ...(reason !== null && { reason }) },
    ...{ done: counts.done, failed: counts.failed, skipped: counts.skipped, left: counts.left },
    ...(findings && { findings: countsOf(findings.counts) }),
  });
  if (failed_tenants.length > 0) {
    out.line("");
    out.rows(failed_tenants, FAILED);
  }
  if (findings && findings.items.length > 0) {
    out.line("");
    out.rows(findings.items, FOUND);
  }
}

function countsOf(counts: Readonly<Record<string, number>>): string {
  const those = Object.entries(counts).filter(([, count]) => count > 0);
  return those.length === 0 ? "none" : those.map(([outcome, count]) => `${count} ${outcome}`).join(", ");
}

const FAILED: readonly Column<FleetDetail["failed_tenants"][number]>[] = [
  ["tenant", ({ tenant_id }) => tenant_id],
  ["outcome", () => "failed"],
  ["wave", ({ wave }) => wave],
  ["reason", ({ reason }) => reason],
];

const FOUND: readonly Column<NonNullable<FleetDetail["findings"]>["items"][number]>[] = [
  ["found", ({ kind }) => kind],
  ["tenant", ({ tenant_id }) => tenant_id],
  ["subject", ({ subject }) => subject],
  ["outcome", ({ outcome }) => outcome],
  ["detail", ({ detail, reason }) => reason ?? detail],
];

/** Who would have a turn. */
export function showPlan(out: Output, plan: FleetPlan): void {
  if (out.json(plan)) return;
  out.line(`${plan.kind}: ${plan.count} ${plan.count === 1 ? "tenant" : "tenants"}; nothing was changed`);
  if (plan.waves.length === 0) return;
  out.rows(plan.waves, [
    ["wave", ({ wave }) => wave],
    ["tenants", ({ count }) => count],
    ["who", ({ count, tenant_ids }) => tenant_ids.join(" ") + (count > tenant_ids.length ? " …" : "")],
  ]);
}

/** What comes before anybody's turn. */
export function showPending(out: Output, kind: string, pending: readonly string[]): void {
  if (out.json({ kind, dry_run: true, control_plane: pending, waves: null })) return;
  out.line(`first the control plane itself: ${pending.join(", ")}; nothing was changed`);
  out.note("Whose turn comes then can be said when that is done: rowhouse init does it.");
}

async function present(desk: FleetDesk, ...asked: Parameters<FleetDesk["get"]>): Promise<FleetDetail> {
  const operation = await desk.get(...asked);
  if (operation) return operation;
  throw new PlatformError("not_found", "operation_not_found", "There is no such operation");
}

/** All pages of one, up to a limit; `next` says that there is more. */
async function whole(desk: FleetDesk, id: string): Promise<FleetDetail> {
  const take = PAGE_ROWS;
  const { next, findings, ...operation } = await present(desk, id, { take });
  const failed = await allOf({ items: operation.failed_tenants, next }, async (from) => {
    const page = await present(desk, id, { take, from });
    return { items: page.failed_tenants, next: page.next };
  });
  const found =
    findings &&
    (await allOf(findings, async (findings_from) => {
      const { findings: page } = await present(desk, id, { take, findings_from });
      return { items: page?.items ?? [], next: page?.next };
    }));
  return {
    ...{ ...operation, failed_tenants: failed.items, next: failed.next },
    ...(findings && found && { findings: { counts: findings.counts, ...found } }),
  };
}

interface Page<T> {
  readonly items: T[];
  readonly next?: string | undefined;
}

async function allOf<T>(first: Page<T>, after: (next: string) => Promise<Page<T>>): Promise<Page<T>> {
  const items = [...first.items];
  let { next } = first;
  while (next !== undefined && items.length < SHOWN_MAX) {
    const page = await after(next);
    items.push(...page.items);
    next = page.next;
  }
  return { items, next };
}

/** In part: some tenants failed, or something was found that is still so. */
function exitOf({ kind, status, counts, findings }: FleetDetail): Exit {
  if (status === "halted" || status === "failed") return counts.done > 0 ? EXIT.partial : EXIT.failed;
  // What a plan finds is what it was asked for.
  const remaining =
    findings && kind !== "sync-plan" ? findings.counts.found + findings.counts.left + findings.counts.failed : 0;
  return counts.failed > 0 || remaining > 0 ? EXIT.partial : EXIT.done;
}
