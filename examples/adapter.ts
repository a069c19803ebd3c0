// AuthHero on one libSQL database that all tenants share: `npx tsx examples/adapter.ts`
import { createClient } from "@libsql/client";
import { init, seed } from "authhero";
import { createAdapters, migrateToLatest } from "rowhouse/adapter";

const client = createClient({ url: process.env.DATABASE_URL ?? "file:pooled.db" });
await migrateToLatest(client);
const dataAdapter = createAdapters(client);
await seed(dataAdapter, {
  adminUsername: "admin",
  adminPassword: "change-me-1",
  // Left out, these are hosts of AuthHero's makers.
  callbacks: ["http://localhost:8080/"],
  allowedLogoutUrls: ["http://localhost:8080/"],
  debug: false,
});

const { app } = init({ dataAdapter });
const env = {
  data: dataAdapter,
  ISSUER: "http://localhost:3000/",
  AUTH_URL: "http://localhost:3000/",
  ENVIRONMENT: "example",
};
const discovery = await app.request("/.well-known/openid-configuration", {}, env);
console.log(((await discovery.json()) as { issuer: string }).issuer);
