import { Kysely } from "kysely";
import type { ReconcileJobOptions } from "../../provisioning/fleet-reconcile.ts";
import type { ControlPlaneRecords } from "../../provisioning/reconcile/needs.ts";
import { createReconciler } from "../../provisioning/reconcile/reconciler.ts";
import { createRecordedFindings } from "../../provisioning/reconcile/recorded-findings.ts";
import type { Tables } from "../entities/store.ts";
import type { ControlPlane } from "./control-plane.ts";
import type { FleetJobNeeds } from "./fleet-jobs.ts";

type Needs = Pick<FleetJobNeeds, "controlPlane" | "providers" | "lifecycle" | "journal" | "clock" | "organizationOf">;

/** What compares registry, providers, organizations and directories, and where it writes down what it finds. */
export function reconcilerOf({ controlPlane, ...needs }: Needs): ReconcileJobOptions {
  const { registry, database, tenantId: controlPlaneTenantId } = controlPlane;
  return {
    reconciler: createReconciler({
      ...{ ...needs, registry, database, controlPlaneTenantId },
      records: recordsOf(controlPlane),
    }),
    findings: createRecordedFindings(database, needs.clock),
    controlPlaneTenantId,
  };
}

/** The tables of entities as they matter to the registry: ids and names only. */
function recordsOf({ tenantId: controlPlaneTenantId, store: { db } }: ControlPlane): ControlPlaneRecords {
  const tenants = db.selectFrom("tenants").select("id").where("id", "!=", controlPlaneTenantId);
  const organizations = db
    .selectFrom("organizations")
    .select(["id", "name", "created_at"])
    .where("tenant_id", "=", controlPlaneTenantId);
  const known = ({ id, name, created_at }: Record<string, unknown>) => ({
    id: String(id),
    name: String(name),
    createdAt: created_at === null ? null : new Date(Number(created_at)).toISOString(),
  });

  return {
    async tenantIds(after, take) {
      const rows = await tenants.where("id", ">", after).orderBy("id").limit(take).execute();
      return rows.map(({ id }) => String(id));
    },
    hasTenantRow: async (tenantId) => (await tenants.where("id", "=", tenantId).executeTakeFirst()) !== undefined,

    async organization(id) {
      const row = await organizations.where("id", "=", id).executeTakeFirst();
      return row ? known(row) : null;
    },
    async organizations(after, take) {
      return (await organizations.where("id", ">", after).orderBy("id").limit(take).execute()).map(known);
    },
    naming: (organizationId, name) =>
      db
        .updateTable("organizations")
        .set({ name })
        .where("tenant_id", "=", controlPlaneTenantId)
        .where("id", "=", organizationId)
        .compile(),

    async clientIds(database, tenantId, after, take) {
      const own = new Kysely<Tables>({ dialect: database.dialect });
      const query = own.selectFrom("clients").select("client_id").where("tenant_id", "=", tenantId);
      const rows = await query.where("client_id", ">", after).orderBy("client_id").limit(take).execute();
      return rows.map(({ client_id }) => String(client_id));
    },
  };
}
