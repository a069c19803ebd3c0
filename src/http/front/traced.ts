import type { Traces } from "../../traces/traces.ts";
import type { Middleware } from "./exchange.ts";
import { METHODS } from "./observed.ts";
import { kindOfRoute } from "./routes.ts";

/** Runs what answers a request as a part of a trace. */
export type TraceRequest = Traces["request"];

/** W3C Trace Context. From whoever may not say which trace a request belongs to, these did not get here. */
const TRACE_CONTEXT = ["traceparent", "tracestate"];

/** Shows each request to whoever traces: what kind it is and how it was answered, never what stood in it. */
export function traced(trace: TraceRequest): Middleware {
  return async (c, next) => {
    const { method, path, headers } = c.get("draft");
    const carrier = Object.fromEntries(TRACE_CONTEXT.map((name) => [name, headers.get(name) ?? ""]));
    const asked = { route: kindOfRoute(path), method: METHODS.has(method) ? method : undefined, carrier };
    await trace(asked, async () => {
      await next();
      // Who was refused before the host was known, is of no tenant.
      return { status: c.res.status, requestId: c.get("requestId"), tenantId: c.get("target")?.tenantId };
    });
  };
}
