import type { DataAdapters } from "@authhero/adapter-interfaces";
import type { AuthHeroAdditions } from "../auth/authhero.ts";
import type { FirstLogin } from "../auth/control-plane.ts";
import { hooksOf, type TenantHooks } from "../auth/tenant-hooks.ts";
import { openSource } from "../db/source.ts";
import { systemClock } from "../domain/clock.ts";
import { PlatformError } from "../domain/errors.ts";
import { createLateApp } from "../http/late-app.ts";
import { createLogger, type Logger } from "../log/logger.ts";
import { controlPlaneIn } from "./control-plane.ts";
import { type MultiTenantConfig, type MultiTenantPlan, planOf } from "./multi-tenant-options.ts";
import { openPlainHouse } from "./plain-house.ts";
import { type House, openHouse } from "./rowhouse.ts";

/** Rowhouse as part of another program. */
export interface MultiTenant {
  /** Every route of Rowhouse, for `serve` or to be mounted at `/`. Its requests wait until everything is open. */
  readonly app: ReturnType<typeof createLateApp>;
  readonly controlPlaneTenantId: string;
  /** Settles when everything is open; throws why it cannot be opened. */
  ready(): Promise<void>;
  /** A tenant's own adapters, which may be kept. Throws `not_found` (`tenant_not_found`). */
  getAdapters(tenantId: string): Promise<DataAdapters>;
  /** Ends background work and closes every database. Requests must have ended before; later ones get 503. */
  close(): Promise<void>;
}

/** How long a failed start is answered with, before it is tried again, in milliseconds. */
const RETRY_MS = 1_000;

/**
 * Rowhouse with the caller's databases: the same house as the service's. It begins to open at once, in the background.
 * Throws `invalid` (`invalid_options`) with everything that is wrong with the options, by name, and for unknown ones.
 */
export function initMultiTenant(config: MultiTenantConfig): MultiTenant {
  const plan = planOf(config);
  const log = createLogger({ level: plan.config.LOG_LEVEL });
  const door = createDoor(() => open(config, plan, log), log);
  return {
    app: createLateApp(door.opened),
    controlPlaneTenantId: plan.config.CONTROL_PLANE_TENANT_ID,
    ready: async () => void (await door.opened()),
    getAdapters: async (tenantId) => (await door.opened()).adaptersOf(tenantId),
    close: door.close,
  };
}

async function open(options: MultiTenantConfig, plan: MultiTenantPlan, log: Logger): Promise<House> {
  const { config } = plan;
  const clock = systemClock;
  const given = { config, log, clock, ...inBoth(options, config.CONTROL_PLANE_TENANT_ID) };
  if (plan.source === null) {
    const { adapters, databases } = plan;
    const { getChildTenantIds, sync } = options;
    return await openPlainHouse({
      ...{ ...given, adapters, databases },
      ...(getChildTenantIds && { getChildTenantIds }),
      ...(sync !== undefined && { sync }),
    });
  }
  const { source, keyRing, factory } = plan;
  const tenantId = config.CONTROL_PLANE_TENANT_ID;
  const controlPlane = await controlPlaneIn({ database: openSource(source), keyRing, tenantId, clock, log });
  const { provider } = factory;
  const { resolveTxt, sync } = options;
  try {
    return await openHouse(controlPlane, {
      ...{ ...given, provider: provider.name, providers: { [provider.name]: provider } },
      ...(resolveTxt && { resolveTxt }),
      ...(sync !== undefined && { sync }),
    });
  } catch (error) {
    await controlPlane.close();
    throw error;
  }
}

/** What both houses are given. */
function inBoth(options: MultiTenantConfig, tenantId: string) {
  const { defaultPermissions, defaultRoles, requireOrganizationMatch = true } = options;
  const { resolveControlPlane, settingsInheritance } = options;
  const { clientId: controlPlaneClientId } = options.controlPlane ?? {};
  return {
    ...(defaultPermissions && { defaultPermissions }),
    ...(defaultRoles && { defaultRoles }),
    ...(resolveControlPlane && { resolveControlPlane }),
    ...(controlPlaneClientId !== undefined && { controlPlaneClientId }),
    ...(settingsInheritance && { settingsInheritance }),
    async keepLogin(login: FirstLogin) {
      if (!options.onFirstLogin) throw firstLoginUnheard(tenantId);
      await options.onFirstLogin(login);
    },
    additions: {
      ...{ hooks: hooksIn(options), authHero: additionsIn(options), requireOrganizationMatch },
      subdomains: subdomainsIn(options),
    },
  };
}

/** Events first, then `hooks.tenants`, then AuthHero's list. */
function hooksIn({ hooks = {}, entityHooks }: MultiTenantConfig): TenantHooks[] {
  return [hooksOf(hooks), hooks.tenants, ...(entityHooks?.tenants ?? [])].filter((each) => each !== undefined);
}

function subdomainsIn({ subdomainRouting: { reservedSubdomains = [], resolveSubdomain } = {} }: MultiTenantConfig) {
  return {
    reservedSubdomains: reservedSubdomains.map((label) => label.toLowerCase()),
    ...(resolveSubdomain && { resolveSubdomain }),
  };
}

/** What AuthHero itself is given. Hooks of tenants are called by the house: its routes are in place of AuthHero's. */
function additionsIn(options: MultiTenantConfig): AuthHeroAdditions {
  const { allowedOrigins, poweredByLogo, samlSigner, userLinkingMode, usernamePasswordProvider } = options;
  const { hooks, entityHooks, managementApiExtensions, webhookInvoker } = options;
  const { tenants: _tenants, ...ofOthers } = entityHooks ?? {};
  return {
    ...(allowedOrigins && { allowedOrigins }),
    ...(poweredByLogo && { poweredByLogo }),
    ...(samlSigner && { samlSigner }),
    ...(userLinkingMode && { userLinkingMode }),
    ...(usernamePasswordProvider && { usernamePasswordProvider }),
    ...(webhookInvoker && { webhookInvoker }),
    ...(managementApiExtensions && { managementApiExtensions }),
    ...(hooks && { hooks }),
    entityHooks: ofOthers,
  };
}

/** Opens once, for whoever asks; what has failed is tried again, but not by every request. */
function createDoor(openHouseBehind: () => Promise<House>, log: Logger) {
  let opening: Promise<House> | undefined;
  let closing: Promise<void> | undefined;

  const opened = (): Promise<House> => {
    if (closing) return Promise.reject(new PlatformError("unavailable", "closed", "This Rowhouse is closed"));
    opening ??= openHouseBehind().catch((error: unknown) => {
      log.error("start.failed", { error });
      setTimeout(() => {
        opening = undefined;
      }, RETRY_MS).unref();
      throw error;
    });
    return opening;
  };
  opened().catch(() => undefined);

  return {
    opened,
    close(): Promise<void> {
      closing ??= Promise.resolve(opening?.catch(() => undefined)).then((house) => house?.close());
      return closing;
    },
  };
}

function firstLoginUnheard(tenantId: string): PlatformError {
  const message =
    `There is no tenant ${tenantId} yet: give onFirstLogin, which is told how its first administrator signs in, or ` +
    "make it before, with AuthHero's seed";
  return new PlatformError("invalid", "first_login_unheard", message);
}
