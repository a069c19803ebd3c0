import type { DataAdapters } from "@authhero/adapter-interfaces";
import { inspectDatabase } from "../../provisioning/inspection.ts";
import type { Lifecycle } from "../../provisioning/lifecycle.ts";
import type { Providers } from "../../provisioning/ownership.ts";
import type { Placement } from "../../provisioning/placements.ts";
import type { TenantLife } from "../auth/tenant-hooks.ts";
import { mergeSettings, requireInteractive } from "../auth/tenant-settings.ts";
import type { Statement } from "../db/database.ts";
import { PlatformError } from "../domain/errors.ts";
import { tenantPurge } from "../entities/tenants.ts";
import { requireUnlocked } from "../fallback/settings.ts";
import type { Tenant, TenantDatabase } from "../http/tenants/schemas.ts";
import type { TenantsService } from "../http/tenants/service.ts";
import { effectiveSettings, type MailSource } from "../http/tenants/settings.ts";
import type { ControlPlane } from "./control-plane.ts";
import { createCreations, type TenantMaking } from "./creations.ts";
import { managementClients } from "./management-clients.ts";
import { organizationPurgeIn } from "./organizations.ts";
import { updating } from "./tenant-life.ts";
import { createTenantList, lifeOf } from "./tenant-list.ts";

export interface TenantsNeeds extends Omit<TenantMaking, "find"> {
  /** Every tenant's data. */
  readonly data: DataAdapters;
  /** A tenant's canonical origin. */
  readonly originOf: (tenantId: string) => Promise<URL>;
  /** Where the provider of a tenant's mail is from. */
  readonly mailSource: (tenantId: string) => Promise<MailSource>;
}

/** The tenants API's work, done by the registry and the lifecycle. */
export function createTenantsService(needs: TenantsNeeds): TenantsService {
  const { controlPlane, lifecycle, data } = needs;
  const { adapters, registry } = controlPlane;
  const shown = async (id: string, placement: Placement | null): Promise<Tenant | null> => {
    const tenant = placement && (await adapters.tenants.get(id));
    return tenant && placement ? { ...tenant, ...lifeOf(placement) } : null;
  };
  const get = async (id: string) => shown(id, await registry.read(id));

  return {
    get,
    database: async (id) => {
      const placement = await registry.read(id);
      return placement && (await databaseOf(needs.providers, placement));
    },
    ...createCreations({ ...needs, find: get }),
    ...createLives(controlPlane, lifecycle, needs.life),
    createManagementClient: managementClients({ controlPlaneTenantId: controlPlane.tenantId, ...needs }),

    list: createTenantList(controlPlane),

    // What AuthHero keeps of a tenant between requests is old after it.
    changeSettings: settingsChange({
      adapters,
      clients: data.clients,
      get,
      life: needs.life,
      changeable: async (id, names) => requireUnlocked(names, await needs.inheritedOf(id)),
      written: registry.raiseEpoch,
    }),

    async effectiveSettings(id) {
      const tenant = await get(id);
      return tenant && effectiveSettings(tenant, await needs.mailSource(id), await needs.inheritedOf(id));
    },
  };
}

interface SettingsChange extends Pick<TenantsService, "get"> {
  readonly adapters: Pick<DataAdapters, "tenants">;
  readonly clients: Pick<DataAdapters["clients"], "get">;
  readonly life: TenantLife;
  /** Throws when a tenant may not have one of these of its own. */
  readonly changeable?: (id: string, names: readonly string[]) => Promise<void>;
  readonly written: (id: string) => Promise<void>;
}

/** Changes a tenant's row as a patch says, with the hooks around it. */
export function settingsChange(needs: SettingsChange): TenantsService["changeSettings"] {
  const { adapters, clients, life, get } = needs;
  return async (id, asked) => {
    const current = await adapters.tenants.get(id);
    if (!current) return null;
    const patch = await updating(life, id, asked);
    await needs.changeable?.(id, Object.keys(patch));
    if (patch.default_client_id) await requireInteractive(clients, id, patch.default_client_id);
    await adapters.tenants.update(id, mergeSettings(current, patch));
    await needs.written(id);
    const changed = await get(id);
    if (changed) await life.updated(changed);
    return changed;
  };
}

async function databaseOf(providers: Providers, placement: Placement): Promise<TenantDatabase> {
  const { provider, place, database, generation, schemaVersion, lastBackup } = placement;
  const { health, problem, sizeBytes } = await inspectDatabase(providers, placement);
  return {
    ...{ provider, group: place?.group ?? null, region: place?.region ?? null, name: database, generation },
    ...{ schema_version: schemaVersion, size_bytes: sizeBytes, health, problem },
    last_backup: lastBackup,
  };
}

/** What ends, interrupts and brings back tenants. */
function createLives(
  { tenantId: controlPlaneTenantId, registry }: ControlPlane,
  lifecycle: Lifecycle,
  life: TenantLife,
): Pick<TenantsService, "remove" | "undelete" | "suspend" | "reactivate"> {
  const child = (id: string): string => {
    if (id !== controlPlaneTenantId) return id;
    throw new PlatformError("forbidden", "control_plane", "The control plane itself cannot be suspended or deleted");
  };

  return {
    async remove(id, { purge, initiator }) {
      const placement = await registry.read(child(id));
      const isThere = placement && placement.state !== "deleting" && placement.state !== "deleted";
      if (isThere) await life.deleting(id);
      return await (purge ? lifecycle.purge : lifecycle.remove)(child(id), { initiator });
    },
    async undelete(id, initiator) {
      return await lifecycle.undelete(child(id), { initiator });
    },
    async suspend(id, initiator) {
      await lifecycle.suspend(child(id), { initiator });
    },
    async reactivate(id, initiator) {
      await lifecycle.reactivate(child(id), { initiator });
    },
  };
}

/** What goes with a tenant's placement, in one batch with it: its organization, its row, its keys, its domains. */
export const purgeStatements = (controlPlane: ControlPlane, placement: Placement): Statement[] => [
  ...organizationPurgeIn(controlPlane, placement),
  ...tenantPurge(controlPlane.store, placement.tenantId).map((statement) => statement.compile()),
];
