import type { Rollout, RolloutInsert, RolloutsAdapter } from "@authhero/adapter-interfaces";
import { plainId } from "../domain/ids.ts";
import { doc, integer, text, time } from "./columns.ts";
import { entity } from "./entity.ts";
import type { Store } from "./store.ts";
import { unscoped } from "./unscoped.ts";

/** An operation on many tenants, in waves. */
export const rollouts = entity<Rollout, RolloutInsert>({
  table: "rollouts",
  key: "id",
  columns: {
    id: text(),
    kind: text(),
    status: text(),
    wave_size: integer(),
    created_at: time(),
    updated_at: time(),
    target_worker_version: doc(),
    target_database_version: doc(),
    canary_tenant_ids: doc(),
    filter: doc(),
    initiated_by: doc(),
    finished_at: doc(),
  },
  defaults: () => ({ id: `rol_${plainId()}`, status: "pending", wave_size: 10 }),
  order: [["created_at", "desc"]],
});

/** The `rollouts` adapter. */
export function createRollouts(store: Store): RolloutsAdapter {
  const { list, ...rest } = unscoped(store, rollouts);
  return { ...rest, list: (params = {}) => list("rollouts", params) };
}
