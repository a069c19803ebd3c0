import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { acceptedHeaders, prefersAsync, requireOperation } from "../operations/accepted.ts";
import { Operation } from "../operations/schemas.ts";
import type { OperationsService } from "../operations/service.ts";
import { tenantNotFound } from "../tenant-refusals.ts";
import {
  ErrorBody,
  IdParameter,
  initiator,
  json,
  notFound,
  refusals,
  requireGlobal,
  requireReach,
  requires,
} from "./common.ts";
import { Tenant } from "./schemas.ts";
import type { TenantsService } from "./service.ts";

const accepted = { 202: json(Operation, "It has begun; `Location` says where to ask how it goes") };
const conflict = { 409: json(ErrorBody, "The tenant is in a state that does not allow it; nothing has changed") };

const removeRoute = createRoute({
  method: "delete",
  path: "/{id}",
  ...requires("delete:tenants"),
  request: {
    params: IdParameter,
    query: z.object({ purge: z.enum(["true", "false"]).optional().describe("Without the undelete window") }),
  },
  responses: {
    204: { description: "The tenant is deleted; it can be brought back until it is purged" },
    ...accepted,
    ...notFound,
    ...refusals,
  },
});

/** A change of a tenant's state: what it is called, and the scope it takes. */
const stateRoute = <P extends string>(path: P, scope: string, done: string) =>
  createRoute({
    method: "post",
    path,
    ...requires(scope),
    request: { params: IdParameter },
    responses: { 200: json(Tenant, done), ...conflict, ...notFound, ...refusals },
  });

const suspendRoute = stateRoute("/{id}/suspend", "suspend:tenants", "The tenant, suspended");
const reactivateRoute = stateRoute("/{id}/reactivate", "suspend:tenants", "The tenant, ready");

const undeleteRoute = createRoute({
  method: "post",
  path: "/{id}/undelete",
  ...requires("delete:tenants"),
  request: { params: IdParameter },
  responses: { 200: json(Tenant, "The tenant, as it was"), ...accepted, ...conflict, ...notFound, ...refusals },
});

/** The routes that end, interrupt and bring back a tenant. For operators; a team may delete its own. */
export function addLifeRoutes(router: OpenAPIHono, service: TenantsService, operations: OperationsService): void {
  const find = async (id: string) => {
    const tenant = await service.get(id);
    if (tenant) return tenant;
    throw tenantNotFound();
  };

  router.openapi(removeRoute, async (c) => {
    const { id } = c.req.valid("param");
    const purge = c.req.valid("query").purge === "true";
    // A team may put its tenant away; that nothing brings it back is for operators.
    if (purge) requireGlobal();
    else requireReach(id);
    const removal = await service.remove(id, { purge, initiator: initiator() });
    if (removal && prefersAsync(c)) {
      const operation = await requireOperation(operations, removal.operationId);
      return c.json(operation, 202, acceptedHeaders(removal.operationId));
    }
    await removal?.ended;
    return c.body(null, 204);
  });

  router.openapi(undeleteRoute, async (c) => {
    requireGlobal();
    const { id } = c.req.valid("param");
    const { operationId, ended } = await service.undelete(id, initiator());
    if (prefersAsync(c)) {
      return c.json(await requireOperation(operations, operationId), 202, acceptedHeaders(operationId));
    }
    await ended;
    return c.json(await find(id), 200);
  });

  router.openapi(suspendRoute, async (c) => {
    requireGlobal();
    const { id } = c.req.valid("param");
    await service.suspend(id, initiator());
    return c.json(await find(id), 200);
  });

  router.openapi(reactivateRoute, async (c) => {
    requireGlobal();
    const { id } = c.req.valid("param");
    await service.reactivate(id, initiator());
    return c.json(await find(id), 200);
  });
}
