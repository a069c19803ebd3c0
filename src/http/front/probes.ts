import type { Middleware } from "./exchange.ts";

/** Whether requests can be served, and what of that holds. Nothing secret: anybody may ask. */
export interface Readiness {
  readonly isReady: boolean;
  /** By name of a check, `ok` or what is wrong, in a word. */
  readonly checks: Readonly<Record<string, string>>;
}

export type AskReadiness = () => Promise<Readiness>;

/**
 * `/healthz`: the process is up. `/readyz`: it can serve, or 503 with what is in the way. Before the host check, because
 * whoever probes calls an address, not a name.
 */
export function probes(readiness: AskReadiness = nothingInTheWay): Middleware {
  return async (c, next) => {
    if (c.req.path === "/healthz") return c.json({ status: "ok" });
    if (c.req.path !== "/readyz") return await next();
    const { isReady, checks } = await readiness();
    c.header("cache-control", "no-store");
    return c.json({ status: isReady ? "ok" : "unavailable", checks }, isReady ? 200 : 503);
  };
}

const nothingInTheWay: AskReadiness = () => Promise.resolve({ isReady: true, checks: {} });
