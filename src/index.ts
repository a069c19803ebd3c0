export { defineProvider } from "../provisioning/providers/define.ts";
export { fileProvider } from "../provisioning/providers/file.ts";
export { libsqlServerProvider } from "../provisioning/providers/libsql-server.ts";
export type { DatabaseProvider, Location, Place, ProviderSupports } from "../provisioning/providers/provider.ts";
export { tursoProvider } from "../provisioning/providers/turso.ts";
export type { FirstLogin } from "./auth/control-plane.ts";
export type { NewTenant, TenantChanges, TenantEvents, TenantHookContext, TenantHooks } from "./auth/tenant-hooks.ts";
export { type Config, loadConfig, processVariables } from "./config.ts";
export { type ClientOptions, openClient } from "./db/client.ts";
export type { Database, SqlValue, Statement, StatementResult } from "./db/database.ts";
export { type ErrorCode, PlatformError } from "./domain/errors.ts";
export { DatabaseName } from "./domain/names.ts";
export { mergeClientWithFallback } from "./fallback/clients.ts";
export {
  type ControlPlaneChoice,
  createRuntimeFallbackAdapter,
  type ResolveControlPlane,
  type RuntimeFallbackOptions,
  withRuntimeFallback,
  withSystemResourceServerInheritance,
} from "./fallback/runtime-fallback.ts";
export type { SettingsInheritance } from "./fallback/settings.ts";
export { type AccessControl, createAccessControlMiddleware } from "./http/middleware/access-control.ts";
export { createDatabaseMiddleware, type DatabaseOptions, type GetAdapters } from "./http/middleware/database.ts";
export type { MultiTenancyEnv, VerifiedClaims } from "./http/middleware/env.ts";
export { createMultiTenancyMiddleware, type MultiTenancyParts } from "./http/middleware/multi-tenancy.ts";
export {
  createSubdomainMiddleware,
  type ResolveSubdomain,
  type SubdomainOptions,
  type SubdomainRouting,
} from "./http/middleware/subdomain.ts";
export { createProtectSyncedMiddleware, type ProtectSyncedEnv } from "./http/protect-synced.ts";
export type { OpenApiDocument } from "./http/reference/document.ts";
export type { SyncFilters, SyncKinds } from "./sync/rules.ts";
export { validateTenantAccess } from "./tenancy/access.ts";
export {
  createFileFactory,
  createLibsqlServerFactory,
  createTursoFactory,
  type DatabaseFactory,
  type DatabaseFactoryOptions,
  type OpenDatabaseFactory,
  toDatabaseFactory,
} from "./wiring/database-factory.ts";
export {
  createAccessControlHooks,
  createDatabaseHooks,
  createMultiTenancy,
  createMultiTenancyHooks,
  createMultiTenancyPlugin,
  createProvisioningHooks,
  createTenantsOpenAPIRouter,
  type MultiTenancyConfig,
  type MultiTenancyHooks,
  type MultiTenancySetup,
  setupMultiTenancy,
} from "./wiring/multi-tenancy.ts";
export { initMultiTenant, type MultiTenant } from "./wiring/multi-tenant.ts";
export type { ControlPlaneOptions, MultiTenantConfig, MultiTenantHooks } from "./wiring/multi-tenant-options.ts";
export { openApiDocument } from "./wiring/openapi.ts";
export {
  type AskedOperation,
  createInlineExecutor,
  enqueueTenantOperation,
  type InlineExecutor,
  type InlineExecutorOptions,
  type OperationAdapters,
  type RecordedRun,
  type RecordedStep,
  runRecordedTenantOperation,
  type TenantOperationExecutor,
} from "./wiring/recorded-operations.ts";
export {
  createSyncHooks,
  type SyncCollision,
  type SyncEntityHooks,
  type SyncHooksConfig,
} from "./wiring/sync-hooks.ts";
