import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { ErrorBody, initiator, json, refusals, requireGlobal, requires } from "../tenants/common.ts";
import { acceptedHeaders, operationNotFound, prefersAsync } from "./accepted.ts";
import { FleetDetail, FleetOperations, FleetPlan, ListFleetOperations, NewFleetOperation } from "./fleet-schemas.ts";
import type { FleetService } from "./fleet-service.ts";

const listRoute = createRoute({
  method: "get",
  path: "/",
  ...requires("read:tenant_operations"),
  request: { query: ListFleetOperations },
  responses: { 200: json(FleetOperations, "Operations on many tenants, newest first"), ...refusals },
});

const beginRoute = createRoute({
  method: "post",
  path: "/",
  ...requires("create:tenant_operations"),
  request: { body: { required: true, content: { "application/json": { schema: NewFleetOperation } } } },
  responses: {
    200: json(FleetPlan, "With `dry_run`: who would have a turn; nothing has changed"),
    202: json(FleetDetail, "It has begun; `Location` says where to ask how it goes"),
    409: json(ErrorBody, "One of this kind is not over"),
    ...refusals,
  },
});

const REPAIRING: readonly string[] = ["reconcile", "sync-repair"];

/** `GET` and `POST /operations`: what is done to many tenants. */
export function addFleetRoutes(router: OpenAPIHono, fleet: FleetService): void {
  router.openapi(listRoute, async (c) => {
    requireGlobal();
    const { operations, next } = await fleet.list(c.req.valid("query"));
    return c.json({ operations: [...operations], ...(next !== undefined && { next }) }, 200);
  });

  // Always behind the request: nobody's patience is as long as a thousand tenants take.
  router.openapi(beginRoute, async (c) => {
    requireGlobal();
    const asked = c.req.valid("json");
    // What would be repaired is only known when it was looked for: then the dry run is behind the request, too.
    if (asked.dry_run && !REPAIRING.includes(asked.kind)) return c.json(await fleet.plan(asked), 200);
    const id = await fleet.begin(asked, initiator());
    return c.json(await requireFleetOperation(fleet, id), 202, acceptedHeaders(id, prefersAsync(c)));
  });
}

/** The operation as it has just begun. */
export async function requireFleetOperation({ get }: FleetService, id: string): Promise<FleetDetail> {
  const operation = await get(id, { take: 1 });
  if (operation) return operation;
  throw operationNotFound();
}
