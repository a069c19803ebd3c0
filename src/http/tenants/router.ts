import { createRoute, OpenAPIHono, z } from "@hono/zod-openapi";
import { PlatformError } from "../../domain/errors.ts";
import { currentContext } from "../../tenancy/context.ts";
import { CreateTenant, ListTenants, settingsOf, Tenant, TenantSettings } from "./schemas.ts";

/** A page of tenants. `total` is there when it was asked for, `next` when a further page exists. */
interface TenantPage {
  readonly tenants: readonly Tenant[];
  readonly total?: number;
  readonly next?: string;
}

/** What the routes need done. The wiring makes it from the registry, the lifecycle and the tenant rows. */
export interface TenantsService {
  list(query: ListTenants): Promise<TenantPage>;
  get(id: string): Promise<Tenant | null>;
  /** Throws `conflict` (`tenant_exists`) when the id is taken; nothing has changed then. */
  create(input: CreateTenant, initiator: string): Promise<Tenant>;
  /** Changes settings of a tenant: deep, null clears. Throws `invalid` (`invalid_default_client`). */
  changeSettings(id: string, patch: TenantSettings): Promise<Tenant | null>;
  /** Throws `not_found` (`tenant_not_found`), `forbidden` (`control_plane`) for the control plane itself. */
  remove(id: string, initiator: string): Promise<void>;
}

const ErrorBody = z.object({
  statusCode: z.number(),
  error: z.string(),
  message: z.string(),
  errorCode: z.string().optional(),
});

const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { "application/json": { schema } },
});

const refusals = {
  400: json(ErrorBody, "The request is wrong; the message names the field"),
  401: json(ErrorBody, "No valid token"),
  403: json(ErrorBody, "The token may not do this"),
};

const requires = (scope: string) => ({ security: [{ Bearer: [scope] }], tags: ["tenants"] });
const IdParameter = z.object({ id: z.string().max(100) });

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

const createTenantRoute = createRoute({
  method: "post",
  path: "/",
  ...requires("create:tenants"),
  request: { body: { required: true, content: { "application/json": { schema: CreateTenant } } } },
  responses: {
    201: json(Tenant, "The tenant, with a database of its own, ready"),
    409: json(ErrorBody, "The id is taken; nothing has changed"),
    ...refusals,
  },
});

const getRoute = createRoute({
  method: "get",
  path: "/{id}",
  ...requires("read:tenants"),
  request: { params: IdParameter },
  responses: { 200: json(Tenant, "The tenant"), 404: json(ErrorBody, "There is no such tenant"), ...refusals },
});

const removeRoute = createRoute({
  method: "delete",
  path: "/{id}",
  ...requires("delete:tenants"),
  request: { params: IdParameter },
  responses: {
    204: { description: "The tenant and its database are gone" },
    404: json(ErrorBody, "There is no such tenant"),
    ...refusals,
  },
});

const settingsRoute = createRoute({
  method: "get",
  path: "/settings",
  ...requires("read:tenant_settings"),
  responses: { 200: json(TenantSettings, "The settings of the request's tenant"), ...refusals },
});

const changeSettingsRoute = createRoute({
  method: "patch",
  path: "/settings",
  ...requires("update:tenant_settings"),
  request: { body: { required: true, content: { "application/json": { schema: TenantSettings } } } },
  responses: { 200: json(TenantSettings, "The settings as they are now"), ...refusals },
});

/** `/api/v2/tenants`, mounted inside AuthHero's management API, which enforces each route's one scope. */
export function createTenantsRouter(service: TenantsService): OpenAPIHono {
  const router = new OpenAPIHono({
    defaultHook: (result) => {
      if (!result.success) throw new PlatformError("invalid", "invalid_body", problemsOf(result.error));
    },
  });

  router.onError((error) => {
    if (error instanceof PlatformError) return error.getResponse();
    throw error;
  });

  router.openapi(listRoute, async (c) => {
    const query = c.req.valid("query");
    if (!seesEverything()) return c.json(pageBody(query, { tenants: [], total: 0 }), 200);
    return c.json(pageBody(query, await service.list(query)), 200);
  });

  router.openapi(createTenantRoute, async (c) => c.json(await service.create(c.req.valid("json"), initiator()), 201));

  // Before `/{id}`, which would take the word for an id.
  router.openapi(settingsRoute, async (c) => c.json(shownSettings(await service.get(ownTenant())), 200));

  router.openapi(changeSettingsRoute, async (c) =>
    c.json(shownSettings(await service.changeSettings(ownTenant(), c.req.valid("json"))), 200),
  );

  router.openapi(getRoute, async (c) => {
    const { id } = c.req.valid("param");
    requireGlobal();
    const tenant = await service.get(id);
    if (!tenant) throw new PlatformError("not_found", "tenant_not_found", "There is no such tenant");
    return c.json(tenant, 200);
  });

  router.openapi(removeRoute, async (c) => {
    requireGlobal();
    await service.remove(c.req.valid("param").id, initiator());
    return c.body(null, 204);
  });

  return router;
}

function problemsOf(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`).join("; ");
}

/** Operators see every tenant: a token of the control plane, of no organization, with `admin:organizations`. */
function seesEverything(): boolean {
  const actor = currentContext()?.actor;
  return actor !== undefined && actor.organizationId === undefined && actor.scopes.has("admin:organizations");
}

function requireGlobal(): void {
  if (seesEverything()) return;
  throw new PlatformError("forbidden", "tenant_forbidden", "This token does not reach this tenant");
}

/** The request's tenant: settings name none. */
function ownTenant(): string {
  const tenantId = currentContext()?.tenantId;
  if (tenantId) return tenantId;
  throw new PlatformError("invalid", "tenant_missing", "This request is for no tenant");
}

function shownSettings(tenant: Tenant | null): TenantSettings {
  if (!tenant) throw new PlatformError("not_found", "tenant_not_found", "There is no such tenant");
  return settingsOf(tenant);
}

const initiator = () => currentContext()?.actor?.subject ?? "unknown";

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
