import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import * as adapter from "../src/adapter.ts";
import * as conformance from "../src/conformance/index.ts";
import * as rowhouse from "../src/index.ts";

// Applications depend on each of these: to remove or rename one is a breaking change, and to add one a promise.

it("rowhouse exports these values", () => {
  expect(Object.keys(rowhouse).sort()).toEqual([
    "DatabaseName",
    "PlatformError",
    "createAccessControlHooks",
    "createAccessControlMiddleware",
    "createDatabaseHooks",
    "createDatabaseMiddleware",
    "createFileFactory",
    "createInlineExecutor",
    "createLibsqlServerFactory",
    "createMultiTenancy",
    "createMultiTenancyHooks",
    "createMultiTenancyMiddleware",
    "createMultiTenancyPlugin",
    "createProtectSyncedMiddleware",
    "createProvisioningHooks",
    "createRuntimeFallbackAdapter",
    "createSubdomainMiddleware",
    "createSyncHooks",
    "createTenantsOpenAPIRouter",
    "createTursoFactory",
    "defineProvider",
    "enqueueTenantOperation",
    "fileProvider",
    "initMultiTenant",
    "libsqlServerProvider",
    "loadConfig",
    "mergeClientWithFallback",
    "openApiDocument",
    "openClient",
    "processVariables",
    "runRecordedTenantOperation",
    "setupMultiTenancy",
    "toDatabaseFactory",
    "tursoProvider",
    "validateTenantAccess",
    "withRuntimeFallback",
    "withSystemResourceServerInheritance",
  ]);
});

it("rowhouse exports these types", () => {
  expect(typesOf("src/index.ts")).toEqual([
    "AccessControl",
    "AskedOperation",
    "ClientOptions",
    "Config",
    "ControlPlaneChoice",
    "ControlPlaneOptions",
    "Database",
    "DatabaseFactory",
    "DatabaseFactoryOptions",
    "DatabaseOptions",
    "DatabaseProvider",
    "ErrorCode",
    "FirstLogin",
    "GetAdapters",
    "InlineExecutor",
    "InlineExecutorOptions",
    "Location",
    "MultiTenancyConfig",
    "MultiTenancyEnv",
    "MultiTenancyHooks",
    "MultiTenancyParts",
    "MultiTenancySetup",
    "MultiTenant",
    "MultiTenantConfig",
    "MultiTenantHooks",
    "NewTenant",
    "OpenApiDocument",
    "OpenDatabaseFactory",
    "OperationAdapters",
    "Place",
    "ProtectSyncedEnv",
    "ProviderSupports",
    "RecordedRun",
    "RecordedStep",
    "ResolveControlPlane",
    "ResolveSubdomain",
    "RuntimeFallbackOptions",
    "SettingsInheritance",
    "SqlValue",
    "Statement",
    "StatementResult",
    "SubdomainOptions",
    "SubdomainRouting",
    "SyncCollision",
    "SyncEntityHooks",
    "SyncFilters",
    "SyncHooksConfig",
    "SyncKinds",
    "TenantChanges",
    "TenantEvents",
    "TenantHookContext",
    "TenantHooks",
    "TenantOperationExecutor",
    "VerifiedClaims",
  ]);
});

it("rowhouse/adapter and rowhouse/conformance export these", () => {
  expect(Object.keys(adapter).sort()).toEqual(["createAdapters", "createKeyRing", "migrateToLatest", "parseKeyRing"]);
  expect(typesOf("src/adapter.ts")).toEqual(["AdapterOptions", "Applied", "KeyRing", "Source"]);
  expect(Object.keys(conformance)).toEqual(["testProvider"]);
});

it("the package has these entries, each with its declarations", () => {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8"));

  expect(exports).toEqual({
    ".": entry("index"),
    "./adapter": entry("adapter"),
    "./conformance": entry("conformance/index"),
    "./package.json": "./package.json",
  });
});

const entry = (name: string) => ({ types: `./dist/src/${name}.d.ts`, default: `./dist/src/${name}.js` });

/** The types that a file exports: those it declares, and those it passes on. */
function typesOf(path: string): string[] {
  const source = readFileSync(path, "utf8");
  const declared = [...source.matchAll(/^export (?:interface|type) (\w+)[ <=]/gm)].map(([, name = ""]) => name);
  const passed = [...source.matchAll(/^export (type )?\{([^}]*)\}/gm)].flatMap(([, all, names = ""]) =>
    names
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "" && (all !== undefined || name.startsWith("type ")))
      .map((name) => name.replace(/^type /, "")),
  );
  return [...declared, ...passed].sort();
}
