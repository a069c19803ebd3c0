import { type DataAdapters, LogTypes } from "@authhero/adapter-interfaces";
import { type AuditActor, createAuditLog } from "../../provisioning/audit-log.ts";
import type { Witness } from "../../provisioning/operation-rows.ts";
import type { Clock } from "../domain/clock.ts";
import type { Audit, AuditNote } from "../http/front/audit.ts";
import { EVERYWHERE } from "../http/front/reach.ts";
import { type Actor, currentContext } from "../tenancy/context.ts";
import type { ControlPlane } from "./control-plane.ts";

/** Who did what to which tenant: the control plane's audit log, and what tenants see of it in their own logs. */
export function createAuditing({ database, tenantId }: Pick<ControlPlane, "database" | "tenantId">, clock: Clock) {
  const log = createAuditLog({ database, clock });

  /** Who is behind what happens now; what no request has asked for was started by its initiator. */
  const present = (initiator: string): AuditActor => {
    const { actor, requestId, address } = currentContext() ?? {};
    return actor ? { ...actorOf(actor, tenantId), requestId, address } : { actor: initiator, actorKind: "system" };
  };
  const witness: Witness = ({ id, kind, initiator, tenantId: about }) =>
    log.inserting({ ...present(initiator), action: kind, tenantId: about, outcome: "allowed", operationId: id });

  return {
    witness,
    sweep: log.sweep,

    /** What the front writes down. `data`: where tenants' own logs are. */
    noting:
      (data: Pick<DataAdapters, "logs">): Audit =>
      async (note) => {
        const { actor, requestId, address, action, tenantId: about, outcome, reason } = note;
        const entry = { ...actorOf(actor, tenantId), requestId, address, action, tenantId: about, outcome, reason };
        await Promise.all([log.write(entry), note.isVisit && leaveCard(data, note, clock)]);
      },
  };
}

function actorOf({ tenantId, subject, clientId, organizationId, scopes }: Actor, controlPlaneTenantId: string) {
  const ofControlPlane = organizationId === undefined ? "control-plane" : "organization";
  const kind = scopes.has(EVERYWHERE) && organizationId === undefined ? "operator" : ofControlPlane;
  const actorKind = tenantId === controlPlaneTenantId ? kind : "tenant";
  return { actor: subject, actorKind, clientId, keyOwner: tenantId, organizationId } satisfies AuditActor;
}

type Visit = Pick<AuditNote, "actor" | "action" | "tenantId" | "requestId" | "address">;

/** In the tenant's own logs, as an operation on its Management API by somebody who is none of its users. */
export async function leaveCard({ logs }: Pick<DataAdapters, "logs">, visit: Visit, clock: Clock): Promise<void> {
  const { actor, action, tenantId, requestId, address } = visit;
  await logs.create(tenantId, {
    type: action.startsWith("GET ") ? LogTypes.MANAGEMENT_API_READ_OPERATION : LogTypes.SUCCESS_API_OPERATION,
    date: clock().toISOString(),
    description: `An operator of the control plane: ${action}`,
    user_id: actor.subject,
    ...(actor.clientId !== undefined && { client_id: actor.clientId }),
    ...(address !== undefined && { ip: address }),
    isMobile: false,
    details: { request_id: requestId },
  } as Parameters<DataAdapters["logs"]["create"]>[1]);
}
