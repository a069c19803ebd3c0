import type { DataAdapters } from "@authhero/adapter-interfaces";
import { PlatformError } from "../domain/errors.ts";
import type { ContractOperations } from "./contract-operations.ts";
import { boundTenant, type Directory, type Router, remembering } from "./router.ts";
import { routeCodes, routeLoginSessions } from "./routes/artefacts.ts";
import { routeClients } from "./routes/clients.ts";
import { routeKeys } from "./routes/keys.ts";
import { routeOutbox } from "./routes/outbox.ts";
import { routeActionExecutions, routeRateLimit, routeSessionCleanup } from "./routes/sweeps.ts";
import { routeTenants } from "./routes/tenants.ts";
import { routeTransaction } from "./routes/transaction.ts";

/**
 * Where a member's calls go: to the database of the tenant named first, to the control plane's, nowhere because
 * the process provides it, to the journal of operations, or by a rule of its own.
 */
type Home<K extends keyof DataAdapters> =
  | "tenant"
  | "control-plane"
  | "service"
  | "journal"
  | ((router: Router, routed: (router: Router) => DataAdapters) => DataAdapters[K]);

/** Every member of the contract has a row: a new one does not compile until somebody has decided. */
const HOMES: { readonly [K in keyof Required<DataAdapters>]: Home<K> } = {
  actionExecutions: routeActionExecutions,
  actions: "tenant",
  actionVersions: "tenant",
  analytics: "tenant",
  authenticationMethods: "tenant",
  branding: "tenant",
  cache: "service",
  clientConnections: "tenant",
  clientGrants: "tenant",
  clientRegistrationTokens: "tenant",
  clients: routeClients,
  codes: routeCodes,
  connections: "tenant",
  customDomains: "control-plane",
  customText: "tenant",
  emailProviders: "tenant",
  emailService: "service",
  emailTemplates: "tenant",
  flows: "tenant",
  forms: "tenant",
  geo: "service",
  grants: "tenant",
  hookCode: "tenant",
  hooks: "tenant",
  invites: "tenant",
  keys: routeKeys,
  loginSessions: routeLoginSessions,
  logs: "tenant",
  logStreams: "tenant",
  migrationSources: "tenant",
  multiTenancyConfig: ({ controlPlaneTenantId }) => ({ controlPlaneTenantId, resolveControlPlane: () => undefined }),
  organizationConnections: "tenant",
  organizations: "tenant",
  outbox: routeOutbox,
  passwords: "tenant",
  promptSettings: "tenant",
  proxyRoutes: "control-plane",
  rateLimit: routeRateLimit,
  refreshTokens: "tenant",
  resourceServers: "tenant",
  rolePermissions: "tenant",
  roles: "tenant",
  rollouts: "journal",
  scimConfigurations: "tenant",
  scimExternalIds: "tenant",
  scimTokens: "tenant",
  sessionCleanup: routeSessionCleanup,
  sessions: "tenant",
  smsService: "service",
  stats: "tenant",
  tenantOperationEvents: "journal",
  tenantOperations: "journal",
  tenants: routeTenants,
  themes: "tenant",
  transaction: routeTransaction,
  universalLoginTemplates: "tenant",
  userActivity: "tenant",
  userOrganizations: "tenant",
  userPermissions: "tenant",
  userRoles: "tenant",
  users: "tenant",
};

/** What a router is made of. */
export interface RoutingOptions {
  readonly controlPlaneTenantId: string;
  /** The control plane's own database: its tenant's data and the global tables. */
  readonly controlPlane: DataAdapters;
  readonly directory: Directory;
  readonly surface: Router["surface"];
  /** Runs a call on a child's open database; the pool's `use`. */
  withChild<T>(tenantId: string, call: (adapters: DataAdapters) => Promise<T>): Promise<T>;
  /** See `Router`. */
  readonly outboxWritten?: (tenantId: string) => void;
  /** The members about operations. Not for the management surface: AuthHero would mount routes of its own over them. */
  readonly operations?: ContractOperations;
  /** What the process itself provides. */
  readonly services?: Pick<DataAdapters, "cache" | "emailService" | "geo" | "smsService">;
}

/** One set of adapters over many databases: each call reaches the database its row in the table says. */
export function routed(options: RoutingOptions): DataAdapters {
  const { controlPlane, controlPlaneTenantId, directory, surface, withChild } = options;
  const router: Router = {
    controlPlaneTenantId,
    model: controlPlane,
    directory: rememberingDirectory(directory),
    surface,
    outboxWritten: options.outboxWritten ?? (() => undefined),
    onControlPlane: (call) => remembering(() => call(controlPlane)),
    on: (tenantId, call) =>
      remembering(() => {
        const home = admitted(tenantId, controlPlaneTenantId);
        return home === controlPlaneTenantId ? call(controlPlane) : withChild(home, call);
      }),
  };
  return { ...adaptersOver(router), ...(surface === "auth" && options.operations), ...options.services };
}

/** What is looked up for a call fails as the call itself does. */
function rememberingDirectory(directory: Directory): Directory {
  const methods = Object.entries(directory).map(([name, look]) => [
    name,
    (...args: unknown[]) => remembering(() => (look as (...args: unknown[]) => Promise<unknown>)(...args)),
  ]);
  return Object.fromEntries(methods) as Directory;
}

/**
 * The tenant a call names, if the request may touch it: one that is a tenant's own reaches no other tenant, whatever
 * AuthHero was made to believe by a token's claims.
 */
function admitted(tenantId: string | undefined, controlPlaneTenantId: string): string {
  if (!tenantId) throw new PlatformError("invalid", "tenant_missing", "This call names no tenant");
  const bound = boundTenant();
  if (!bound || bound === controlPlaneTenantId || bound === tenantId) return tenantId;
  throw new PlatformError("forbidden", "foreign_tenant", "A request of one tenant named another");
}

function adaptersOver(router: Router): DataAdapters {
  const members = Object.entries(HOMES).map(([name, home]) => [
    name,
    memberAt(router, name as keyof DataAdapters, home),
  ]);
  // Rows and members have the same keys by the table's type; entries lose that.
  return Object.fromEntries(members.filter(([, member]) => member !== undefined)) as DataAdapters;
}

function memberAt(router: Router, name: keyof DataAdapters, home: Home<never> | Home<keyof DataAdapters>): unknown {
  if (home === "service" || home === "journal") return undefined;
  if (typeof home === "function") return home(router, adaptersOver);
  const adapter = router.model[name];
  if (typeof adapter !== "object") return undefined;
  return everyMethod(adapter, (method, args) => {
    const call = (adapters: DataAdapters) => invoke(adapters, name, method, args);
    return home === "control-plane" ? router.onControlPlane(call) : router.on(args[0] as string | undefined, call);
  });
}

/** An object with the same methods. Plain, because AuthHero enumerates them. */
function everyMethod(model: object, answer: (method: string, args: unknown[]) => Promise<unknown>) {
  const methods = Object.keys(model).map((method) => [method, (...args: unknown[]) => answer(method, args)]);
  return Object.fromEntries(methods);
}

function invoke(adapters: DataAdapters, name: keyof DataAdapters, method: string, args: unknown[]): Promise<unknown> {
  const adapter = adapters[name] as Readonly<Record<string, (...args: unknown[]) => Promise<unknown>>>;
  return adapter[method]?.(...args) ?? Promise.resolve(undefined);
}
