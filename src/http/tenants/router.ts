import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { currentContext } from "../../tenancy/context.ts";
import type { FleetService } from "../operations/fleet-service.ts";
import { addOperationRoutes } from "../operations/router.ts";
import type { OperationsService } from "../operations/service.ts";
import { tenantNotFound } from "../tenant-refusals.ts";
import {
  createRouter,
  IdParameter,
  json,
  notFound,
  refusals,
  requireReach,
  requires,
  seesEverything,
} from "./common.ts";
import { addCreateRoute } from "./create-route.ts";
import { addLifeRoutes } from "./life-routes.ts";
import { addManagementClientRoute } from "./management-client-route.ts";
import { ListTenants, Tenant, TenantDatabase } from "./schemas.ts";
import type { TenantPage, TenantsService, Viewer } from "./service.ts";
import { addSettingsRoutes } from "./settings-routes.ts";

const listRoute = createRoute({
  method: "get",
  path: "/",
  ...requires("read:tenants"),
  request: { query: ListTenants },
  responses: {
    200: json(
      z.union([
        z.array(Tenant),
        z.object({
          tenants: z.array(Tenant),
          start: z.number().optional(),
          limit: z.number().optional(),
          length: z.number().optional(),
          total: z.number().optional(),
          next: z.string().optional(),
        }),
      ]),
      "The tenants the caller may see",
    ),
    ...refusals,
  },
});

const getRoute = createRoute({
  method: "get",
  path: "/{id}",
  ...requires("read:tenants"),
  request: { params: IdParameter },
  responses: { 200: json(Tenant, "The tenant"), ...notFound, ...refusals },
});

const databaseRoute = createRoute({
  method: "get",
  path: "/{id}/database",
  ...requires("read:tenants"),
  request: { params: IdParameter },
  responses: { 200: json(TenantDatabase, "Where its database is and how it is"), ...notFound, ...refusals },
});

/** `/api/v2/tenants`, mounted inside AuthHero's management API, which enforces each route's one scope. */
export function createTenantsRouter(
  service: TenantsService,
  operations: OperationsService,
  fleet: FleetService,
): OpenAPIHono {
  const router = createRouter();

  router.openapi(listRoute, async (c) => {
    const query = c.req.valid("query");
    return c.json(pageBody(query, await service.list(query, viewer())), 200);
  });

  addCreateRoute(router, service, operations);

  // Before `/{id}`, which would take the word for an id.
  addSettingsRoutes(router, service);

  router.openapi(getRoute, async (c) => {
    const { id } = c.req.valid("param");
    requireReach(id);
    const tenant = await service.get(id);
    if (!tenant) throw tenantNotFound();
    return c.json(tenant, 200);
  });

  router.openapi(databaseRoute, async (c) => {
    const { id } = c.req.valid("param");
    requireReach(id);
    const database = await service.database(id);
    if (!database) throw tenantNotFound();
    return c.json(database, 200);
  });

  addLifeRoutes(router, service, operations);
  addManagementClientRoute(router, service);
  addOperationRoutes(router, operations, fleet);

  return router;
}

/** Whose tenants are listed. */
function viewer(): Viewer {
  if (seesEverything()) return "everything";
  const { subject = "", organizationId } = currentContext()?.actor ?? {};
  return { userId: subject, organizationId };
}

function pageBody(query: ListTenants, page: TenantPage) {
  const tenants = [...page.tenants];
  if (query.from !== undefined || query.take !== undefined) {
    return { tenants, ...(page.next !== undefined && { next: page.next }) };
  }
  if (!query.include_totals) return tenants;
  return {
    tenants,
    start: query.page * query.per_page,
    limit: query.per_page,
    length: tenants.length,
    total: page.total ?? tenants.length,
  };
}
