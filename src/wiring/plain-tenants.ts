import type { DataAdapters, Organization, Tenant as Row } from "@authhero/adapter-interfaces";
import { createTenantLife, type TenantHooks } from "../auth/tenant-hooks.ts";
import { systemClock } from "../domain/clock.ts";
import { PlatformError } from "../domain/errors.ts";
import { tenantLabel, timeId } from "../domain/ids.ts";
import { type PageQuery, rowsOf } from "../domain/pages.ts";
import { type InheritedSettingsOf, NOTHING, requireUnlocked, withoutInherited } from "../fallback/settings.ts";
import type { FleetService } from "../http/operations/fleet-service.ts";
import type { OperationsService } from "../http/operations/service.ts";
import { tenantNotFound } from "../http/tenant-refusals.ts";
import type { ListTenants, Tenant } from "../http/tenants/schemas.ts";
import type { TenantsService, Viewer } from "../http/tenants/service.ts";
import { effectiveSettings, type MailSource } from "../http/tenants/settings.ts";
import { creating } from "./tenant-life.ts";
import { settingsChange } from "./tenants.ts";

export interface PlainTenantsNeeds {
  readonly controlPlaneTenantId: string;
  /** The control plane's adapters, in which the tenants' rows are; of the request, where each has its own. */
  readonly adapters: () => DataAdapters;
  /** A tenant's own adapters. */
  readonly own: (tenantId: string) => Promise<DataAdapters>;
  /** What makes a row into a tenant is among them. */
  readonly hooks: readonly TenantHooks[];
  /** Where the provider of a tenant's mail is from. Default: its own, or none. */
  readonly mailSource?: (tenantId: string) => Promise<MailSource>;
  /** Default: nothing is inherited. */
  readonly inheritedOf?: InheritedSettingsOf;
  /** Told of every row that was written. */
  readonly written?: (tenantId: string) => Promise<void>;
}

/** Without a registry a list is read whole; who has more tenants needs one. */
const TENANTS_MAX = 10_000;

/** The tenants API's work over rows alone: what needs the registry is refused (`needs_registry`). */
export function createPlainTenants(needs: PlainTenantsNeeds): TenantsService {
  const { controlPlaneTenantId, adapters, own, hooks, written = () => Promise.resolve() } = needs;
  const { mailSource = ownMailOnly, inheritedOf = () => Promise.resolve(NOTHING) } = needs;
  const lifeFor = (initiator?: string) =>
    createTenantLife(
      { tenantId: controlPlaneTenantId, adapters: adapters(), ...(initiator !== undefined && { initiator }) },
      hooks,
    );
  const get = async (id: string) => shown(await adapters().tenants.get(id));
  const child = (id: string): string => {
    if (id !== controlPlaneTenantId) return id;
    throw new PlatformError("forbidden", "control_plane", "The control plane itself cannot be deleted");
  };

  return {
    get,
    database: () => needsRegistry("database: where a tenant's database is"),
    createManagementClient: () => needsRegistry("management-client"),
    undelete: () => needsRegistry("undelete"),
    suspend: () => needsRegistry("suspend"),
    reactivate: () => needsRegistry("reactivate"),

    async list(query, viewer) {
      const seen = await visible(adapters(), controlPlaneTenantId, viewer);
      return pageOf(seen, query);
    },

    async create({ admin, database, ...described }, initiator, idempotencyKey) {
      if (idempotencyKey !== undefined) return await needsRegistry("Idempotency-Key");
      if (admin || database) return await needsRegistry(admin ? "admin" : "database");
      const asked = described.id ?? tenantLabel();
      const audience = `urn:authhero:tenant:${asked}`;
      const life = lifeFor(initiator);
      const made = await creating(life, { audience, ...described, id: asked });
      const { id } = made;
      if (id === controlPlaneTenantId || (await adapters().tenants.get(id))) throw tenantExists(id);
      const row = await adapters().tenants.create(made);
      await life.created?.(row).catch((error: unknown) => undo(needs, id, error));
      await written(id);
      const ended = Promise.resolve();
      const answer = async () => (await get(id)) ?? { ...row, ...READY };
      return { tenantId: id, operationId: timeId(systemClock()), ended, isUnderWay: false, answer };
    },

    changeSettings: (id, patch) =>
      settingsChange({
        ...{ adapters: adapters(), clients: clientsOf(own), get, life: lifeFor(), written },
        changeable: async (changed, names) => requireUnlocked(names, await inheritedOf(changed)),
      })(id, patch),

    async effectiveSettings(id) {
      const tenant = await get(id);
      if (!tenant) return null;
      const inherited = await inheritedOf(id);
      // The adapters may show what is inherited already.
      return effectiveSettings(withoutInherited(tenant, inherited), await mailSource(id), inherited);
    },

    async remove(id, { initiator }) {
      if (!(await adapters().tenants.get(child(id)))) throw tenantNotFound();
      const life = lifeFor(initiator);
      await life.deleting(id);
      await life.deleted?.(id);
      // The row last, so that whatever has failed before is repeated by deleting again.
      await adapters().tenants.remove(id);
      await written(id);
      return null;
    },
  };

  async function ownMailOnly(id: string): Promise<MailSource> {
    return (await (await own(id)).emailProviders.get(id)) ? "own" : null;
  }
}

/** Operations are the registry's, too. */
export const plainOperations: OperationsService = {
  get: () => needsRegistry("operations"),
  list: () => needsRegistry("operations"),
  begin: () => needsRegistry("operations"),
};

/** Nor do jobs. */
export const plainFleet: FleetService = {
  list: () => needsRegistry("operations"),
  get: () => needsRegistry("operations"),
  plan: () => needsRegistry("operations"),
  begin: () => needsRegistry("operations"),
};

const READY = { state: "ready", provisioning_state: "ready" } as const;

/** A row is all there is to say of a tenant's life. */
const shown = (row: Row | null): Tenant | null => row && { ...row, ...READY };

const clientsOf = (own: PlainTenantsNeeds["own"]): Pick<DataAdapters["clients"], "get"> => ({
  get: async (tenantId, id) => (await own(tenantId)).clients.get(tenantId, id),
});

/** What was begun is taken back, so that asking again begins anew; where that fails, too, the row stays to be deleted. */
async function undo({ adapters, controlPlaneTenantId, hooks }: PlainTenantsNeeds, id: string, cause: unknown) {
  const life = createTenantLife({ tenantId: controlPlaneTenantId, adapters: adapters() }, hooks);
  try {
    await life.deleted?.(id);
    await adapters().tenants.remove(id);
  } catch (error) {
    const message = `The tenant ${id} could neither be made nor be taken back: delete it before it is made again`;
    throw new PlatformError("unavailable", "creation_half_done", message, {
      cause: new AggregateError([cause, error]),
    });
  }
  throw cause;
}

/** The tenants that somebody sees, whole. */
async function visible(adapters: DataAdapters, controlPlaneTenantId: string, viewer: Viewer): Promise<Row[]> {
  const rows = await wholeOf(async (query) => (await adapters.tenants.list(query)).tenants);
  if (viewer === "everything") return rows;
  const { userId, organizationId } = viewer;
  const joined = await organizationsOf(adapters, controlPlaneTenantId, userId);
  const own = organizationId && (await adapters.organizations.get(controlPlaneTenantId, organizationId));
  const names = new Set([...joined, ...(own ? [own] : [])].map(({ name }) => name));
  return rows.filter(({ id }) => names.has(id));
}

/** All organizations of the control plane that a user belongs to. */
export const organizationsOf = (
  { userOrganizations }: Pick<DataAdapters, "userOrganizations">,
  tenantId: string,
  userId: string,
): Promise<Organization[]> =>
  wholeOf(async (query) => (await userOrganizations.listUserOrganizations(tenantId, userId, query)).organizations);

/** Everything there is, in a list that is read whole. */
export async function wholeOf<T>(read: (query: PageQuery) => Promise<readonly T[]>): Promise<T[]> {
  const rows: T[] = [];
  for await (const row of rowsOf(read)) {
    rows.push(row);
    if (rows.length > TENANTS_MAX) return await needsRegistry(`listing more than ${TENANTS_MAX} tenants`);
  }
  return rows;
}

function pageOf(rows: readonly Row[], query: ListTenants) {
  const [sortBy = "id", direction = "1"] = (query.sort ?? "id:1").split(":");
  const prefix = query.q?.toLowerCase() ?? "";
  const sortValue = (row: Row) => String(row[sortBy as keyof Row] ?? "");
  const sorted = rows
    .filter(({ id, friendly_name }) => [id, friendly_name.toLowerCase()].some((name) => name.startsWith(prefix)))
    .sort((a, b) => compare(sortValue(a), sortValue(b)) || compare(a.id, b.id));
  if (direction === "-1") sorted.reverse();
  const byKey = query.from !== undefined || query.take !== undefined;
  const take = byKey ? (query.take ?? 50) : query.per_page;
  const start = byKey ? startAfter(sorted, query.from) : query.page * query.per_page;
  const page = sorted.slice(start, start + take);
  const last = page.at(-1);
  return {
    tenants: page.map((row) => ({ ...row, ...READY })),
    total: sorted.length,
    ...(last && sorted.length > start + take && { next: last.id }),
  };
}

function startAfter(sorted: readonly Row[], from: string | undefined): number {
  if (from === undefined) return 0;
  const at = sorted.findIndex(({ id }) => id === from);
  if (at >= 0) return at + 1;
  throw new PlatformError("invalid", "invalid_cursor", "from: is not where a page has ended");
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Refuses what cannot be known from rows alone. */
export function needsRegistry(what: string): Promise<never> {
  const message = `${what} needs the registry: give initMultiTenant controlPlane.database`;
  return Promise.reject(new PlatformError("invalid", "needs_registry", message));
}

const tenantExists = (id: string) => new PlatformError("conflict", "tenant_exists", `The tenant ${id} exists already`);
