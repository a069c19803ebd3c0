import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DataAdapters } from "@authhero/adapter-interfaces";
import { createClient } from "@libsql/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createAdapters, migrateToLatest } from "../../src/adapter.ts";
import {
  createRuntimeFallbackAdapter,
  mergeClientWithFallback,
  type RuntimeFallbackOptions,
  withRuntimeFallback,
  withSystemResourceServerInheritance,
} from "../../src/index.ts";

const directory = mkdtempSync(join(tmpdir(), "runtime-fallback-"));
const google = (options: object) => ({ name: "google-oauth2", strategy: "google-oauth2", options });
const lent = { client_id: "platform", client_secret: "the-platforms-secret" };

let landlord: DataAdapters;
let tenants: DataAdapters;

/** Adapters over a database of their own, as anybody's may be. */
async function adaptersIn(name: string): Promise<DataAdapters> {
  const client = createClient({ url: `file:${join(directory, name)}.db` });
  await migrateToLatest(client);
  return createAdapters(client);
}

beforeAll(async () => {
  [landlord, tenants] = await Promise.all([adaptersIn("landlord"), adaptersIn("tenants")]);
  await landlord.connections.create("street", google(lent));
  await landlord.clients.create("street", {
    client_id: "shared",
    name: "Shared",
    callbacks: ["https://street.example"],
  });
  for (const tenantId of ["acme", "alone"]) {
    await tenants.connections.create(tenantId, { ...google({}), id: `con_${tenantId}` });
    await tenants.clients.create(tenantId, { client_id: tenantId, name: "App", callbacks: ["https://own.example"] });
  }
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const options = (): RuntimeFallbackOptions => ({
  controlPlaneTenantId: "street",
  controlPlaneClientId: "shared",
  getControlPlaneAdapters: () => landlord,
});
const read = async (adapters: DataAdapters, tenantId: string) => [
  (await adapters.connections.get(tenantId, `con_${tenantId}`))?.options,
  (await adapters.clients.get(tenantId, tenantId))?.callbacks,
];

it("tenants use what a control plane in another database has", async () => {
  expect(await read(withRuntimeFallback(tenants, options()), "acme")).toEqual([
    lent,
    ["https://street.example", "https://own.example"],
  ]);
  expect(createRuntimeFallbackAdapter).toBe(withRuntimeFallback);
});

it("a control plane in the same database needs no adapters of its own", async () => {
  const adapters = withRuntimeFallback(landlord, { controlPlaneTenantId: "street" });
  const { id = "" } = await landlord.connections.create("child", google({}));

  expect((await adapters.connections.get("child", id))?.options).toEqual(lent);
});

it("resolveControlPlane decides for each tenant: from whom, with which client, or from nobody", async () => {
  const adapters = withRuntimeFallback(tenants, {
    ...options(),
    resolveControlPlane: async ({ tenant_id }) => (tenant_id === "alone" ? undefined : { tenantId: "street" }),
  });

  expect(await read(adapters, "alone")).toEqual([{}, ["https://own.example"]]);
  expect(await read(adapters, "acme")).toEqual([lent, ["https://own.example"]]);
});

it("AuthHero is told which tenant is the control plane, and to inherit nothing by rules of its own", async () => {
  const { multiTenancyConfig } = withRuntimeFallback(tenants, options());

  expect(multiTenancyConfig).toMatchObject({ controlPlaneTenantId: "street", controlPlaneClientId: "shared" });
  expect(await multiTenancyConfig?.resolveControlPlane?.({ tenant_id: "acme" })).toBeUndefined();
});

it("withSystemResourceServerInheritance lends scopes and no secret", async () => {
  const api = { name: "API", identifier: "urn:api", scopes: [{ value: "read", description: "" }] };
  await landlord.resourceServers.create("street", api);
  const { id = "" } = await tenants.resourceServers.create("acme", { ...api, scopes: [], is_system: true });
  const adapters = withSystemResourceServerInheritance(tenants, options());

  expect((await adapters.resourceServers.get("acme", id))?.scopes).toEqual(api.scopes);
  expect((await adapters.transaction((trx) => trx.resourceServers.get("acme", id)))?.scopes).toEqual(api.scopes);
  expect(await read(adapters, "acme")).toEqual([{}, ["https://own.example"]]);
});

it("mergeClientWithFallback merges the four lists and nothing else", () => {
  const client = { name: "own", callbacks: ["b", "a"], web_origins: null };

  expect(mergeClientWithFallback(client, { callbacks: ["a", "c"], web_origins: ["w"] })).toEqual({
    ...{ name: "own", callbacks: ["a", "c", "b"], web_origins: ["w"] },
  });
  expect(mergeClientWithFallback(client, null)).toBe(client);
});

it.each([
  [{}, /controlPlaneTenantId/],
  [{ controlPlaneTenantId: "street", controlPlaneClient: "x" }, /controlPlaneClient is not an option; remove it/],
  [{ controlPlaneTenantId: "street", getControlPlaneAdapters: 1 }, /getControlPlaneAdapters: must be a function/],
])("%j is refused by name", (wrong, message) => {
  expect(() => withRuntimeFallback(tenants, wrong as RuntimeFallbackOptions)).toThrow(message);
  expect(() => withSystemResourceServerInheritance(tenants, wrong as RuntimeFallbackOptions)).toThrow(message);
});
