import type { DataAdapters } from "@authhero/adapter-interfaces";
import * as z from "zod";
import type { AuthHeroAdditions } from "../auth/authhero.ts";
import type { FirstLogin } from "../auth/control-plane.ts";
import type { TenantEvents, TenantHooks } from "../auth/tenant-hooks.ts";
import { type Config, loadConfig } from "../config.ts";
import type { KeyRing } from "../db/seal.ts";
import { makingOf, type Source } from "../db/source.ts";
import { PlatformError } from "../domain/errors.ts";
import { callable, having, refuseOptions, requireOptions } from "../domain/options.ts";
import { adaptersOf, type GetAdapters } from "../http/middleware/database.ts";
import { type SubdomainRouting, SubdomainRoutingShape } from "../http/middleware/subdomain.ts";
import type { LogLevel } from "../log/logger.ts";
import type { SyncOptions } from "../sync/rules.ts";
import type { ResolveTxt } from "../tenancy/txt-records.ts";
import {
  type BehindFactory,
  behindFactory,
  type DatabaseFactory,
  DatabaseOption,
  KeyRingOption,
} from "./database-factory.ts";
import { type Inheritance, InheritanceOptions } from "./fallback.ts";
import { EventsShape, functionsShape, TenantHooksOption } from "./hook-options.ts";

const CALLER = "initMultiTenant";

export interface ControlPlaneOptions {
  /** Default `control_plane`. Stored in every database: not to be changed later. */
  readonly tenantId?: string;
  /** A client of the control plane, whose addresses all clients of all tenants have, too. Default: none. */
  readonly clientId?: string;
  /** Holds the registry and the control plane's own data. It is migrated at the start. Without it there is no registry. */
  readonly database?: Source;
  /** Seals secrets at rest, the same in every process. Default: that of `dataAdapter`. */
  readonly keyRing?: KeyRing;
}

/** AuthHero's own hooks, and those around the life of tenants. */
export type MultiTenantHooks = NonNullable<AuthHeroAdditions["hooks"]> &
  TenantEvents & { readonly tenants?: TenantHooks };

type EntityHooks = NonNullable<AuthHeroAdditions["entityHooks"]>;

export interface MultiTenantConfig
  extends Omit<AuthHeroAdditions, "hooks" | "entityHooks">,
    Omit<Inheritance, "controlPlaneClientId"> {
  readonly controlPlane?: ControlPlaneOptions;
  /**
   * The control plane's: what `createAdapters` makes of `controlPlane.database`, and then it may be left out. Without
   * that database, whatever adapters the control plane and its list of tenants are to be in.
   */
  readonly dataAdapter?: DataAdapters;
  /** Where tenants' databases are: what `toDatabaseFactory` or a ready-made factory gives; any, without a registry. */
  readonly databaseIsolation?: DatabaseFactory;
  /** Opens a tenant's database, without a registry: instead of `databaseIsolation.getAdapters`. */
  readonly getAdapters?: GetAdapters;
  /** Whose databases are kept in order, without a registry. Default: all tenants in `dataAdapter`. */
  readonly getChildTenantIds?: () => Promise<readonly string[]>;
  /** The control plane's origin; tenants share its scheme and port. Default `http://localhost:3000/`. */
  readonly issuer?: string;
  /** `baseDomain` is the host name of `issuer` by default. */
  readonly subdomainRouting?: Partial<SubdomainRouting>;
  /** Addresses and networks whose `x-forwarded-*` headers count. Default: nobody's. */
  readonly trustedProxies?: readonly string[];
  /** Looks up the TXT record that proves a custom domain, as `resolveTxt` of `node:dns/promises` does. Default: asks the machine's. */
  readonly resolveTxt?: ResolveTxt;
  /** Scopes of the management API that are added at the start, and to the role of every team. Default `tenant:admin`. */
  readonly defaultPermissions?: readonly string[];
  /** Names of roles on the control plane that a tenant's first administrators get, too. They must exist. */
  readonly defaultRoles?: readonly string[];
  /** Default true. False lets every token of the control plane that is of no organization into every tenant. */
  readonly requireOrganizationMatch?: boolean;
  readonly hooks?: MultiTenantHooks;
  /** AuthHero's; those of `tenants` are called after `hooks.tenants`. */
  readonly entityHooks?: Omit<EntityHooks, "tenants"> & { readonly tenants?: readonly (TenantHooks | undefined)[] };
  /** Called once in the life of a control plane: how its administrator and its first client sign in. */
  readonly onFirstLogin?: (login: FirstLogin) => void | Promise<void>;
  /** Redirect URIs of the console, the application in which people administer tenants. */
  readonly consoleCallbacks?: readonly string[];
  /** Days a deleted tenant can be brought back. Default 7. */
  readonly undeleteDays?: number;
  /** Sends mail for those who have no e-mail provider and inherit none. */
  readonly smtp?: { readonly url: string; readonly from?: string };
  /** What is written to the standard output, a JSON object per line. Default `warn`. */
  readonly logLevel?: LogLevel;
  /** What of the control plane tenants get, read-only; false for nothing. Default: everything that is meant for them. */
  readonly sync?: SyncOptions | false;
}

/** What is known by name, and refused with what to do instead. */
const REFUSED: Readonly<Record<string, string>> = {
  managementDataAdapter: "is made here; remove it",
  codeExecutor: "would run tenants' code in this process; remove it",
  signingKeyMode: "cannot be chosen: each tenant signs with a key of its own; remove it",
  additionalIssuers: "cannot be chosen: they follow from issuer; remove it",
  outbox: "is always on; remove it",
  relaxManagementAudience: "would let tokens of other audiences in; remove it",
  widgetHandler: "is not needed: the widget's files are served; remove it",
  tenantOperationExecutor: "is not needed: operations are run by the registry; remove it",
  tenantUpgrade: "is not needed: databases are migrated when they are opened; remove it",
};

const AUTHHERO_HOOKS =
  "onExecuteCredentialsExchange onExecutePreUserRegistration onExecutePostUserRegistration onExecutePreUserUpdate " +
  "onExecutePostUserUpdate onExecutePostLogin onExecutePreUserDeletion onExecutePostUserDeletion " +
  "onExecuteValidateRegistrationUsername onFetchUserInfo";

/** Whatever it is, AuthHero reads it. */
const authHeros = z.unknown().optional();
const strings = z.array(z.string().min(1)).optional();
const hookList = z.array(z.unknown()).optional();
/** The paths of our own routers. */
const OWN_PATHS = ["/tenants", "/operations", "/hosts"];

const Extension = z.looseObject({
  path: z.string().refine((path) => !OWN_PATHS.includes(path), "is a path of Rowhouse's own; choose another"),
});

const Options = z.strictObject({
  controlPlane: z
    .strictObject({
      tenantId: z.string().optional(),
      clientId: z.string().min(1).optional(),
      database: DatabaseOption.optional(),
      keyRing: KeyRingOption.optional(),
    })
    .optional(),
  dataAdapter: having("data adapters: createAdapters of rowhouse/adapter", "tenants", "users").optional(),
  databaseIsolation: having("a database factory", "getAdapters", "provision", "deprovision").optional(),
  getAdapters: callable().optional(),
  getChildTenantIds: callable().optional(),
  issuer: z.string().optional(),
  subdomainRouting: z.strictObject(SubdomainRoutingShape).partial().optional(),
  trustedProxies: strings,
  resolveTxt: callable().optional(),
  defaultPermissions: strings,
  defaultRoles: strings,
  requireOrganizationMatch: z.boolean().optional(),
  ...InheritanceOptions,
  hooks: z
    .strictObject({ ...EventsShape, ...functionsShape(AUTHHERO_HOOKS), tenants: TenantHooksOption.optional() })
    .optional(),
  entityHooks: z
    .strictObject({
      resourceServers: hookList,
      roles: hookList,
      rolePermissions: hookList,
      connections: hookList,
      tenants: z.array(TenantHooksOption.optional()).optional(),
    })
    .optional(),
  onFirstLogin: callable().optional(),
  consoleCallbacks: strings,
  undeleteDays: z.number().int().min(0).max(365).optional(),
  smtp: z.strictObject({ url: z.string(), from: z.string().optional() }).optional(),
  logLevel: z.enum(["debug", "info", "warn", "error"]).optional(),
  sync: z
    .union([
      z.literal(false),
      z.strictObject({
        resourceServers: z.boolean().optional(),
        roles: z.boolean().optional(),
        connections: z.boolean().optional(),
        onCollision: z.enum(["keep", "adopt"]).optional(),
        inlineTenants: z.number().int().min(0).max(1_000).optional(),
        filters: z
          .strictObject({
            resourceServers: callable().optional(),
            roles: callable().optional(),
            connections: callable().optional(),
          })
          .optional(),
      }),
    ])
    .optional(),
  managementApiExtensions: z.array(Extension).optional(),
  allowedOrigins: authHeros,
  poweredByLogo: authHeros,
  samlSigner: authHeros,
  userLinkingMode: authHeros,
  usernamePasswordProvider: authHeros,
  webhookInvoker: authHeros,
});

/** The options, checked and completed: with a registry, or over what the caller has. */
export type MultiTenantPlan = { readonly config: Config } & (RegistryPlan | PlainPlan);

export interface RegistryPlan {
  readonly source: Source;
  readonly keyRing: KeyRing;
  readonly factory: BehindFactory;
}

export interface PlainPlan {
  readonly source: null;
  readonly adapters: DataAdapters;
  readonly databases: DatabaseFactory;
}

/** Throws `invalid` (`invalid_options`) with everything that is wrong, by name. */
export function planOf(options: MultiTenantConfig): MultiTenantPlan {
  refuseKnown(options);
  requireOptions(CALLER, Options, options);
  const problems: string[] = [];
  const { database } = options.controlPlane ?? {};
  const behind = database === undefined ? plainPlan(options, problems) : registryPlan(options, database, problems);
  const config = configOf(options, behind?.source ? behind.factory : undefined, problems);
  if (problems.length > 0 || !behind || !config) return refuseOptions(CALLER, problems);
  return { config, ...behind };
}

/** What only a registry knows, or makes needless. */
const NEEDS_REGISTRY = ["undeleteDays", "resolveTxt"] as const;
const NEEDS_NONE = ["getAdapters", "getChildTenantIds"] as const;

function plainPlan(options: MultiTenantConfig, problems: string[]): PlainPlan | undefined {
  const { controlPlane = {}, dataAdapter, databaseIsolation, getAdapters } = options;
  for (const name of NEEDS_REGISTRY) if (name in options) problems.push(`${name}: ${GIVE_DATABASE}`);
  if (options.sync && options.sync.inlineTenants !== undefined) problems.push(`sync.inlineTenants: ${GIVE_DATABASE}`);
  if (controlPlane.keyRing)
    problems.push("controlPlane.keyRing: is for controlPlane.database; give it to createAdapters");
  if (!dataAdapter) problems.push("dataAdapter: is missing; give it, or controlPlane.database");
  else if (!dataAdapter.outbox) problems.push("dataAdapter: has no outbox, in which what is to be delivered is kept");
  if (!databaseIsolation && !getAdapters) {
    problems.push("databaseIsolation: is missing; give it, or getAdapters, so that each tenant has a database");
  }
  return dataAdapter && { source: null, adapters: dataAdapter, databases: databasesIn(options) };
}

const GIVE_DATABASE = "needs the registry; give controlPlane.database, or remove it";

/** Without a factory databases are made elsewhere: one that is not there yet refuses the creation. */
function databasesIn({ databaseIsolation, getAdapters }: MultiTenantConfig): DatabaseFactory {
  const open = async (id: string) => await adaptersOf(getAdapters ?? ((of) => databaseIsolation?.getAdapters(of)), id);
  return {
    getAdapters: open,
    provision: async (id) => void (await (databaseIsolation ? databaseIsolation.provision(id) : open(id))),
    deprovision: async (id) => await databaseIsolation?.deprovision(id),
  };
}

function registryPlan(options: MultiTenantConfig, database: Source, problems: string[]): RegistryPlan | undefined {
  const { databaseIsolation } = options;
  for (const name of NEEDS_NONE) {
    if (name in options) problems.push(`${name}: is in place of the registry; remove it, or controlPlane.database`);
  }
  const factory = databaseIsolation && behindFactory(databaseIsolation);
  if (!databaseIsolation) problems.push("databaseIsolation: is missing");
  else if (!factory) {
    problems.push(
      "databaseIsolation: must be made by toDatabaseFactory or a ready-made factory; for databases of your own write a " +
        "provider with defineProvider",
    );
  } else if (factory.database !== undefined && factory.database !== database) {
    problems.push("databaseIsolation: has a registry in another database; give it controlPlane.database, or none");
  }
  const keyRing = keyRingOf(options, problems);
  return factory && keyRing && { source: database, keyRing, factory };
}

function refuseKnown(options: object): void {
  const given = (value: unknown): value is object => typeof value === "object" && value !== null;
  if (!given(options)) return;
  const controlPlane: unknown = "controlPlane" in options ? options.controlPlane : undefined;
  const problems = Object.entries(REFUSED).flatMap(([name, advice]) => (name in options ? [`${name}: ${advice}`] : []));
  if (controlPlane === undefined && "resolveControlPlane" in options) {
    problems.push("resolveControlPlane: makes no sense without controlPlane");
  }
  if (problems.length > 0) refuseOptions(CALLER, problems);
}

/** One key ring for everything: what one part seals the others must be able to open. */
function keyRingOf({ controlPlane = {}, dataAdapter }: MultiTenantConfig, problems: string[]): KeyRing | undefined {
  if (!dataAdapter) {
    if (!controlPlane.keyRing) problems.push("controlPlane.keyRing: is missing");
    return controlPlane.keyRing;
  }
  const making = makingOf(dataAdapter);
  if (!making || making.source !== controlPlane.database) {
    problems.push("dataAdapter: must be createAdapters(controlPlane.database); or remove it");
  } else if (making.keyRing === undefined) {
    problems.push("dataAdapter: has no keyRing; give createAdapters one");
  } else if (controlPlane.keyRing !== undefined && controlPlane.keyRing !== making.keyRing) {
    problems.push("controlPlane.keyRing: differs from that of dataAdapter; remove it");
  }
  return making?.keyRing;
}

/** The settings of the service that these options are. */
const SETTINGS = {
  CONTROL_PLANE_TENANT_ID: "controlPlane.tenantId",
  ISSUER: "issuer",
  BASE_DOMAIN: "subdomainRouting.baseDomain",
  TRUSTED_PROXIES: "trustedProxies",
  CONSOLE_CALLBACKS: "consoleCallbacks",
  UNDELETE_DAYS: "undeleteDays",
  SMTP_URL: "smtp.url",
  SMTP_FROM: "smtp.from",
} as const;

function configOf(options: MultiTenantConfig, factory: BehindFactory | undefined, problems: string[]): Config | null {
  const { controlPlane, issuer, subdomainRouting, trustedProxies, consoleCallbacks, undeleteDays, smtp } = options;
  const variables: Record<keyof typeof SETTINGS, string | undefined> = {
    CONTROL_PLANE_TENANT_ID: controlPlane?.tenantId,
    ISSUER: issuer,
    BASE_DOMAIN: subdomainRouting?.baseDomain,
    TRUSTED_PROXIES: trustedProxies?.join(","),
    CONSOLE_CALLBACKS: consoleCallbacks?.join(","),
    UNDELETE_DAYS: undeleteDays?.toString(),
    SMTP_URL: smtp?.url,
    SMTP_FROM: smtp?.from,
  };
  const { maxOpen, idleMs } = factory?.limits ?? {};
  const pool = { POOL_MAX_OPEN: maxOpen?.toString(), POOL_IDLE_MS: idleMs?.toString() };
  try {
    return loadConfig({ ...variables, ...pool, LOG_LEVEL: options.logLevel ?? "warn" });
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    problems.push(...error.message.split("\n").slice(1).map(asOption));
    return null;
  }
}

/** `  ISSUER must be …` in the words of the options. */
function asOption(line: string): string {
  const [, name = "", message = ""] = /^\s*(\S+) (.*)$/.exec(line) ?? [];
  return `${SETTINGS[name as keyof typeof SETTINGS] ?? name}: ${message}`;
}
