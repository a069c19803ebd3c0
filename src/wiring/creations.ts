import { createIdempotency, type Remembered, type RequestKey } from "../../provisioning/idempotency.ts";
import type { Journal } from "../../provisioning/journal.ts";
import type { Lifecycle, Started } from "../../provisioning/lifecycle.ts";
import type { Providers } from "../../provisioning/ownership.ts";
import type { TenantLife } from "../auth/tenant-hooks.ts";
import type { Statement } from "../db/database.ts";
import type { Clock } from "../domain/clock.ts";
import { PlatformError } from "../domain/errors.ts";
import { tenantLabel, timeId } from "../domain/ids.ts";
import { tenantInsert } from "../entities/tenants.ts";
import { type InheritedSettingsOf, requireUnlocked } from "../fallback/settings.ts";
import type { CreateTenant, Tenant } from "../http/tenants/schemas.ts";
import type { Creation, TenantsService } from "../http/tenants/service.ts";
import { type HostRules, isReserved, originOf } from "../tenancy/hosts.ts";
import type { ControlPlane } from "./control-plane.ts";
import { placeFor } from "./database-wishes.ts";
import { noOrganizationYet } from "./organizations.ts";
import type { Team } from "./team.ts";
import { creating } from "./tenant-life.ts";

/** What making tenants takes. */
export interface TenantMaking {
  readonly controlPlane: ControlPlane;
  readonly lifecycle: Lifecycle;
  readonly journal: Journal;
  readonly rules: HostRules;
  readonly team: Pick<Team, "requireInvitable" | "wanting">;
  /** Where their databases are to be. */
  readonly provider: string;
  readonly providers: Providers;
  readonly clock: Clock;
  readonly life: TenantLife;
  /** What settings a tenant has from the control plane, and may not have itself. */
  readonly inheritedOf: InheritedSettingsOf;
  readonly find: (tenantId: string) => Promise<Tenant | null>;
}

/** Stored with the key, so never changed. */
const ROUTE = "POST /tenants";

/** `POST /tenants`: the tenant's own row, its operation, and the request's key begin in one batch. */
export function createCreations(making: TenantMaking): Pick<TenantsService, "create"> {
  const { controlPlane, lifecycle, journal, clock } = making;
  const { database } = controlPlane;
  const idempotency = createIdempotency({ database, clock });

  const answerWith = (tenantId: string, { operationId, ended }: Started, given: string | null): Creation => ({
    tenantId,
    operationId,
    ended,
    isUnderWay: false,
    async answer() {
      if (given !== null) return JSON.parse(given) as Tenant;
      const tenant = await making.find(tenantId);
      if (!tenant) throw deleted(tenantId);
      await idempotency.answered(operationId, JSON.stringify(tenant));
      return tenant;
    },
  });

  /** What became of the request that came with this key before. */
  const again = async ({ isSame, operationId, answer }: Remembered): Promise<Creation> => {
    if (!isSame) throw new PlatformError("invalid", "idempotency_key_reused", "The key came with another body before");
    const operation = await journal.get(operationId);
    if (!operation || operation.state === "abandoned") throw deleted(operation?.tenantId ?? "");
    const { tenantId, state } = operation;
    const resumed = state === "failed" ? await lifecycle.resume(tenantId, "provision") : null;
    const started = resumed ?? { operationId, ended: Promise.resolve() };
    return { ...answerWith(tenantId, started, answer), isUnderWay: state === "running" };
  };

  const begin = async (input: CreateTenant, initiator: string, key: RequestKey | null): Promise<Creation> => {
    const remembering = (operationId: string) => (key ? idempotency.remembering(key, operationId) : []);
    const { tenantId, ...started } = await beginTenant(making, input, { initiator, alongside: remembering });
    return answerWith(tenantId, started, null);
  };

  return {
    async create(input, initiator, idempotencyKey) {
      if (idempotencyKey === undefined) return await begin(input, initiator, null);
      const key = { caller: initiator, route: ROUTE, key: idempotencyKey, body: input };
      const earlier = await idempotency.find(key);
      if (earlier) return await again(earlier);
      try {
        return await begin(input, initiator, key);
      } catch (error) {
        // It may have been the same request that was faster.
        const faster = await idempotency.find(key);
        if (!faster) throw error;
        return await again(faster);
      }
    },
  };
}

interface Begun {
  readonly initiator: string;
  /** Happens in the batch that claims the id, or not at all. */
  readonly alongside?: (operationId: string) => readonly Statement[];
  /** Whether it is copied from elsewhere. */
  readonly adopting?: boolean;
}

/** Begins to make a tenant as somebody wishes it; what cannot be is refused, and then nothing has changed. */
export async function beginTenant(
  making: Omit<TenantMaking, "find">,
  { admin, database: wish = {}, ...described }: CreateTenant,
  { initiator, alongside = () => [], adopting = false }: Begun,
): Promise<Started & { readonly tenantId: string }> {
  const { controlPlane, lifecycle, rules, team } = making;
  const { id: asked = tenantLabel() } = described;
  const made = await creating(making.life, { audience: `urn:authhero:tenant:${asked}`, ...described, id: asked });
  const { id: tenantId } = made;
  refuseOwnHost(tenantId, rules);
  requireUnlocked(Object.keys(made), await making.inheritedOf(tenantId));
  if (admin) await team.requireInvitable();
  const placed = await placeFor(making, wish);
  const operationId = timeId(making.clock());
  const claimStatements: Statement[] = [
    tenantInsert(controlPlane.store, made).compile(),
    noOrganizationYet(controlPlane, tenantId),
    ...(admin ? [team.wanting(tenantId, admin.email)] : []),
    ...alongside(operationId),
  ];
  const started = await lifecycle.create({ tenantId, ...placed, claimStatements, initiator, operationId, adopting });
  return { ...started, tenantId };
}

const deleted = (tenantId: string) =>
  new PlatformError("conflict", "tenant_deleted", `The tenant ${tenantId} was deleted while it was made`);

/** The issuer's own host may lie right under the base domain; a tenant of that label would share it, or have none. */
export function refuseOwnHost(id: string, rules: HostRules): void {
  const isOwn = originOf(id, rules).host === rules.issuer.host;
  if (!isOwn && !isReserved(id, rules)) return;
  const why = isOwn ? "is the control plane's own host" : "is reserved";
  throw new PlatformError("invalid", "reserved_tenant_id", `id: ${id} ${why}`);
}
