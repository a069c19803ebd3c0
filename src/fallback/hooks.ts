import type { HooksAdapter } from "@authhero/adapter-interfaces";
import type { LenderOf } from "./lender.ts";

/** A tenant's hooks with those it inherits behind them. They cannot be changed here: their rows are elsewhere. */
export function inheritedHooks(own: HooksAdapter, lenderOf: LenderOf): HooksAdapter {
  return {
    ...own,
    async get(tenantId, id) {
      const hook = await own.get(tenantId, id);
      if (hook) return hook;
      const lent = await (await lenderOf(tenantId))?.hooks();
      return lent?.find((each) => each.hook_id === id) ?? null;
    },
    async list(tenantId, params) {
      const page = await own.list(tenantId, params);
      const isFirst = !params?.page && params?.from === undefined;
      const lender = isFirst ? await lenderOf(tenantId) : null;
      const lent = (await lender?.hooks(params)) ?? [];
      return { ...page, hooks: [...page.hooks, ...lent] };
    },
  };
}
