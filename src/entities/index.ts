import type { DataAdapters } from "@authhero/adapter-interfaces";
import { actionExecutions, createActionExecutions } from "./action-executions.ts";
import { actionVersions, createActionVersions } from "./action-versions.ts";
import { actions, createActions } from "./actions.ts";
import { createAnalytics } from "./analytics.ts";
import { authenticationMethods, createAuthenticationMethods } from "./authentication-methods.ts";
import { createBranding } from "./branding.ts";
import { createClientConnections } from "./client-connections.ts";
import { clientGrants, createClientGrants } from "./client-grants.ts";
import { clientRegistrationTokens, createClientRegistrationTokens } from "./client-registration-tokens.ts";
import { clients, createClients } from "./clients.ts";
import { codes, createCodes } from "./codes.ts";
import { connections, createConnections } from "./connections.ts";
import { createCustomDomains } from "./custom-domains.ts";
import { createCustomText, customText } from "./custom-text.ts";
import { createEmailProviders, emailProviders } from "./email-providers.ts";
import { createEmailTemplates, emailTemplates } from "./email-templates.ts";
import { createFlows, flows } from "./flows.ts";
import { createForms, forms } from "./forms.ts";
import { createGrants, grants } from "./grants.ts";
import { createHookCode, hookCode } from "./hook-code.ts";
import { createHooks, hooks } from "./hooks.ts";
import { createInvites, invites } from "./invites.ts";
import { createKeys, keys } from "./keys.ts";
import { lazily } from "./lazily.ts";
import { createLogStreams, logStreams } from "./log-streams.ts";
import { createLoginSessions, loginSessions } from "./login-sessions.ts";
import { createLogs, logs } from "./logs.ts";
import { createMigrationSources, migrationSources } from "./migration-sources.ts";
import { createOrganizationConnections, organizationConnections } from "./organization-connections.ts";
import { createOrganizations, organizations } from "./organizations.ts";
import { createOutbox, outboxEvents } from "./outbox.ts";
import { createPasswords, passwords } from "./passwords.ts";
import { createPromptSettings } from "./prompt-settings.ts";
import { createProxyRoutes } from "./proxy-routes.ts";
import { createRateLimit } from "./rate-limit.ts";
import { createRefreshTokens, refreshTokens } from "./refresh-tokens.ts";
import { createResourceServers, resourceServers } from "./resource-servers.ts";
import { createRolePermissions, rolePermissions } from "./role-permissions.ts";
import { createRoles, roles } from "./roles.ts";
import { createRollouts } from "./rollouts.ts";
import { createScimConfigurations, scimConfigurations } from "./scim-configurations.ts";
import { createScimExternalIds, scimExternalIds } from "./scim-external-ids.ts";
import { createScimTokens, scimTokens } from "./scim-tokens.ts";
import { sealedColumnsOf } from "./sealed-columns.ts";
import { createSessionCleanup } from "./session-cleanup.ts";
import { createSessions, sessions } from "./sessions.ts";
import { createStats } from "./stats.ts";
import type { Store } from "./store.ts";
import { createTenantOperationEvents } from "./tenant-operation-events.ts";
import { createTenantOperations } from "./tenant-operations.ts";
import { createTenants, tenants } from "./tenants.ts";
import { createThemes, themes } from "./themes.ts";
import { createUniversalLoginTemplates } from "./universal-login-templates.ts";
import { createUserActivity, userActivity } from "./user-activity.ts";
import { createUserOrganizations, userOrganizations } from "./user-organizations.ts";
import { createUserPermissions, userPermissions } from "./user-permissions.ts";
import { createUserRoles, userRoles } from "./user-roles.ts";
import { createUsers, users } from "./users.ts";

/** Collections and journals whose rows belong to a tenant. */
const OWNED = [
  actionExecutions,
  actionVersions,
  actions,
  authenticationMethods,
  clientGrants,
  clientRegistrationTokens,
  clients,
  codes,
  connections,
  customText,
  emailTemplates,
  flows,
  forms,
  grants,
  hookCode,
  hooks,
  invites,
  logStreams,
  loginSessions,
  logs,
  migrationSources,
  organizationConnections,
  organizations,
  passwords,
  refreshTokens,
  resourceServers,
  roles,
  scimConfigurations,
  scimExternalIds,
  scimTokens,
  sessions,
  themes,
  userActivity,
  userOrganizations,
  users,
  outboxEvents,
];

/** Pairs of a tenant. */
const LINKS = [rolePermissions, userPermissions, userRoles];

/** The tables with rows of single tenants: what goes when a tenant goes. A test holds the list against the schema. */
const TENANT_TABLES: readonly string[] = [...OWNED, ...LINKS]
  .map(({ table }) => table)
  .concat("tenant_singletons", "synced_entities", "sync_state");

/** Where secrets stand in every database that has a tenant's rows. */
export const SEALED_IN_TENANTS = [...OWNED, emailProviders].flatMap((definition) => sealedColumnsOf(definition));

/** Where they stand beside the tenants, in the control plane's database alone: see `keys` and `tenants`. */
export const SEALED_BESIDE_TENANTS = [...sealedColumnsOf(keys, "kid"), ...sealedColumnsOf(tenants, null)];

type Entities = Omit<DataAdapters, "transaction">;

/** Every adapter of the contract that stores something. Read this first. */
const MAKERS = {
  actionExecutions: createActionExecutions,
  actionVersions: createActionVersions,
  actions: createActions,
  analytics: createAnalytics,
  authenticationMethods: createAuthenticationMethods,
  branding: createBranding,
  clientConnections: createClientConnections,
  clientGrants: createClientGrants,
  clientRegistrationTokens: createClientRegistrationTokens,
  clients: createClients,
  codes: createCodes,
  connections: createConnections,
  customDomains: createCustomDomains,
  customText: createCustomText,
  emailProviders: createEmailProviders,
  emailTemplates: createEmailTemplates,
  flows: createFlows,
  forms: createForms,
  grants: createGrants,
  hookCode: createHookCode,
  hooks: createHooks,
  invites: createInvites,
  keys: createKeys,
  logStreams: createLogStreams,
  loginSessions: createLoginSessions,
  logs: createLogs,
  migrationSources: createMigrationSources,
  organizationConnections: createOrganizationConnections,
  organizations: createOrganizations,
  outbox: createOutbox,
  passwords: createPasswords,
  promptSettings: createPromptSettings,
  proxyRoutes: createProxyRoutes,
  rateLimit: createRateLimit,
  refreshTokens: createRefreshTokens,
  resourceServers: createResourceServers,
  rolePermissions: createRolePermissions,
  roles: createRoles,
  rollouts: createRollouts,
  scimConfigurations: createScimConfigurations,
  scimExternalIds: createScimExternalIds,
  scimTokens: createScimTokens,
  sessions: createSessions,
  stats: createStats,
  tenantOperationEvents: createTenantOperationEvents,
  tenantOperations: createTenantOperations,
  tenants: (store) => createTenants(store, TENANT_TABLES),
  themes: createThemes,
  universalLoginTemplates: createUniversalLoginTemplates,
  userActivity: createUserActivity,
  userOrganizations: createUserOrganizations,
  userPermissions: createUserPermissions,
  userRoles: createUserRoles,
  users: createUsers,
  sessionCleanup: createSessionCleanup,
} satisfies { [M in keyof Entities]: (store: Store) => Entities[M] };

/** All of them on a store; each is made when it is first asked for. */
export const createEntities = (store: Store): Entities => lazily(MAKERS, store);
