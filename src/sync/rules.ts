import {
  type Connection,
  isDatabaseConnectionStrategy,
  type ResourceServer,
  type Role,
} from "@authhero/adapter-interfaces";
import type { Kind, Permission } from "./kinds.ts";

/** Which kinds are shared, each by default. */
export interface SyncKinds {
  readonly resourceServers?: boolean;
  readonly roles?: boolean;
  readonly connections?: boolean;
}

/** Says of each entity whether children get it; by default they do. */
export interface SyncFilters {
  readonly resourceServers?: (resourceServer: ResourceServer) => boolean;
  readonly roles?: (role: Role) => boolean;
  readonly connections?: (connection: Omit<Connection, "enabled_clients">) => boolean;
}

/** What of the control plane its children get. */
export interface SyncOptions extends SyncKinds {
  readonly filters?: SyncFilters;
  /** What becomes of a child's own entity that stands where a shared one belongs. By default it is kept, and reported. */
  readonly onCollision?: "keep" | "adopt";
  /** How many children get a change before it is answered, 0 to 1,000; the others get it behind the answer. Default 25. */
  readonly inlineTenants?: number;
}

/** What never leaves the control plane, as the wiring knows it. */
export interface NeverShared {
  /** The API that every tenant has of its own. */
  readonly managementAudience: string;
  /** The role that administers everything. */
  readonly adminRole: string;
  /** Scopes of the management API that are about other tenants. */
  readonly isOperatorsScope: (scope: string) => boolean;
}

export interface SyncRules extends SyncOptions, NeverShared {}

/**
 * Strategies that are shared unless somebody says otherwise: logins that anybody may have. All others may be the
 * operators' own workforce login, and need `metadata.sync: true`.
 */
const SOCIAL: ReadonlySet<string> = new Set(["apple", "facebook", "github", "google-oauth2", "vipps", "windowslive"]);

/** Options that say nothing about credentials or about where they are sent. A new option is none until it stands here. */
const SHARED_OPTIONS: readonly string[] = ["domain_aliases", "icon_url", "scope"];

export const isShared = {
  resource_server: (rules: SyncRules, api: ResourceServer) =>
    api.identifier !== rules.managementAudience &&
    !isSymmetric(api) &&
    isWanted(api) &&
    (rules.filters?.resourceServers?.(api) ?? true),

  role: (rules: SyncRules, role: Role, permissions: readonly Permission[]) =>
    !isAdministrators(rules, role, permissions) && isWanted(role) && (rules.filters?.roles?.(role) ?? true),

  connection: (rules: SyncRules, connection: Omit<Connection, "enabled_clients">) =>
    !isDatabaseConnectionStrategy(connection.strategy) &&
    (SOCIAL.has(connection.strategy) || connection.metadata?.sync === true) &&
    isWanted(connection) &&
    (rules.filters?.connections?.(connection) ?? true),
};

/** Its secret never leaves the control plane, and a copy without it would not sign as whoever verifies expects. */
const isSymmetric = ({ signing_alg: algorithm }: ResourceServer) => algorithm?.startsWith("HS") === true;

const isWanted = ({ metadata }: { readonly metadata?: Record<string, unknown> | undefined }) =>
  metadata?.sync !== false;

/** By its name, and by what it allows when it was renamed. */
const isAdministrators = (rules: SyncRules, { name }: Role, permissions: readonly Permission[]) =>
  name === rules.adminRole ||
  permissions.some(([api, scope]) => api === rules.managementAudience && scope === "admin:organizations");

/** What a role allows in a child: nothing on an API that stays on the control plane, nothing about other tenants. */
export const sharedPermissions = (
  rules: SyncRules,
  permissions: readonly Permission[],
  apis: ReadonlySet<string>,
): Permission[] =>
  permissions.filter(([api, scope]) =>
    api === rules.managementAudience ? !rules.isOperatorsScope(scope) : apis.has(api),
  );

/** A connection as a child has it: the fallback lends the rest at the moment of use. */
export function withoutCredentials<C extends { readonly options?: object | undefined }>(connection: C): C {
  const options = Object.entries(connection.options ?? {}).filter(([option]) => SHARED_OPTIONS.includes(option));
  return { ...connection, options: Object.fromEntries(options) };
}

export const sharesKind = ({ resourceServers = true, roles = true, connections = true }: SyncKinds, kind: Kind) =>
  ({ resource_server: resourceServers, role: roles, connection: connections })[kind];
