import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { PlatformError } from "../../domain/errors.ts";
import { refusalOfChange, tenantNotFound } from "../tenant-refusals.ts";
import { ErrorBody, IdParameter, json, notFound, refusals, requireGlobal, requires } from "./common.ts";
import { ManagementClient, NewManagementClient } from "./schemas.ts";
import type { TenantsService } from "./service.ts";

const managementClientRoute = createRoute({
  method: "post",
  path: "/{id}/management-client",
  ...requires("create:tenants"),
  description:
    "Makes a client inside the tenant that acts on the tenant's own management API, by client_credentials on the tenant's host. " +
    "The answer holds the secret and is not kept, so there is no `Idempotency-Key`: every request makes another " +
    "client, and one whose answer was lost is removed with `DELETE /clients/{id}` of the tenant.",
  request: {
    params: IdParameter,
    body: { required: false, content: { "application/json": { schema: NewManagementClient } } },
  },
  responses: {
    201: json(ManagementClient, "The client with its secret"),
    409: json(ErrorBody, "The tenant has as many such clients as it may have"),
    503: json(ErrorBody, "The tenant is not ready yet"),
    ...notFound,
    ...refusals,
  },
});

/** `POST /tenants/{id}/management-client`, for operators: a team makes its clients with `POST /clients`. */
export function addManagementClientRoute(router: OpenAPIHono, service: TenantsService): void {
  router.openapi(managementClientRoute, async (c) => {
    requireGlobal();
    if (c.req.header("idempotency-key") !== undefined) throw unrepeatable();
    const { id } = c.req.valid("param");
    const tenant = await service.get(id);
    const refusal = tenant ? refusalOfChange(tenant.state) : tenantNotFound();
    if (refusal) throw refusal;
    const client = await service.createManagementClient(id, c.req.valid("json") ?? {});
    return c.json(client, 201, { "cache-control": "no-store" });
  });
}

const unrepeatable = () =>
  new PlatformError(
    "invalid",
    "idempotency_key_unsupported",
    "Idempotency-Key: the answer holds a secret and is not kept, so it cannot be given a second time",
  );
