import type { DataAdapters } from "@authhero/adapter-interfaces";

/** What is shared, or part of it. */
const SHARED = [
  "connections",
  "resourceServers",
  "rolePermissions",
  "roles",
] as const satisfies readonly (keyof DataAdapters)[];

/**
 * Tells of every change of what the control plane may share, before whoever makes it gets an answer: in a transaction,
 * after the commit. `changed` must not fail: the change has happened.
 */
export function announcingChanges(
  adapters: DataAdapters,
  controlPlaneTenantId: string,
  changed: () => Promise<void>,
): DataAdapters {
  const members = SHARED.map((name) => [name, announcing(adapters[name], controlPlaneTenantId, changed)]);
  return {
    ...adapters,
    ...Object.fromEntries(members),
    async transaction(work) {
      let isChanged = false;
      const note = () => {
        isChanged = true;
        return Promise.resolve();
      };
      const result = await adapters.transaction((inside) =>
        work(announcingChanges(inside, controlPlaneTenantId, note)),
      );
      if (isChanged) await changed();
      return result;
    },
  };
}

type Method = (...args: unknown[]) => Promise<unknown>;

function announcing(adapter: object, controlPlaneTenantId: string, changed: () => Promise<void>): object {
  const methods = Object.entries(adapter as Record<string, Method>).map(([method, call]) => {
    if (/^(?:get|list)/.test(method)) return [method, call];
    return [
      method,
      async (...args: unknown[]) => {
        const result = await call(...args);
        if (args[0] === controlPlaneTenantId && result !== false) await changed();
        return result;
      },
    ];
  });
  return Object.fromEntries(methods);
}
