import type { DataAdapters } from "@authhero/adapter-interfaces";
import { createAuthHero } from "../auth/authhero.ts";
import type { TenantMembersBackend } from "../auth/tenant-members.ts";
import type { ExplainHost } from "../http/hosts/router.ts";
import type { FleetService } from "../http/operations/fleet-service.ts";
import type { OperationsService } from "../http/operations/service.ts";
import { documents, type OpenApiDocument } from "../http/reference/document.ts";
import type { TenantsService } from "../http/tenants/service.ts";
import { extensionsOver } from "./front.ts";
import { packageVersion } from "./version.ts";

/**
 * The OpenAPI document that a house at an origin serves at `/api/v2/spec`, without a house: the routes are put together,
 * and never asked.
 */
export function openApiDocument(origin: URL): OpenApiDocument {
  const { described } = createAuthHero({
    data: NO_DATA,
    management: NO_DATA,
    controlPlaneTenantId: "control_plane",
    otherIssuers: () => Promise.resolve([]),
    tenantMembers: {} as TenantMembersBackend,
    extensions: extensionsOver({
      tenants: {} as TenantsService,
      operations: {} as OperationsService,
      fleet: {} as FleetService,
      explainHost: {} as ExplainHost,
    }),
  });
  return documents({ described, version: packageVersion() })(origin);
}

/** AuthHero mounts some routes only where it finds what they need. */
const NO_DATA = { proxyRoutes: {}, scimConfigurations: {}, scimExternalIds: {}, scimTokens: {} } as DataAdapters;
