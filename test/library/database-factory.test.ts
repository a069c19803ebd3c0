import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@libsql/client";
import { afterAll, expect, it } from "vitest";
import { fileProvider } from "../../provisioning/providers/file.ts";
import { createKeyRing } from "../../src/db/seal.ts";
import { createFileFactory, type OpenDatabaseFactory, toDatabaseFactory } from "../../src/wiring/database-factory.ts";

const root = mkdtempSync(join(tmpdir(), "factory-"));
const factories: OpenDatabaseFactory[] = [];
const keyRing = createKeyRing({ current: { id: "k1", key: Buffer.alloc(32, 7) } });

afterAll(async () => {
  for (const factory of factories) await factory.close();
  rmSync(root, { recursive: true, force: true });
});

function files(name: string, maxOpen = 10): OpenDatabaseFactory {
  const factory = createFileFactory({ directory: join(root, name), maxOpen });
  factories.push(factory);
  return factory;
}

const databasesIn = (name: string) =>
  readdirSync(join(root, name, "tenants")).filter((file) => /^t-.*\.db$/.test(file));

it("makes a database per tenant, once, and keeps what is written in it", async () => {
  const factory = files("one");

  await Promise.all([factory.provision("acme"), factory.provision("acme"), factory.provision("beta")]);
  const acme = await factory.getAdapters("acme");
  const role = await acme.roles.create("acme", { name: "cook" });
  await factory.provision("acme");

  expect(databasesIn("one")).toHaveLength(2);
  expect(await acme.roles.get("acme", role.id)).toMatchObject({ name: "cook" });
  expect((await (await factory.getAdapters("beta")).roles.list("acme")).roles).toEqual([]);
});

it("gives adapters that outlive the open database, also in a transaction", async () => {
  const factory = files("small", 1);
  await factory.provision("acme");
  await factory.provision("beta");
  const [acme, beta] = [await factory.getAdapters("acme"), await factory.getAdapters("beta")];

  // With room for one, each call closes the other tenant's database.
  await acme.roles.create("acme", { name: "cook" });
  await beta.roles.create("beta", { name: "porter" });
  const aborted = acme.transaction(async (inside) => {
    await inside.roles.create("acme", { name: "ghost" });
    throw new Error("no");
  });

  await expect(aborted).rejects.toThrow("no");
  expect((await acme.roles.list("acme")).roles.map(({ name }) => name)).toEqual(["cook"]);
});

it("knows its databases again, and refuses tenants that have none", async () => {
  const first = files("again");
  await first.provision("acme");
  await (await first.getAdapters("acme")).roles.create("acme", { name: "cook" });
  await first.close();

  const second = files("again");

  expect((await (await second.getAdapters("acme")).roles.list("acme")).roles).toHaveLength(1);
  await expect(second.getAdapters("nobody")).rejects.toMatchObject({ reason: "tenant_not_found" });
  await expect(first.getAdapters("acme")).rejects.toMatchObject({ reason: "pool_closed" });
});

it("removes a database for good, and begins anew under another name", async () => {
  const factory = files("gone");
  await factory.provision("acme");
  const before = await factory.getAdapters("acme");
  await before.roles.create("acme", { name: "cook" });
  const [old = ""] = databasesIn("gone");

  await factory.deprovision("acme");
  await factory.deprovision("acme");

  expect(existsSync(join(root, "gone", "tenants", old))).toBe(false);
  await expect(before.roles.list("acme")).rejects.toMatchObject({ reason: "tenant_not_found" });
  await factory.provision("acme");
  expect(databasesIn("gone")).not.toContain(old);
  expect((await (await factory.getAdapters("acme")).roles.list("acme")).roles).toEqual([]);
});

it("makes nothing of a tenant whose removal was cut off, and removes the rest when it is asked again", async () => {
  const directory = join(root, "cut");
  const provider = fileProvider({ directory });
  const cut = { isOn: true };
  const failing = {
    ...provider,
    async destroy(name: Parameters<typeof provider.destroy>[0]) {
      await provider.destroy(name);
      if (cut.isOn) throw new Error("cut");
    },
  };
  const factory = toDatabaseFactory(failing, { database: { url: `file:${join(root, "cut.db")}` }, keyRing });
  factories.push(factory);
  const databases = () => readdirSync(directory).filter((file) => /^t-.*\.db$/.test(file));
  await factory.provision("acme");
  await expect(factory.deprovision("acme")).rejects.toThrow("cut");

  await expect(factory.provision("acme")).rejects.toMatchObject({ code: "conflict", reason: "tenant_deleting" });

  expect(databases()).toEqual([]);
  cut.isOn = false;
  await factory.deprovision("acme");
  await factory.provision("acme");
  expect(databases()).toHaveLength(1);
});

it("keeps the control plane's members out of a tenant's adapters", async () => {
  const factory = files("members");
  await factory.provision("acme");
  const acme = await factory.getAdapters("acme");

  await expect(acme.keys.list()).rejects.toMatchObject({ reason: "control_plane_only" });
  await expect(acme.tenants.get("acme")).rejects.toMatchObject({ reason: "control_plane_only" });
});

it("keeps its registry in a database of the caller's, which stays open", async () => {
  const client = createClient({ url: `file:${join(root, "registry-of-ones-own.db")}` });
  const provider = fileProvider({ directory: join(root, "elsewhere") });
  const factory = toDatabaseFactory(provider, { database: client, keyRing });

  await factory.provision("acme");
  await factory.close();

  const { rows } = await client.execute("select tenant_id, state, provider from rh_placements");
  expect(rows).toEqual([{ tenant_id: "acme", state: "ready", provider: "file" }]);
  client.close();
});

it.each([
  ["an unknown option", { maxOpened: 3 }, /maxOpened is not an option/],
  ["a missing one", {}, /database: must be a Kysely instance.*; keyRing: must be a key ring/],
  ["a wrong one", { idleMs: 0 }, /idleMs: /],
])("refuses %s by name", (_what, options, message) => {
  const provider = fileProvider({ directory: join(root, "refused") });
  // What plain JavaScript could pass.
  const given: object = options;

  expect(() => Reflect.apply(toDatabaseFactory, undefined, [provider, given])).toThrow(message);
});

it("refuses a wrong option of the ready-made ones by name", () => {
  expect(() => Reflect.apply(createFileFactory, undefined, [{ directory: "", keyring: keyRing }])).toThrow(
    /createFileFactory: .*directory: .*keyring is not an option/,
  );
});

it("refuses a registry elsewhere without the key that would be lost with the directory", () => {
  const database = { url: `file:${join(root, "another-registry.db")}` };

  expect(() => createFileFactory({ directory: root, database })).toThrow(/keyRing: is needed with database/);
});
