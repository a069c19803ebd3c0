// A Hono app of one's own in which each tenant's requests run on the tenant's database: `npx tsx examples/database-middleware.ts`
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { createFileFactory, createMultiTenancyMiddleware, type MultiTenancyEnv } from "rowhouse";

const databases = createFileFactory({ directory: process.env.DATA_DIR ?? "data" });
await databases.provision("acme");
await databases.provision("beta");

const app = new Hono<MultiTenancyEnv>();
app.get("/healthz", (c) => c.text("ok"));
app.use(
  createMultiTenancyMiddleware({
    subdomainRouting: { baseDomain: "localhost" },
    databaseIsolation: databases,
  }),
);
app.get("/roles", async (c) => {
  const { roles } = (await c.env.data?.roles.list(c.get("tenant_id") ?? "")) ?? { roles: [] };
  return c.json(roles.map(({ name }) => name));
});
app.post("/roles/:name", async (c) => {
  await c.env.data?.roles.create(c.get("tenant_id") ?? "", { name: c.req.param("name") });
  return c.body(null, 201);
});

const server = serve(
  { fetch: app.fetch, hostname: "127.0.0.1", port: Number(process.env.PORT ?? 3000) },
  ({ port }) => {
    console.log(`http://acme.localhost:${port}/roles`);
  },
);
process.once("SIGTERM", () => server.close(() => void databases.close()));
