import type { DataAdapters } from "@authhero/adapter-interfaces";
import { type AuthHeroConfig, init, type TenantMembersBackend } from "authhero";

export interface AuthHeroOptions {
  /** For the auth endpoints: a tenant sees its own signing keys only. */
  readonly data: DataAdapters;
  /** For `/api/v2`: the control plane's keys verify operators' tokens there. */
  readonly management: DataAdapters;
  readonly controlPlaneTenantId: string;
  /** What else a tenant's tokens may name as their issuer, besides its canonical origin. */
  readonly otherIssuers: (tenantId: string) => Promise<readonly string[]>;
  /** Routers of `@hono/zod-openapi`, mounted below `/api/v2`. */
  readonly extensions: readonly { readonly path: string; readonly router: object }[];
  /** The work of its team routes. */
  readonly tenantMembers?: TenantMembersBackend;
  /** Of pages that may ask every tenant's management API. */
  readonly origins?: readonly string[];
  readonly additions?: AuthHeroAdditions;
}

/** Options of AuthHero's that a library's caller may give: none of them decides who may do what, or where data are. */
export type AuthHeroAdditions = Pick<
  AuthHeroConfig,
  | "allowedOrigins"
  | "entityHooks"
  | "hooks"
  | "managementApiExtensions"
  | "poweredByLogo"
  | "samlSigner"
  | "userLinkingMode"
  | "usernamePasswordProvider"
  | "webhookInvoker"
>;

/** A router as AuthHero declares it: the same class as ours, declared twice. */
export type AuthHeroRouter = NonNullable<AuthHeroConfig["managementApiExtensions"]>[number]["router"];

/** A route of the app, or a middleware's, whose method is `ALL`. */
export interface Route {
  readonly method: string;
  readonly path: string;
}

/** What a route says about itself, as far as we read it (https://spec.openapis.org/oas/v3.0.4#operation-object). */
export interface RouteDescription {
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly requestBody?: { readonly content: Readonly<Record<string, object>> };
  readonly responses: Readonly<Record<string, object>>;
}

/** By path, then by method in lower case. */
export type RouteDescriptions = Readonly<Record<string, Readonly<Record<string, RouteDescription>>>>;

/**
 * AuthHero over our adapters. There is no code executor: the one AuthHero brings runs a tenant's code in this
 * process, beside every other tenant's keys.
 */
export function createAuthHero(options: AuthHeroOptions) {
  const {
    data,
    management,
    controlPlaneTenantId,
    otherIssuers,
    extensions,
    tenantMembers,
    origins = [],
    additions = {},
  } = options;
  const { app, managementApp } = init({
    ...additions,
    allowedOrigins: [...origins, ...(additions.allowedOrigins ?? [])],
    dataAdapter: data,
    managementDataAdapter: management,
    // AuthHero's declarations resolve as CommonJS and ours as ESM: the same class, twice declared.
    managementApiExtensions: [
      ...extensions,
      ...(additions.managementApiExtensions ?? []),
    ] as AuthHeroConfig["managementApiExtensions"],
    ...(tenantMembers && { tenantMembers: { getBackend: () => tenantMembers } }),
    outbox: { enabled: true },
    // Each tenant signs with a key of its own: who owns the key that verified a token owns the token.
    signingKeyMode: ({ tenant_id }) => (tenant_id === controlPlaneTenantId ? "control-plane" : "tenant"),
    additionalIssuers: async ({ tenant_id }) => (tenant_id ? [...(await otherIssuers(tenant_id))] : []),
  });
  return {
    fetch: (request: Request, env: Record<string, unknown>) =>
      app.fetch(request, env as unknown as Parameters<typeof app.fetch>[1]),
    /** Every route there is, with Hono's parameters in its path: for those who want to know that none is unguarded. */
    routes: app.routes.map(({ method, path }): Route => ({ method, path })),
    /** What the routes of the management API say about themselves. Takes half a second. */
    described: () => {
      const { paths = {} } = managementApp.getOpenAPIDocument({ openapi: "3.0.3", info: { title: "", version: "" } });
      return paths as RouteDescriptions;
    },
  };
}
