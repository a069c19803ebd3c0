import type { FrontLog, Middleware } from "./exchange.ts";
import { kindOfRoute } from "./routes.ts";

/** A request that has been answered, in words whose number is known beforehand. */
export interface Answered {
  readonly route: string;
  readonly method: string;
  readonly status: number;
  /** Until the answer began. */
  readonly seconds: number;
}

/** Told that a request has begun; what it returns is told how it was answered. */
export type RequestBegun = () => (answered: Answered) => void;

/** Counts requests, and writes one line of the log for each. The outermost: also what is refused at once has taken time. */
export function observed(begun: RequestBegun | undefined, log: FrontLog): Middleware {
  return async (c, next) => {
    const beganMs = performance.now();
    const answered = begun?.();
    await next();
    const { path, method } = c.req;
    const { status } = c.res;
    const seconds = (performance.now() - beganMs) / 1_000;
    const route = kindOfRoute(path);
    answered?.({ route, method: METHODS.has(method) ? method : "other", status, seconds });
    // Who was refused before the host was known, is of no tenant.
    const tenantId = c.get("target")?.tenantId;
    log.debug("request.answered", { requestId: c.get("requestId"), tenantId, method, path, route, status, seconds });
  };
}

/** What else is sent as a method, is none of HTTP's. */
export const METHODS: ReadonlySet<string> = new Set("GET HEAD POST PUT PATCH DELETE OPTIONS".split(" "));
