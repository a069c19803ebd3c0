import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@libsql/client";
import { afterAll, expect, it } from "vitest";
import { createAdapters, createKeyRing, migrateToLatest } from "../../src/adapter.ts";
import { createFileFactory, type FirstLogin, initMultiTenant, type MultiTenantConfig } from "../../src/index.ts";
import { callerOf } from "../support/in-process.ts";

const root = mkdtempSync(join(tmpdir(), "plain-sync-"));
const keyRing = createKeyRing({ current: { id: "k1", key: Buffer.alloc(32, 7) } });
const closing: (() => Promise<void> | void)[] = [];

afterAll(async () => {
  for (const close of closing.reverse()) await close();
  rmSync(root, { recursive: true, force: true });
});

/** A house without a registry, and the databases in which it keeps its control plane and its tenants. */
async function places(name: string) {
  const database = createClient({ url: `file:${join(root, `${name}.db`)}` });
  await migrateToLatest(database);
  const databases = createFileFactory({ directory: join(root, name) });
  closing.push(() => database.close(), databases.close);
  let login: FirstLogin | undefined;

  return {
    databases,
    async open(more: Partial<MultiTenantConfig> = {}) {
      const house = initMultiTenant({
        dataAdapter: createAdapters(database, { keyRing }),
        databaseIsolation: databases,
        issuer: "http://localhost:4000/",
        logLevel: "error",
        onFirstLogin: (told) => {
          login = told;
        },
        ...more,
      });
      closing.push(house.close);
      await house.ready();
      if (!login) throw new Error("nobody was told the first login");
      const caller = callerOf(house.app.fetch, 4000, login);
      const token = await caller.machineToken();
      const made = <T = Record<string, string>>(path: string, json?: object, init = {}) =>
        caller.made<T>(path, { token, ...(json && { json }), ...init });
      const rolesOf = async (at: string) => {
        const { roles } = await (await databases.getAdapters(at)).roles.list(at);
        return roles.map(({ name, is_system: isSystem }) => `${name} ${isSystem ?? false}`).sort();
      };
      return { house, ...caller, token, made, rolesOf };
    },
  };
}

it("tenants without a registry get what is shared, every change of it, and keep their own", async () => {
  const { open, databases } = await places("one");
  const { made, rolesOf, api, token } = await open();
  await made("/tenants", { id: "acme", friendly_name: "Acme" });
  await made("/roles", { name: "Cook" }, { at: "acme" });

  const { id } = await made("/roles", { name: "Editor" });
  await made("/roles", { name: "Cook" });
  await made("/connections", { name: "gh", strategy: "github", options: { client_id: "c", client_secret: "planted" } });
  const arrived = await rolesOf("acme");
  await made(`/roles/${id}`, { name: "Author" }, { method: "PATCH" });
  await made("/tenants", { id: "beta", friendly_name: "Beta" });
  const refused = await api(`/roles/${id}`, { token, at: "acme", method: "PATCH", json: { name: "Mine" } });

  expect(arrived).toEqual(["Cook false", "Editor true"]);
  expect(await rolesOf("acme")).toEqual(["Author true", "Cook false"]);
  expect(await rolesOf("beta")).toEqual(["Author true", "Cook true"]);
  expect(refused.status).toBe(403);
  const { connections } = await (await databases.getAdapters("acme")).connections.list("acme");
  const copy = connections.find(({ name }) => name === "gh");
  expect(copy).toMatchObject({ strategy: "github", is_system: true });
  expect(JSON.stringify(copy)).not.toContain("planted");
  await api(`/roles/${id}`, { token, method: "DELETE" });
  expect(await rolesOf("acme")).toEqual(["Cook false"]);
});

it("a tenant whose database is away for a while gets what it missed without another change", async () => {
  const { open, databases } = await places("three");
  let isAway = false;
  const getAdapters = (id: string) => {
    if (isAway && id === "acme") throw new Error("away");
    return databases.getAdapters(id);
  };
  const { made, rolesOf } = await open({ databaseIsolation: { ...databases, getAdapters } });
  for (const id of ["acme", "beta"]) await made("/tenants", { id, friendly_name: id });

  isAway = true;
  await made("/roles", { name: "Editor" });
  expect([await rolesOf("acme"), await rolesOf("beta")]).toEqual([[], ["Editor true"]]);
  isAway = false;

  await expect.poll(() => rolesOf("acme"), { timeout: 60_000 }).toEqual(["Editor true"]);
});

it("it does as it is told: nothing, some kinds, or only what a filter lets through; a start makes it good", async () => {
  const { open } = await places("two");
  const without = await open({ sync: false });
  await without.made("/tenants", { id: "acme", friendly_name: "Acme" });
  await without.made("/roles", { name: "Editor" });
  await without.made("/roles", { name: "Auditor" });
  expect(await without.rolesOf("acme")).toEqual([]);
  await without.house.close();

  const { rolesOf, house } = await open({
    sync: { connections: false, filters: { roles: ({ name }) => name !== "Auditor" } },
  });

  await expect.poll(() => rolesOf("acme"), { timeout: 30_000 }).toEqual(["Editor true"]);
  await house.close();
});
