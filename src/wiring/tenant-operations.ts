import type { Journal } from "../../provisioning/journal.ts";
import type { Lifecycle } from "../../provisioning/lifecycle.ts";
import type { Operation as Recorded } from "../../provisioning/operation-rows.ts";
import type { Registry } from "../../provisioning/registry.ts";
import type { Asked } from "../../provisioning/starting.ts";
import { PlatformError } from "../domain/errors.ts";
import type { Operation, OperationKind } from "../http/operations/schemas.ts";
import type { Accepted, OperationsService } from "../http/operations/service.ts";

/** Nobody reads further back; the events of each are read too. */
const HISTORY_MAX = 50;

interface Needs {
  readonly journal: Journal;
  readonly lifecycle: Lifecycle;
  readonly registry: Pick<Registry, "read">;
  readonly controlPlaneTenantId: string;
}

/** The operations API's work, done by the journal and the lifecycle. */
export function createOperationsService(needs: Needs): OperationsService {
  const { journal } = needs;
  const shown = async (operation: Recorded): Promise<Operation> => ({
    id: operation.id,
    tenant_id: operation.tenantId,
    kind: operation.kind,
    status: operation.state,
    step: operation.step,
    error: operation.error,
    attempts: operation.attempts,
    next_attempt_at: operation.nextAttemptAt,
    initiator: operation.initiator,
    created_at: operation.createdAt,
    updated_at: operation.updatedAt,
    finished_at: operation.finishedAt,
    events: [...(await journal.events(operation.id))],
  });

  return {
    async get(id) {
      const operation = await journal.get(id);
      return operation && (await shown(operation));
    },

    async list(tenantId) {
      return await Promise.all((await journal.list(tenantId, HISTORY_MAX)).map(shown));
    },

    begin: (tenantId, kind, initiator) => begin(needs, tenantId, kind, { initiator }),
  };
}

async function begin(needs: Needs, tenantId: string, kind: OperationKind, asked: Asked): Promise<Accepted> {
  const { lifecycle, registry } = needs;
  if (kind === "rotate-credentials") return await lifecycle.rotate(tenantId, asked);
  if (kind === "read-only") return await makeReadOnly(needs, tenantId, asked);
  const resumed = await lifecycle.resume(tenantId, kind);
  if (resumed) return resumed;
  const placement = await registry.read(tenantId);
  if (!placement) throw new PlatformError("not_found", "tenant_not_found", "There is no such tenant");
  if (kind !== "purge") {
    throw new PlatformError("conflict", "nothing_to_resume", `There is no unfinished ${kind} of this tenant`);
  }
  if (placement.state !== "deleted") {
    throw new PlatformError("conflict", "tenant_not_deleted", "Only a deleted tenant can be purged: delete it first");
  }
  return await lifecycle.purge(tenantId, asked);
}

/** One statement, so it is over when it is answered; a tenant that is read-only already shows when it became so. */
async function makeReadOnly({ journal, lifecycle, controlPlaneTenantId }: Needs, tenantId: string, asked: Asked) {
  if (tenantId === controlPlaneTenantId) {
    throw new PlatformError("forbidden", "control_plane", "The control plane itself cannot be made read-only");
  }
  await lifecycle.makeReadOnly(tenantId, asked);
  const operation = (await journal.list(tenantId)).find(({ kind }) => kind === "read-only");
  if (!operation) throw new PlatformError("internal", "journal_incomplete", "A change of state was not written down");
  return { operationId: operation.id, ended: Promise.resolve() };
}
