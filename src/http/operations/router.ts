import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { PlatformError } from "../../domain/errors.ts";
import { tenantNotFound } from "../tenant-refusals.ts";
import {
  createRouter,
  ErrorBody,
  IdParameter,
  initiator,
  json,
  notFound,
  refusals,
  requireGlobal,
  requireReach,
  requires,
} from "../tenants/common.ts";
import { acceptedHeaders, operationNotFound, prefersAsync, requireOperation } from "./accepted.ts";
import { addFleetRoutes, requireFleetOperation } from "./fleet-routes.ts";
import { DetailPaging, FleetDetail, type NewFleetOperation } from "./fleet-schemas.ts";
import type { FleetService } from "./fleet-service.ts";
import { isJob, JOBS, NewOperation, Operation } from "./schemas.ts";
import type { OperationsService } from "./service.ts";

const getRoute = createRoute({
  method: "get",
  path: "/{id}",
  ...requires("read:tenant_operations"),
  request: { params: IdParameter, query: DetailPaging },
  responses: {
    200: json(z.union([Operation, FleetDetail]), "What happened in it, or to how many tenants, and a page of failures"),
    404: json(ErrorBody, "There is no such operation"),
    ...refusals,
  },
});

const historyRoute = createRoute({
  method: "get",
  path: "/{id}/operations",
  ...requires("read:tenant_operations"),
  request: { params: IdParameter },
  responses: {
    200: json(Operation.array(), "What was done to the tenant, newest first, also to earlier ones of that id"),
    ...notFound,
    ...refusals,
  },
});

const beginRoute = createRoute({
  method: "post",
  path: "/{id}/operations",
  ...requires("create:tenant_operations"),
  request: {
    params: IdParameter,
    body: { required: true, content: { "application/json": { schema: NewOperation } } },
  },
  responses: {
    200: json(Operation, "It is done"),
    202: json(z.union([Operation, FleetDetail]), "It has begun; `Location` says where to ask how it goes"),
    409: json(ErrorBody, "There is nothing of this kind to resume, or the tenant is in a state that does not allow it"),
    ...notFound,
    ...refusals,
  },
});

/** `/api/v2/operations`, mounted inside AuthHero's management API. */
export function createOperationsRouter(service: OperationsService, fleet: FleetService): OpenAPIHono {
  const router = createRouter();
  addFleetRoutes(router, fleet);

  router.openapi(getRoute, async (c) => {
    requireGlobal();
    const { id } = c.req.valid("param");
    const ofOne = await service.get(id);
    if (ofOne) return c.json(ofOne, 200);
    const ofMany = await fleet.get(id, c.req.valid("query"));
    if (ofMany) return c.json(ofMany, 200);
    throw operationNotFound();
  });

  return router;
}

/** `/api/v2/tenants/{id}/operations`. */
export function addOperationRoutes(router: OpenAPIHono, service: OperationsService, fleet: FleetService): void {
  router.openapi(historyRoute, async (c) => {
    const { id } = c.req.valid("param");
    requireReach(id);
    const operations = await service.list(id);
    if (operations.length === 0) throw tenantNotFound();
    return c.json([...operations], 200);
  });

  router.openapi(beginRoute, async (c) => {
    requireGlobal();
    const { id } = c.req.valid("param");
    const { kind } = c.req.valid("json");
    if (isJob(kind)) {
      const jobId = await beginOn(id, fleet, JOBS[kind]);
      return c.json(await requireFleetOperation(fleet, jobId), 202, acceptedHeaders(jobId, prefersAsync(c)));
    }
    const { operationId, ended } = await service.begin(id, kind, initiator());
    if (prefersAsync(c)) {
      return c.json(await requireOperation(service, operationId), 202, acceptedHeaders(operationId));
    }
    await ended;
    return c.json(await requireOperation(service, operationId), 200);
  });
}

/** A job over many tenants, of which this one is all. Always behind the request, as all of them are. */
async function beginOn(tenantId: string, fleet: FleetService, kind: NewFleetOperation["kind"]): Promise<string> {
  try {
    return await fleet.begin({ kind, tenants: [tenantId], dry_run: false }, initiator());
  } catch (error) {
    if (error instanceof PlatformError && error.reason === "unknown_tenant") throw tenantNotFound();
    throw error;
  }
}
