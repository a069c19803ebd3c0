import { afterEach, beforeEach, expect, it } from "vitest";
import { createSyncHooks } from "../../src/index.ts";
import { CONTROL_PLANE, type Estate, type House, openEstate } from "./estate.ts";

let estate: Estate;
let houses: Map<string, House>;
beforeEach(async () => {
  estate = await openEstate();
  houses = new Map([
    ["acme", await estate.child("acme")],
    ["beta", await estate.child("beta")],
  ]);
});
afterEach(() => estate.close());

const adaptersOf = (tenantId: string) => {
  const house = houses.get(tenantId);
  if (!house) throw new Error(`${tenantId} does not answer`);
  return house.adapters;
};

const config = () => ({
  controlPlaneTenantId: CONTROL_PLANE,
  getChildTenantIds: () => ["acme", "gone", "beta"],
  getAdapters: adaptersOf,
  getControlPlaneAdapters: () => estate.own,
});

const at = { tenantId: CONTROL_PLANE };

const rolesOf = async (tenantId: string) =>
  (await adaptersOf(tenantId).roles.list(tenantId)).roles.map(({ name, is_system }) => `${name} ${is_system ?? false}`);

it("keep every tenant at what the control plane shares; one that does not answer fails nobody", async () => {
  const unreached: string[] = [];
  const { entityHooks } = createSyncHooks({ ...config(), onError: (tenantId) => void unreached.push(tenantId) });
  await adaptersOf("beta").roles.create("beta", { name: "Cook" });
  const { id } = await estate.own.roles.create(CONTROL_PLANE, { name: "Editor", description: "Writes" });
  await estate.own.resourceServers.create(CONTROL_PLANE, {
    identifier: "urn:api",
    name: "API",
    scopes: [{ value: "read" }],
  });
  await estate.own.connections.create(CONTROL_PLANE, {
    name: "gh",
    strategy: "github",
    options: { client_secret: "planted" },
  });
  const granted = { role_id: id, resource_server_identifier: "urn:api", permission_name: "read" };
  await estate.own.rolePermissions.assign(CONTROL_PLANE, id, [granted]);

  await entityHooks.roles?.afterCreate(at);
  const made = await rolesOf("beta");
  const allowed = await adaptersOf("acme").rolePermissions.list("acme", id);
  const { connections } = await adaptersOf("acme").connections.list("acme");
  await estate.own.roles.update(CONTROL_PLANE, id, { name: "Author", description: null as never });
  await estate.own.rolePermissions.remove(CONTROL_PLANE, id, [granted]);
  await entityHooks.rolePermissions?.afterRemove(at);

  expect(made.sort()).toEqual(["Cook false", "Editor true"]);
  expect(allowed).toMatchObject([{ permission_name: "read" }]);
  expect(connections).toMatchObject([{ name: "gh", strategy: "github", is_system: true, options: {} }]);
  expect((await rolesOf("beta")).sort()).toEqual(["Author true", "Cook false"]);
  expect((await adaptersOf("beta").roles.get("beta", id))?.description).toBeUndefined();
  expect(await adaptersOf("beta").rolePermissions.list("beta", id)).toEqual([]);
  expect(unreached).toEqual(["gone", "gone"]);
  await estate.own.roles.remove(CONTROL_PLANE, id);
  await entityHooks.roles?.afterDelete(at);
  expect(await rolesOf("beta")).toEqual(["Cook false"]);
});

it("leave a tenant's own entity of the same name alone, and tell of it; or take it over, if they are told to", async () => {
  const told: unknown[] = [];
  const onCollided = (tenantId: string, collisions: unknown) => told.push({ tenantId, collisions });
  const { entityHooks } = createSyncHooks({ ...config(), onCollided, onError: () => undefined });
  await adaptersOf("acme").roles.create("acme", { id: "mine", name: "Editor" });
  const { id } = await estate.own.roles.create(CONTROL_PLANE, { name: "Editor" });

  await entityHooks.roles?.afterCreate(at);

  expect(await rolesOf("acme")).toEqual(["Editor false"]);
  expect(await rolesOf("beta")).toEqual(["Editor true"]);
  const collision = { kind: "role", originId: id, localId: "mine", label: "Editor" };
  expect(told).toEqual([{ tenantId: "acme", collisions: [collision] }]);
  const adopting = createSyncHooks({ ...config(), onCollision: "adopt", onCollided, onError: () => undefined });
  await adopting.entityHooks.roles?.afterUpdate(at);
  expect(await rolesOf("acme")).toEqual(["Editor true"]);
  expect(await adaptersOf("acme").roles.get("acme", "mine")).not.toBeNull();
  expect(told).toHaveLength(1);
});

it("end at the newest state when changes come at the same time", async () => {
  const { entityHooks } = createSyncHooks({ ...config(), onError: () => undefined });
  const { id } = await estate.own.roles.create(CONTROL_PLANE, { name: "Editor" });
  const first = entityHooks.roles?.afterCreate(at);
  await estate.own.roles.update(CONTROL_PLANE, id, { name: "Author" });

  await Promise.all([first, entityHooks.roles?.afterUpdate(at), entityHooks.roles?.afterUpdate(at)]);

  expect(await rolesOf("acme")).toEqual(["Author true"]);
  expect(await rolesOf("beta")).toEqual(["Author true"]);
});

it("give a new tenant everything, and have nothing for a kind that is off or filtered", async () => {
  const { entityHooks, tenantHooks } = createSyncHooks({
    ...config(),
    sync: { connections: false },
    filters: { roles: ({ name }) => name !== "Auditor" },
  });
  await estate.own.roles.create(CONTROL_PLANE, { name: "Editor" });
  await estate.own.roles.create(CONTROL_PLANE, { name: "Auditor" });
  await estate.own.connections.create(CONTROL_PLANE, { name: "gh", strategy: "github", options: {} });

  await tenantHooks.afterCreate({ ...at, adapters: estate.own }, { id: "acme" } as never);
  await entityHooks.roles?.afterCreate({ tenantId: "beta" });

  expect(Object.keys(entityHooks).sort()).toEqual(["resourceServers", "rolePermissions", "roles"]);
  expect(await rolesOf("acme")).toEqual(["Editor true"]);
  expect((await adaptersOf("acme").connections.list("acme")).connections).toEqual([]);
  expect(await rolesOf("beta")).toEqual([]);
});

it("refuse options that are wrong, by name", () => {
  expect(() => createSyncHooks({ ...config(), sync: { clients: true } } as never)).toThrow(
    /sync\.clients is not an option/,
  );
});
