import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { errorBody, PlatformError } from "../../domain/errors.ts";
import { acceptedHeaders, prefersAsync, requireOperation } from "../operations/accepted.ts";
import { Operation } from "../operations/schemas.ts";
import type { OperationsService } from "../operations/service.ts";
import { ErrorBody, initiator, json, refusals, requireGlobal, requires } from "./common.ts";
import { CreateTenant, Tenant } from "./schemas.ts";
import type { TenantsService } from "./service.ts";

/** What clients make up is a UUID or the like; nobody needs more. */
const KEY_CHARACTERS_MAX = 255;

/** When to ask again for a creation that is under way, in seconds. */
const RETRY_AFTER_SECONDS = 1;

const createTenantRoute = createRoute({
  method: "post",
  path: "/",
  ...requires("create:tenants"),
  request: {
    headers: z.object({
      "idempotency-key": z
        .string()
        .min(1)
        .max(KEY_CHARACTERS_MAX)
        .optional()
        .describe("For 24 hours the same request with it gets the same answer, and makes nothing twice"),
    }),
    body: { required: true, content: { "application/json": { schema: CreateTenant } } },
  },
  responses: {
    201: json(Tenant, "The tenant, with a database of its own, ready"),
    202: json(Operation, "It has begun; `Location` says where to ask how it goes"),
    409: json(ErrorBody, "The id is taken and nothing has changed; or the same request is still under way"),
    422: json(ErrorBody, "The Idempotency-Key came with another body before"),
    ...refusals,
  },
});

/** `POST /tenants`. */
export function addCreateRoute(router: OpenAPIHono, service: TenantsService, operations: OperationsService): void {
  router.openapi(createTenantRoute, async (c) => {
    const key = c.req.valid("header")["idempotency-key"];
    const input = c.req.valid("json");
    // What it costs and where the data are is the operators' decision.
    if (input.database) requireGlobal();
    const creation = await service.create(input, initiator(), key).catch(reusedKey);
    if (creation === null) return unprocessable(c);
    if (prefersAsync(c)) {
      const operation = await requireOperation(operations, creation.operationId);
      return c.json(operation, 202, acceptedHeaders(creation.operationId));
    }
    if (creation.isUnderWay) return underWay(c);
    await creation.ended;
    return c.json(await creation.answer(), 201);
  });
}

function reusedKey(error: unknown): null {
  if (error instanceof PlatformError && error.reason === "idempotency_key_reused") return null;
  throw error;
}

/** The status that the draft of the header asks for (draft-ietf-httpapi-idempotency-key-header-07, section 2.7). */
function unprocessable(c: Context) {
  const message = "Idempotency-Key: was used for another request in the last 24 hours";
  const body = { statusCode: 422, error: "Unprocessable Entity", message, errorCode: "idempotency_key_reused" };
  return c.json(body, 422);
}

function underWay(c: Context) {
  const error = new PlatformError("conflict", "operation_running", "This tenant is being made by the same request");
  return c.json(errorBody(error), 409, { "retry-after": String(RETRY_AFTER_SECONDS) });
}
