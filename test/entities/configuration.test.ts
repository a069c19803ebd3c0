import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createEntities } from "../../src/entities/index.ts";
import { type FreshStore, freshStore } from "../support/store.ts";

let fresh: FreshStore;

beforeEach(async () => {
  fresh = await freshStore();
});

afterEach(() => fresh.close());

/** What collections have in common. The contract types each of them on its own; here they are all one. */
interface Collection {
  create(tenantId: string, input: object, options?: object): Promise<Record<string, unknown>>;
  get(tenantId: string, id: string): Promise<object | null>;
  list(tenantId: string): Promise<object>;
  update(tenantId: string, id: string, patch: object): Promise<unknown>;
  remove(tenantId: string, id: string): Promise<boolean>;
}

const NAMED = { name: "one" };

const COLLECTIONS = [
  ["actions", "id", { ...NAMED, code: "x" }, { code: "y" }],
  ["clientGrants", "id", { client_id: "app", audience: "urn:a" }, { scope: ["read"] }],
  ["clients", "client_id", NAMED, { name: "two" }],
  ["connections", "id", { ...NAMED, strategy: "oidc", options: {} }, { display_name: "Two" }],
  ["customDomains", "custom_domain_id", { domain: "a.example", type: "auth0_managed_certs" }, { primary: true }],
  ["flows", "id", NAMED, { name: "two" }],
  ["forms", "id", NAMED, { name: "two" }],
  ["hooks", "hook_id", { trigger_id: "post-user-login", url: "https://a" }, { enabled: true }],
  ["logStreams", "id", { ...NAMED, type: "http", sink: {} }, { status: "paused" }],
  ["migrationSources", "id", { ...NAMED, provider: "auth0", connection: "c", credentials: {} }, { enabled: false }],
  ["proxyRoutes", "id", { custom_domain_id: "d", match: { path: "/a" }, handlers: [] }, { priority: 7 }],
  ["resourceServers", "id", { ...NAMED, identifier: "urn:a" }, { name: "two" }],
] as const;

/** The rows of a list, whether it comes as an array or as a page. */
const rowsOf = (list: object): unknown => (Array.isArray(list) ? list : Object.values(list).find(Array.isArray));

describe.each(COLLECTIONS)("%s", (name, key, input, patch) => {
  it("are made, read, listed, changed and removed by their tenant and no other", async () => {
    const collection = createEntities(fresh.store)[name] as unknown as Collection;
    const created = await collection.create("acme", input);
    const id = String(created[key]);

    expect(await collection.get("acme", id)).toEqual(created);
    expect(rowsOf(await collection.list("acme"))).toEqual([created]);
    expect(await collection.get("other", id)).toBeNull();
    expect(rowsOf(await collection.list("other"))).toEqual([]);
    expect(await collection.update("other", id, patch)).toBeFalsy();
    expect(await collection.remove("other", id)).toBe(false);

    expect(await collection.update("acme", id, patch)).toBeTruthy();
    expect(await collection.get("acme", id)).toMatchObject(patch);
    await expect(collection.update("acme", id, { unheard_of: 1 })).rejects.toMatchObject({ reason: "unknown_field" });
    expect(await collection.remove("acme", id)).toBe(true);
    expect(await collection.get("acme", id)).toBeNull();
  });

  it("keep the id of an import, whatever the body says", async () => {
    const collection = createEntities(fresh.store)[name] as unknown as Collection;
    const times = { created_at: "2020-01-01T00:00:00.000Z", updated_at: "2020-01-01T00:00:00.000Z" };
    const importMetadata = { id: "imported", created_at: times.created_at };

    const created = await collection.create("acme", input, { importMetadata });

    expect(created[key]).toBe("imported");
    // Domains have none in the contract.
    if ("created_at" in created) expect(created).toMatchObject(times);
  });
});
