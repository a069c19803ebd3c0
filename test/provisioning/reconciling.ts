import { createFleet } from "../../provisioning/fleet.ts";
import { createReconcileJob } from "../../provisioning/fleet-reconcile.ts";
import type { Finding } from "../../provisioning/reconcile/findings.ts";
import type { ControlPlaneRecords } from "../../provisioning/reconcile/needs.ts";
import { createReconciler } from "../../provisioning/reconcile/reconciler.ts";
import { createRecordedFindings } from "../../provisioning/reconcile/recorded-findings.ts";
import { ask, organizationOf, type Street } from "./street.ts";

export const CONTROL_PLANE = "control_plane";

/** What a test knows that a street's tables do not have. */
export interface Notes {
  /** When organizations were made (ISO 8601), by id. */
  readonly madeAt?: ReadonlyMap<string, string>;
}

/** A note that begins so stands for an application of the tenant. */
export const CLIENT = "client:";

/** What compares a street's registry, databases, organizations and directories. */
export const reconcilerOf = (street: Street, notes: Notes = {}) =>
  createReconciler({
    ...street,
    records: recordsOf(street, notes),
    organizationOf,
    controlPlaneTenantId: CONTROL_PLANE,
  });

function recordsOf({ database }: Street, { madeAt = new Map() }: Notes): ControlPlaneRecords {
  const known = ({ id, name }: Record<string, unknown>) => ({
    id: String(id),
    name: String(name),
    createdAt: madeAt.get(String(id)) ?? null,
  });
  return {
    tenantIds: async (after, take) =>
      (await ask(database, "select id from tenants where id > ? order by id limit ?", after, take)).map(({ id }) =>
        String(id),
      ),
    hasTenantRow: async (id) => (await ask(database, "select 1 from tenants where id = ?", id)).length > 0,
    async organization(id) {
      const [row] = await ask(database, "select id, name from organizations where id = ?", id);
      return row ? known(row) : null;
    },
    organizations: async (after, take) =>
      (await ask(database, "select id, name from organizations where id > ? order by id limit ?", after, take)).map(
        known,
      ),
    naming: (id, name) => ({ sql: "update organizations set name = ? where id = ?", parameters: [name, id] }),
    clientIds: async (tenant, _tenantId, after, take) =>
      (
        await ask(
          tenant,
          "select body from notes where body > ? and body like ? order by body limit ?",
          after,
          `${CLIENT}%`,
          take,
        )
      ).map(({ body }) => String(body)),
  };
}

export async function every<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** A finding in a line: kind, tenant, subject. */
export const shown = ({ kind, tenantId, subject }: Pick<Finding, "kind" | "tenantId" | "subject">) =>
  `${kind} ${tenantId ?? "-"} ${subject}`;

/** The fleet jobs of a street, and what they write down. */
export function reconcileJobs(street: Street, notes: Notes = {}) {
  const findings = createRecordedFindings(street.database, street.clock);
  const options = { reconciler: reconcilerOf(street, notes), findings, controlPlaneTenantId: CONTROL_PLANE };
  return {
    fleet: createFleet(street),
    findings,
    options,
    report: createReconcileJob("reconcile-report", options),
    repair: createReconcileJob("reconcile", options),
  };
}
