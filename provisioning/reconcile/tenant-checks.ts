import { PlatformError } from "../../src/domain/errors.ts";
import { SERVED, type TenantState } from "../../src/domain/tenants.ts";
import type { Operation, OperationKind } from "../operation-rows.ts";
import { openOwned, type Providers } from "../ownership.ts";
import type { Placement } from "../placements.ts";
import { clientFindings } from "./client-checks.ts";
import { type Finding, finding, isSame } from "./findings.ts";
import { GRACE_MS, type ReconcileNeeds } from "./needs.ts";
import type { RegistryQuestions } from "./registry-questions.ts";

export interface TenantCheckNeeds extends ReconcileNeeds {
  readonly questions: RegistryQuestions;
}

/** A tenant that is in one of these is on its way, by an operation. */
const ON_THE_WAY: readonly TenantState[] = ["pending", "provisioning", "failed", "deleting"];

/** In which states a tenant is while an operation of it is unfinished. Those of one step never are. */
const DURING: Readonly<Record<OperationKind, readonly TenantState[]>> = {
  provision: ["pending", "provisioning", "failed"],
  adopt: ["pending", "provisioning", "failed"],
  undelete: ["provisioning", "failed"],
  delete: ["deleting"],
  purge: ["deleting"],
  "rotate-credentials": SERVED,
  suspend: [],
  reactivate: [],
  "read-only": [],
  repair: [],
};

/**
 * What is wrong with one tenant; nothing while an operation is under way for it. What is found is looked at twice: it
 * may have been changing while it was looked at.
 */
export async function checkTenant(needs: TenantCheckNeeds, tenantId: string): Promise<readonly Finding[]> {
  if (tenantId === needs.controlPlaneTenantId) return [];
  const first = await look(needs, tenantId);
  if (first.length === 0) return first;
  const second = await look(needs, tenantId);
  return second.filter((found) => first.some(isSame(found)));
}

async function look(needs: TenantCheckNeeds, tenantId: string): Promise<readonly Finding[]> {
  const { registry, journal } = needs;
  const placement = await registry.read(tenantId);
  if (!placement) return [];
  const operation = await journal.findUnfinished(tenantId);
  if (operation && isUnderWay(needs, operation)) return [];
  return [
    ...lifeFindings(needs, placement, operation),
    ...(await recordFindings(needs, placement)),
    ...(await databaseFindings(needs, placement)),
  ];
}

/** Whether somebody is at an operation, or will be before long. */
export function isUnderWay({ journal, clock }: Pick<TenantCheckNeeds, "journal" | "clock">, operation: Operation) {
  if (journal.isHeld(operation)) return true;
  if (operation.state !== "running") return false;
  const { updatedAt, nextAttemptAt } = operation;
  const expected = nextAttemptAt && nextAttemptAt > updatedAt ? nextAttemptAt : updatedAt;
  return Date.parse(expected) + GRACE_MS > clock().getTime();
}

/** Where the tenant stands, and what is being done to it. */
function lifeFindings({ clock }: TenantCheckNeeds, placement: Placement, operation: Operation | null): Finding[] {
  const { tenantId, state, purgeAt } = placement;
  if (operation && isMeantFor(operation, placement)) {
    const detail = [operation.kind, operation.error].filter(Boolean).join(": ");
    return [finding("operation_stalled", operation.id, { tenantId, detail })];
  }
  const found: Finding[] = [];
  if (operation) found.push(finding("operation_obsolete", operation.id, { tenantId, detail: operation.kind }));
  if (ON_THE_WAY.includes(state)) found.push(finding("operation_missing", tenantId, { tenantId, detail: state }));
  if (state !== "deleted") return found;
  if (purgeAt === null) found.push(finding("purge_unscheduled", tenantId, { tenantId }));
  else if (Date.parse(purgeAt) + GRACE_MS <= clock().getTime()) {
    found.push(finding("purge_overdue", tenantId, { tenantId, detail: purgeAt }));
  }
  return found;
}

const isMeantFor = ({ kind, tag }: Operation, placement: Placement) =>
  tag === placement.tag && DURING[kind].includes(placement.state);

/** What the control plane has of the tenant beside its placement. */
async function recordFindings(needs: TenantCheckNeeds, placement: Placement): Promise<readonly Finding[]> {
  const { questions, records } = needs;
  const { tenantId, tag } = placement;
  const [noted, hasRow, organization] = await Promise.all([
    questions.tag(tag),
    records.hasTenantRow(tenantId),
    organizationFindings(needs, placement),
  ]);
  const isClaimed = noted?.tenantId === tenantId && noted.retiredAt === null;
  return [
    ...(isClaimed ? [] : [finding("tag_unclaimed", tag, { tenantId, detail: noted ? noted.tenantId : null })]),
    ...(hasRow ? [] : [finding("tenant_row_missing", tenantId, { tenantId })]),
    ...organization,
  ];
}

async function organizationFindings({ records }: TenantCheckNeeds, placement: Placement): Promise<readonly Finding[]> {
  const { tenantId, organizationId } = placement;
  // Whoever is being made gets one, and whoever never was needs none.
  if (!isLasting(placement)) return [];
  if (organizationId === null) return [finding("organization_missing", tenantId, { tenantId })];
  const organization = await records.organization(organizationId);
  if (!organization) return [finding("organization_missing", tenantId, { tenantId, detail: organizationId })];
  if (organization.name === tenantId) return [];
  return [finding("organization_misnamed", organizationId, { tenantId, detail: organization.name })];
}

/** Whether it is served, or may be again. */
const isLasting = ({ state, restoreState }: Placement) =>
  SERVED.includes(state) || (state === "deleted" && restoreState !== null);

/** Whether the tenant's database is there, is its own, and is open or put away as the tenant's state says. */
async function databaseFindings(needs: TenantCheckNeeds, placement: Placement): Promise<readonly Finding[]> {
  const { tenantId, provider, database: name } = placement;
  const found = (kind: Finding["kind"], detail: string | null = null) => [
    finding(kind, name, { tenantId, provider, detail }),
  ];
  if (!Object.hasOwn(needs.providers, provider)) return found("provider_unknown");
  if (!isLasting(placement)) return [];
  const isPutAway = placement.state === "deleted";
  try {
    const database = await openOwned(needs.providers, placement);
    try {
      return isPutAway ? found("database_open") : await clientFindings(needs, placement, database);
    } finally {
      await database.close();
    }
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === "database_mismatch") return found("database_foreign");
    if (reason !== "database_missing") return found("database_unreachable", reason);
  }
  // Absent and put away look the same to whoever wants to open it.
  try {
    const isThere = await isKept(needs.providers, placement);
    if (isPutAway) return isThere === false ? found("database_missing") : [];
    return found(isThere ? "database_retained" : "database_missing");
  } catch (error) {
    return found("database_unreachable", reasonOf(error));
  }
}

export const reasonOf = (error: unknown): string => (error instanceof PlatformError ? error.reason : "internal");

/** Whether a database is at its provider, put away or not; null where that cannot be asked. */
export async function isKept(
  providers: Providers,
  { provider, database }: Pick<Placement, "provider" | "database">,
): Promise<boolean | null> {
  const place = Object.hasOwn(providers, provider) ? providers[provider] : undefined;
  if (!place?.usage) return null;
  try {
    await place.usage(database);
    return true;
  } catch (error) {
    if (error instanceof PlatformError && error.code === "not_found") return false;
    throw error;
  }
}
