import type { DataAdapters } from "@authhero/adapter-interfaces";
import { Hono } from "hono";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createDataAdapters } from "../../src/entities/adapters.ts";
import { createProtectSyncedMiddleware, type ProtectSyncedEnv } from "../../src/http/protect-synced.ts";
import { type FreshStore, freshStore } from "../support/store.ts";

let fresh: FreshStore;
let data: DataAdapters;
let synced: string;
let own: string;

beforeAll(async () => {
  fresh = await freshStore();
  data = { ...createDataAdapters(fresh.store), multiTenancyConfig: { controlPlaneTenantId: "control_plane" } };
  synced = (await data.roles.create("acme", { name: "porter", is_system: true })).id;
  own = (await data.roles.create("acme", { name: "cook" })).id;
});
afterAll(() => fresh?.close());

/** An app of somebody else's: every route echoes what it was sent. */
function ask(method: string, path: string, options: { body?: string; tenantId?: string; env?: object } = {}) {
  const app = new Hono<ProtectSyncedEnv>();
  app.use(async (c, next) => {
    const { tenantId = "acme" } = options;
    if (tenantId) c.set("tenant_id", tenantId);
    await next();
  });
  app.use(createProtectSyncedMiddleware());
  app.all("*", async (c) => c.text(await c.req.text()));
  return app.request(path, { method, ...(options.body && { body: options.body }) }, options.env ?? { data });
}

it.each([
  ["PATCH", ""],
  ["PUT", ""],
  ["DELETE", "/"],
  ["POST", "/permissions"],
  ["DELETE", "/permissions"],
  ["POST", "/anything/there/may/be"],
])("refuses %s on a synced role%s", async (method, below) => {
  const answer = await ask(method, `/api/v2/roles/${synced}${below}`);

  expect(answer.status).toBe(403);
  expect(await answer.json()).toMatchObject({
    errorCode: "system_resource",
    message: "This role is a system resource and cannot be modified. Make changes in the control plane instead.",
  });
});

it("finds a role behind an encoded id and doubled slashes, wherever the API is mounted", async () => {
  const encoded = `%${synced.charCodeAt(0).toString(16)}${synced.slice(1)}`;

  expect((await ask("DELETE", `/elsewhere//roles//${encoded}`)).status).toBe(403);
  expect((await ask("DELETE", `/roles/${encoded}`)).status).toBe(403);
});

it("lets everything else through, body and all", async () => {
  const body = JSON.stringify({ name: "chef" });

  for (const [method, path] of [
    ["GET", `/roles/${synced}`],
    ["PATCH", `/roles/${own}`],
    ["DELETE", "/roles/nobody"],
    ["POST", "/roles"],
    ["POST", "/users/u/roles"],
    ["POST", "/clients"],
  ] as const) {
    const answer = await ask(method, path, method === "GET" ? {} : { body });
    expect([method, path, answer.status]).toEqual([method, path, 200]);
    if (method !== "GET") expect(await answer.text()).toBe(body);
  }
});

it("lets the control plane change its own", async () => {
  const role = await data.roles.create("control_plane", { name: "porter", is_system: true });

  expect((await ask("DELETE", `/roles/${role.id}`, { tenantId: "control_plane" })).status).toBe(200);
});

it.each([true, false])("refuses a body that says is_system: %s", async (is_system) => {
  const body = JSON.stringify({ name: "forged", is_system });

  expect((await ask("POST", "/roles", { body })).status).toBe(400);
  expect((await ask("PATCH", `/roles/${own}`, { body })).status).toBe(400);
});

it("fails closed: without a tenant, without adapters, with ones that cannot be reached, and on imports", async () => {
  expect((await ask("DELETE", `/roles/${own}`, { tenantId: "" })).status).toBe(403);
  expect((await ask("DELETE", `/roles/${own}`, { env: {} })).status).toBe(403);
  expect((await ask("POST", "/tenant-data/import", { body: "{}" })).status).toBe(403);
  expect((await ask("POST", "/tenant-data/import", { body: "{}", tenantId: "control_plane" })).status).toBe(200);

  const closed = await freshStore();
  await closed.close();
  const unreachable = await ask("DELETE", `/roles/${own}`, { env: { data: createDataAdapters(closed.store) } });
  expect(unreachable.status).toBe(503);
});
