// AuthHero with the parts, put together by hand: a database per tenant, chosen by the host: `npx tsx examples/from-parts.ts`
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { serve } from "@hono/node-server";
import { createClient } from "@libsql/client";
import { init, MANAGEMENT_API_AUDIENCE, MANAGEMENT_API_SCOPES, seed } from "authhero";
import { Hono } from "hono";
import { createFileFactory, createTenantsOpenAPIRouter, setupMultiTenancy } from "rowhouse";
import { createAdapters, migrateToLatest } from "rowhouse/adapter";

const directory = process.env.DATA_DIR ?? "data";
await mkdir(directory, { recursive: true, mode: 0o700 });
const port = Number(process.env.PORT ?? 3000);
const issuer = `http://localhost:${port}/`;

const databases = createFileFactory({ directory });

// The control plane: AuthHero's own seed, and a client for automation.
const database = createClient({ url: `file:${join(directory, "control-plane.db")}` });
await migrateToLatest(database);
const controlPlane = createAdapters(database);
await seed(controlPlane, {
  adminUsername: "admin",
  adminPassword: "change-me-1",
  isControlPlane: true,
  // Left out, these are hosts of AuthHero's makers.
  callbacks: [],
  allowedLogoutUrls: [],
  debug: false,
});
if (!(await controlPlane.clients.get("control_plane", "automation"))) {
  await controlPlane.clients.create("control_plane", {
    client_id: "automation",
    client_secret: process.env.CLIENT_SECRET ?? crypto.randomUUID(),
    name: "Automation",
    grant_types: ["client_credentials"],
  });
  await controlPlane.clientGrants.create("control_plane", {
    client_id: "automation",
    audience: MANAGEMENT_API_AUDIENCE,
    scope: MANAGEMENT_API_SCOPES.map(({ value }) => value),
  });
}

const { hooks, middleware, config, wrapAdapters } = setupMultiTenancy({
  subdomainRouting: { baseDomain: "localhost" },
  databaseIsolation: databases,
});
const dataAdapter = wrapAdapters(controlPlane);
const { app: authHero } = init({
  dataAdapter,
  managementApiExtensions: [{ path: "/tenants", router: createTenantsOpenAPIRouter(config, hooks) }],
});

const app = new Hono();
app.get("/healthz", (c) => c.text("ok"));
app.use(middleware);
app.all("*", (c) =>
  authHero.fetch(c.req.raw, { data: dataAdapter, ISSUER: issuer, AUTH_URL: issuer, ENVIRONMENT: "example" }),
);

const server = serve({ fetch: (request) => app.fetch(request, { data: controlPlane }), hostname: "127.0.0.1", port });
process.once("SIGTERM", () => server.close(() => void databases.close()));
