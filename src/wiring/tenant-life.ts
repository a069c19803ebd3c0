import type { CreateTenantParams, DataAdapters } from "@authhero/adapter-interfaces";
import * as z from "zod";
import type { Journal } from "../../provisioning/journal.ts";
import type { Placement } from "../../provisioning/placements.ts";
import type { NewTenant, TenantLife } from "../auth/tenant-hooks.ts";
import type { Database } from "../db/database.ts";
import { PlatformError } from "../domain/errors.ts";
import { TenantId } from "../domain/tenants.ts";
import { Described } from "../http/tenants/schemas.ts";
import { TenantSettings } from "../http/tenants/settings.ts";
import type { ControlPlane } from "./control-plane.ts";

interface Needs {
  readonly controlPlane: ControlPlane;
  readonly life: TenantLife;
  readonly journal: Pick<Journal, "list">;
  readonly openTenant: (database: Database, placement: Placement) => DataAdapters;
}

/** The steps in which hooks are told: only what somebody listens to is one. */
export function announcing({ controlPlane, life, journal, openTenant }: Needs) {
  const { adapters } = controlPlane;
  const { created, deleted } = life;
  return {
    ...(created && {
      async created({ placement, database }: { readonly placement: Placement; readonly database: Database }) {
        const tenant = await adapters.tenants.get(placement.tenantId);
        if (tenant) await created(tenant, openTenant(database, placement));
      },
    }),
    ...(deleted && {
      async deleted(placement: Placement) {
        if (!(await wasTold(journal, placement))) await deleted(placement.tenantId);
      },
    }),
  };
}

/** Who purges what is deleted already, has told it then; unless it was brought back in between. */
async function wasTold(journal: Pick<Journal, "list">, { tenantId, tag }: Placement): Promise<boolean> {
  const lives = (await journal.list(tenantId)).filter((operation) => operation.tag === tag);
  const last = lives.find(({ kind, state }) => state === "done" && (kind === "delete" || kind === "undelete"));
  return last?.kind === "delete";
}

const Row = Described.extend({ id: TenantId, friendly_name: z.string().trim().min(1).max(200) }).strict();

/** What hooks make of a tenant's row; checked again, because a hook is a caller like any other. */
export async function creating(life: TenantLife, tenant: NewTenant): Promise<NewTenant> {
  return parsed<CreateTenantParams & { id: string }>(Row, await life.creating(tenant), "tenants.beforeCreate");
}

/** The same for settings. */
export async function updating(life: TenantLife, id: string, changes: TenantSettings): Promise<TenantSettings> {
  return parsed(TenantSettings, await life.updating(id, changes as object), "tenants.beforeUpdate");
}

function parsed<T>(schema: z.ZodType<T>, value: unknown, hook: string): T {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const problems = error.issues.map(({ path, message }) => `${path.join(".") || "body"}: ${message}`).join("; ");
  throw new PlatformError("invalid", "invalid_hook_answer", `${hook} has made of it what cannot be: ${problems}`);
}
