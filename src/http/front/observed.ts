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

/** What a request turned out to be. */
interface Told {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly requestId: string;
  /** Who was refused before the host was known, is of no tenant. */
  readonly tenantId: string | undefined;
}

/** Told that a request has begun, in milliseconds of `performance`; what it returns is told what became of it. */
export type Observe = (beganMs: number) => (told: Told) => void;

/** Counts requests, and writes one line of the log for each. */
export function observing(begun: RequestBegun | undefined, log: FrontLog): Observe {
  return (beganMs) => {
    const answered = begun?.();
    return ({ method, path, status, requestId, tenantId }) => {
      const seconds = (performance.now() - beganMs) / 1_000;
      const route = kindOfRoute(path);
      answered?.({ route, method: METHODS.has(method) ? method : "other", status, seconds });
      log.debug("request.answered", { requestId, tenantId, method, path, route, status, seconds });
    };
  };
}

/** The outermost: also what is refused at once has taken time. */
export function observed(observe: Observe): Middleware {
  return async (c, next) => {
    const tell = observe(performance.now());
    await next();
    const { path, method } = c.req;
    const { status } = c.res;
    tell({ method, path, status, requestId: c.get("requestId"), tenantId: c.get("target")?.tenantId });
  };
}

/** What else is sent as a method, is none of HTTP's. */
export const METHODS: ReadonlySet<string> = new Set("GET HEAD POST PUT PATCH DELETE OPTIONS".split(" "));
