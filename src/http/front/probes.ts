import type { Middleware } from "./exchange.ts";

/** Whether requests can be served, and what of that holds. Nothing secret: anybody may ask. */
export interface Readiness {
  /** `degraded`: people go on signing in, from what is known, and more is not served. */
  readonly status: "ok" | "degraded" | "unavailable";
  /** By name of a check, `ok` or what is wrong, in a word. */
  readonly checks: Readonly<Record<string, string>>;
}

export type AskReadiness = () => Promise<Readiness>;

/**
 * `/healthz`: the process is up. `/readyz`: it is of use to those who sign in, or 503 with what is in the way. Before the
 * host check, because whoever probes calls an address, not a name.
 */
export function probes(readiness: AskReadiness = nothingInTheWay): Middleware {
  return async (c, next) => {
    if (c.req.path === "/healthz") return c.json({ status: "ok" });
    if (c.req.path !== "/readyz") return await next();
    const { status, checks } = await readiness();
    c.header("cache-control", "no-store");
    return c.json({ status, checks }, status === "unavailable" ? 503 : 200);
  };
}

const nothingInTheWay: AskReadiness = () => Promise.resolve({ status: "ok", checks: {} });
