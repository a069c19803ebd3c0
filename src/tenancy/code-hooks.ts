import type { DataAdapters } from "@authhero/adapter-interfaces";
import { PlatformError } from "../domain/errors.ts";

/**
 * Refuses a tenant's code where nothing isolates it from other tenants' keys: AuthHero would take it and then pass it
 * over in silence, and a rule that somebody relies on would never run. What is there already can be read and removed.
 */
export function refuseCode(adapters: DataAdapters): DataAdapters {
  const { actions, actionVersions, hookCode, hooks } = adapters;
  return {
    ...adapters,
    actions: { ...actions, create: refuse, update: refuse },
    actionVersions: { ...actionVersions, create: refuse },
    hookCode: { ...hookCode, create: refuse, update: refuse },
    hooks: {
      ...hooks,
      create: (tenantId, hook, options) => (runsCode(hook) ? refuse() : hooks.create(tenantId, hook, options)),
      update: (tenantId, id, hook) => (runsCode(hook) ? refuse() : hooks.update(tenantId, id, hook)),
    },
    transaction: (work) => adapters.transaction((inside) => work(refuseCode(inside))),
  };
}

const runsCode = (hook: object) => "code_id" in hook && hook.code_id !== undefined;

const refuse = (): Promise<never> => Promise.reject(codeUnavailable());

/** What whoever wants code to be kept or run is told. */
export function codeUnavailable(): PlatformError {
  const message = "Code hooks and actions are not available: nothing here isolates their code. Use a webhook instead.";
  return new PlatformError("invalid", "code_hooks_unavailable", message);
}
