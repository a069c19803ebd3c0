import type { DataAdapters } from "@authhero/adapter-interfaces";
import { MANAGEMENT_API_AUDIENCE } from "../auth/management-api.ts";
import { createManagementClient, inventManagementClient, requireRoom } from "../auth/management-client.ts";
import type { Clock } from "../domain/clock.ts";
import { PlatformError } from "../domain/errors.ts";
import type { TenantsService } from "../http/tenants/service.ts";
import { currentContext } from "../tenancy/context.ts";
import { leaveCard } from "./auditing.ts";

export interface ManagementClientsNeeds {
  readonly controlPlaneTenantId: string;
  readonly data: DataAdapters;
  readonly originOf: (tenantId: string) => Promise<URL>;
  readonly clock: Clock;
}

const NAME = "Management client";

/** Makes a tenant's management clients: in one transaction in the tenant's database, with a line in its own logs. */
export function managementClients(needs: ManagementClientsNeeds): TenantsService["createManagementClient"] {
  const { controlPlaneTenantId, data, originOf, clock } = needs;
  return async (id, { name = NAME, scope }) => {
    if (id === controlPlaneTenantId) {
      const message = "The control plane's own clients are made with POST /clients and POST /client-grants";
      throw new PlatformError("forbidden", "control_plane", message);
    }
    const client = inventManagementClient(name, scope);
    const { clientId: client_id, clientSecret: client_secret } = client;
    const tokenEndpoint = new URL("oauth/token", await originOf(id));
    await data.transaction(async (inside) => {
      await requireRoom(inside, id);
      await createManagementClient(inside, id, client);
      await noteVisit(inside, id, client_id, clock);
    });
    const grant = { audience: MANAGEMENT_API_AUDIENCE, scope: [...client.scopes] };
    return { client_id, client_secret, name, ...grant, token_endpoint: tokenEndpoint.href };
  };
}

/** The request acts on the control plane; that it reached into the tenant is seen by the tenant here only. */
async function noteVisit(inside: DataAdapters, tenantId: string, clientId: string, clock: Clock): Promise<void> {
  const { actor, requestId, address } = currentContext() ?? {};
  if (!actor || !requestId) return;
  const action = `POST /api/v2/tenants/${tenantId}/management-client, which made ${clientId}`;
  await leaveCard(inside, { actor, action, tenantId, requestId, address }, clock);
}
