import { z } from "@hono/zod-openapi";
import { FLEET_KINDS } from "../../../provisioning/fleet-journal.ts";
import {
  FINDINGS,
  type FindingKind,
  KEY_FINDINGS,
  SYNC_FINDINGS,
  SYNC_PLAN_FINDINGS,
} from "../../../provisioning/reconcile/findings.ts";
import { TenantId } from "../../domain/tenants.ts";
import { SyncChange } from "../../sync/proposal.ts";

/** More than anybody names by hand; without a list it is everybody. */
const NAMED_TENANTS_MAX = 100;

const PAGE_MAX = 100;

const Kind = z.enum(FLEET_KINDS);
const Wave = z.enum(["canary", "1 %", "10 %", "rest"]);
const TenantIds = z.array(TenantId).min(1).max(NAMED_TENANTS_MAX);

/** An operation on many tenants. */
export const FleetOperation = z.object({
  id: z.string(),
  kind: z.string(),
  status: z
    .enum(["running", "done", "halted", "failed"])
    .describe("halted: too many tenants failed, and the rest was left out; failed: the same, with nobody left"),
  wave: Wave.describe("The one that runs, or ran last"),
  reason: z.string().nullable().describe("Why it is halted or failed"),
  target: z.string().describe("What the tenants are brought to"),
  initiator: z.string(),
  counts: z.object({ done: z.number(), failed: z.number(), skipped: z.number(), left: z.number() }),
  started_at: z.string(),
  finished_at: z.string().nullable(),
});
export type FleetOperation = z.infer<typeof FleetOperation>;

const FINDING_KINDS = [
  ...(Object.keys(FINDINGS) as FindingKind[]),
  ...new Set([...SYNC_FINDINGS, ...SYNC_PLAN_FINDINGS]),
  ...KEY_FINDINGS,
] as const;

/** What a job has found, or a plan. */
const Found = z.object({
  kind: z.enum(FINDING_KINDS),
  tenant_id: z.string().nullable(),
  provider: z.string().nullable(),
  subject: z
    .string()
    .describe("The database, file, organization, operation, tag, client, role, API, connection or key"),
  detail: z.string().nullable(),
  outcome: z
    .enum(["found", "repaired", "left", "gone", "failed"])
    .describe("found: not repaired, or not yet; left: for people to decide; gone: it was no longer so"),
  reason: z.string().nullable().describe("Why it failed"),
  at: z.string(),
});

const Findings = z.object({
  counts: z.object({
    found: z.number(),
    repaired: z.number(),
    left: z.number(),
    gone: z.number(),
    failed: z.number(),
  }),
  items: z.array(Found),
  next: z.string().optional().describe("`findings_from` of the next page"),
});
export type Findings = z.infer<typeof Findings>;

/** The same, with the tenants on which it failed. */
export const FleetDetail = FleetOperation.extend({
  failed_tenants: z.array(
    z.object({ tenant_id: z.string(), wave: Wave, reason: z.string().nullable(), at: z.string().nullable() }),
  ),
  next: z.string().optional().describe("`from` of the next page of failed tenants"),
  findings: Findings.optional().describe(
    "Of reconciling, of sync-plan, sync-verify and sync-repair, and of rotate-keys",
  ),
});
export type FleetDetail = z.infer<typeof FleetDetail>;

export const FleetOperations = z.object({ operations: z.array(FleetOperation), next: z.string().optional() });

/** Paging by where the page before ended. */
export const Paging = z.object({
  from: z.string().max(500).optional().describe("`next` of the page before"),
  take: z.coerce.number().int().min(1).max(PAGE_MAX).default(50),
});

/** Which failed tenants, and which findings. */
export const DetailPaging = Paging.extend({
  findings_from: z.string().max(20).optional().describe("`next` of the findings before"),
});

export const ListFleetOperations = Paging.extend({ kind: Kind.optional() });

export const NewFleetOperation = z
  .strictObject({
    kind: Kind,
    canary: TenantIds.optional().describe("Who goes first; if one of them fails, nobody comes after them"),
    tenants: TenantIds.optional().describe("Only these; default: everybody it concerns"),
    change: SyncChange.optional().describe("Of sync-plan: what is thought of; without it, what a sync would do now"),
    dry_run: z
      .boolean()
      .default(false)
      .describe(
        "Only says who would have a turn, wave by wave; of `reconcile` and `sync-repair` an operation that only finds",
      ),
  })
  .refine(({ kind, change }) => change === undefined || kind === "sync-plan", {
    path: ["change"],
    message: "is for sync-plan only",
  });
export type NewFleetOperation = z.infer<typeof NewFleetOperation>;

/** What an operation on many tenants would do. */
export const FleetPlan = z.object({
  kind: z.string(),
  dry_run: z.literal(true),
  count: z.number(),
  waves: z.array(
    z.object({ wave: Wave, count: z.number(), tenant_ids: z.array(z.string()).describe("The first 100 of them") }),
  ),
});
export type FleetPlan = z.infer<typeof FleetPlan>;
