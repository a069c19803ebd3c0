// Rowhouse in a program of one's own, a database per tenant: `ENCRYPTION_KEY=$(openssl rand -hex 32) npx tsx examples/multi-tenant.ts`
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { serve } from "@hono/node-server";
import { createFileFactory, initMultiTenant } from "rowhouse";
import { parseKeyRing } from "rowhouse/adapter";

const directory = process.env.DATA_DIR ?? "data";
const port = Number(process.env.PORT ?? 3000);
await mkdir(directory, { recursive: true, mode: 0o700 });

const { app, ready, close } = initMultiTenant({
  controlPlane: {
    database: { url: `file:${join(directory, "control-plane.db")}` },
    // The same at every start: what is sealed with one key, no other opens.
    keyRing: parseKeyRing(process.env.ENCRYPTION_KEY ?? ""),
  },
  databaseIsolation: createFileFactory({ directory }),
  issuer: `http://localhost:${port}/`,
  onFirstLogin: (login) => writeFile(join(directory, "first-login.json"), JSON.stringify(login), { mode: 0o600 }),
  hooks: {
    onTenantCreated: async ({ id }, own) => {
      await own.roles.create(id, { name: "editor" });
    },
  },
});
await ready();

const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port }, () => {
  console.log(`http://localhost:${port}/, and http://{tenant}.localhost:${port}/`);
});
process.once("SIGTERM", () => server.close(() => void close()));
