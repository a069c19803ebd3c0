import type { ActionExecutionsAdapter, DataAdapters, RateLimitAdapter } from "@authhero/adapter-interfaces";
import { type Router, requireBoundTenant } from "../router.ts";

/** Executions are a tenant's; the sweep names none, so it sweeps the tenant it is bound to. */
export const routeActionExecutions = (router: Router): ActionExecutionsAdapter => ({
  create: (tenantId, execution) =>
    router.on(tenantId, ({ actionExecutions }) => actionExecutions.create(tenantId, execution)),
  get: (tenantId, id) => router.on(tenantId, ({ actionExecutions }) => actionExecutions.get(tenantId, id)),
  cleanup: (olderThan) =>
    router.on(
      requireBoundTenant("actionExecutions.cleanup"),
      async ({ actionExecutions }) => (await actionExecutions.cleanup?.(olderThan)) ?? 0,
    ),
});

/** Sweeps the tenant it names, else the one it is bound to. */
export const routeSessionCleanup =
  (router: Router): DataAdapters["sessionCleanup"] =>
  async (params) => {
    const tenantId = params?.tenant_id ?? requireBoundTenant("sessionCleanup");
    await router.on(tenantId, async ({ sessionCleanup }) => sessionCleanup?.({ ...params, tenant_id: tenantId }));
  };

/** Counters stand beside what they protect. */
export const routeRateLimit = (router: Router): RateLimitAdapter => ({
  consume: async (scope, key) =>
    await router.on(requireBoundTenant("rateLimit"), async ({ rateLimit }) =>
      rateLimit ? rateLimit.consume(scope, key) : { allowed: true },
    ),
});
