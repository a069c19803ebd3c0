import { createRoute, type OpenAPIHono, z } from "@hono/zod-openapi";
import { createRouter, json, refusals, requireGlobal, requires } from "../tenants/common.ts";
import { Tenant } from "../tenants/schemas.ts";

/** Why a host leads to a tenant, or to nobody. */
const HostExplanation = z.object({
  host: z.string(),
  rules: z
    .array(z.object({ rule: z.string(), matches: z.boolean(), found: z.string() }))
    .describe("The rules in their order, each with what it found; those behind one that decides are not asked"),
  tenant: z
    .object({
      id: z.string(),
      state: Tenant.shape.state,
      purge_at: z.string().nullable(),
      provider: z.string(),
      database: z.string(),
      generation: z.number(),
      is_up_to_date: z
        .boolean()
        .nullable()
        .describe("Null for the control plane's own, which is migrated at the start"),
    })
    .nullable()
    .describe("The tenant that the name stands for, served or not"),
  origin: z.string().nullable().describe("Its canonical origin; null where requests do not get to it"),
  answers: z.array(
    z.object({
      kind: z.string(),
      method: z.string(),
      path: z.string(),
      outcome: z.enum(["served", "redirected", "refused"]),
      status: z.number().nullable(),
      errorCode: z.string().nullable(),
      location: z.string().nullable(),
    }),
  ),
  served: z.boolean().describe("Whether people can sign in there"),
});
export type HostExplanation = z.infer<typeof HostExplanation>;

/** Throws `invalid` (`invalid_host`) for what is no host. */
export type ExplainHost = (host: string) => Promise<HostExplanation>;

/** In the query: what is no host may hold dots and slashes that a path would be read by. */
const Asked = z.object({
  host: z.string().max(300).describe("As in a request's Host header, with or without a port"),
});

const getRoute = createRoute({
  method: "get",
  path: "/",
  ...requires("read:tenants"),
  request: { query: Asked },
  responses: { 200: json(HostExplanation, "Which tenant the host leads to, and why, or why to none"), ...refusals },
});

/** `/api/v2/hosts`, mounted inside AuthHero's management API. A host may be anybody's, so it is the operators'. */
export function createHostsRouter(explain: ExplainHost): OpenAPIHono {
  const router = createRouter();
  router.openapi(getRoute, async (c) => {
    requireGlobal();
    return c.json(await explain(c.req.valid("query").host), 200);
  });
  return router;
}
