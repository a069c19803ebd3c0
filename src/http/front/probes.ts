import type { Middleware } from "./exchange.ts";

/** `/healthz`: the process is up. Before the host check, because whoever probes calls an address, not a name. */
export function probes(): Middleware {
  return async (c, next) => {
    if (c.req.path === "/healthz") return c.json({ status: "ok" });
    return await next();
  };
}
