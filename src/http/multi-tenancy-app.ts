import type { OpenAPIHono } from "@hono/zod-openapi";
import { Hono, type MiddlewareHandler } from "hono";
import type { MultiTenancyEnv } from "./middleware/env.ts";

/** The middlewares, and the tenants API behind them. */
export function createMultiTenancyApp(
  middleware: MiddlewareHandler<MultiTenancyEnv>,
  tenants: OpenAPIHono<MultiTenancyEnv>,
): Hono<MultiTenancyEnv> {
  const app = new Hono<MultiTenancyEnv>();
  app.use(middleware);
  app.route("/tenants", tenants);
  return app;
}
