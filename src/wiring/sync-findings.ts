import type { SyncFinding, SyncPlanFinding } from "../../provisioning/fleet-sync.ts";
import type { SyncFindingKind, SyncPlanFindingKind } from "../../provisioning/reconcile/findings.ts";
import type { Change, Collision, Plan } from "../sync/plan.ts";

const FOUND = {
  create: "sync_missing",
  adopt: "sync_missing",
  update: "sync_different",
  remove: "sync_leftover",
} as const satisfies Record<Change["action"], SyncFindingKind>;

/** What a plan would change, and what it cannot, as an operator reads it. */
export function findingsIn({ changes, collisions }: Plan): SyncFinding[] {
  return [
    ...changes.map(({ action, ...rest }) => ({ kind: FOUND[action], ...aboutOf(rest) })),
    ...collisions.map((collision) => ({ kind: "sync_collision" as const, ...aboutOf(collision) })),
  ];
}

const aboutOf = ({ kind, label, originId, localId }: Collision) => ({
  subject: `${kind} ${label || originId}`,
  detail: localId === originId ? originId : `${originId}, there ${localId}`,
});

const PLANNED = {
  create: "sync_create",
  adopt: "sync_adopt",
  update: "sync_update",
  remove: "sync_remove",
} as const satisfies Record<Change["action"], SyncPlanFindingKind>;

/** What a plan would do in a tenant. What changes only in our own notes is nothing. */
export function planFindingsIn(tenantId: string, { changes, collisions }: Plan): SyncPlanFinding[] {
  const found = [
    ...changes.filter(isSeen).map((change) => ({ kind: PLANNED[change.action], ...plannedOf(change) })),
    ...collisions.map((collision) => ({ kind: "sync_collision" as const, ...plannedOf(collision) })),
  ];
  return found.length > 0 ? found : [{ kind: "sync_nothing", subject: `tenant ${tenantId}`, detail: null }];
}

const isSeen = (change: Change) => change.action !== "update" || change.fields.length > 0;

/** The fields that change, and the tenant's own id where that is another. Of what is to be made there is none yet. */
function plannedOf(step: Change | Collision) {
  const { kind, label, originId, localId } = step;
  const fields = "fields" in step ? [step.fields.join(", ")] : [];
  const details = [...fields, ...(localId === originId ? [] : [`there ${localId}`])];
  return { subject: `${kind} ${label || originId}`, detail: details.length > 0 ? details.join("; ") : null };
}
