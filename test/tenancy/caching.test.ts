import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../src/domain/clock.ts";
import { createCache } from "../../src/entities/cache.ts";
import { raisingEpochs, tenantCache } from "../../src/tenancy/caching.ts";
import { asRequestOf, CONTROL_PLANE, twoHouses } from "../support/houses.ts";

let houses: Awaited<ReturnType<typeof twoHouses>>;

beforeAll(async () => {
  houses = await twoHouses();
});
afterAll(() => houses.remove());

const epochOf = async (tenantId: string) => (await houses.registry.read(tenantId))?.epoch ?? null;

const openCache = () =>
  tenantCache(createCache({ clock: systemClock }), async (tenantId) => {
    const placement = await houses.registry.get(tenantId);
    return placement && `${placement.tag} ${placement.epoch}`;
  });

describe("the cache", () => {
  it("keeps a key apart for each tenant", async () => {
    const cache = openCache();
    await asRequestOf("acme", () => cache.set("client:default", "acme's"));

    expect(await asRequestOf("acme", () => cache.get("client:default"))).toBe("acme's");
    expect(await asRequestOf("beta", () => cache.get("client:default"))).toBeNull();
  });

  it("keeps nothing for nobody and for a tenant that is not there", async () => {
    const cache = openCache();
    await cache.set("key", "value");
    await asRequestOf("nobody", () => cache.set("key", "value"));

    expect(await cache.get("key")).toBeNull();
    expect(await asRequestOf("nobody", () => cache.get("key"))).toBeNull();
  });

  it("forgets at once what a change has made stale", async () => {
    const cache = openCache();
    await asRequestOf("acme", () => cache.set("roles", "before"));

    await houses.registry.raiseEpoch("acme");

    expect(await asRequestOf("acme", () => cache.get("roles"))).toBeNull();
  });

  it("never stores under the new version what was read under the old one", async () => {
    const cache = openCache();
    await asRequestOf("acme", async () => {
      await cache.get("roles");
      await houses.registry.raiseEpoch("acme");
      await cache.set("roles", "read before the change");
    });

    expect(await asRequestOf("acme", () => cache.get("roles"))).toBeNull();
  });
});

describe("writes to what is cached", () => {
  it("raise the tenant's epoch before they answer, and reads do not", async () => {
    const adapters = raisingEpochs(houses.management, { raise: houses.registry.raiseEpoch });
    const before = (await epochOf("acme")) ?? 0;

    const made = await adapters.roles.create("acme", { name: "watched" });
    const afterCreate = await epochOf("acme");
    await adapters.roles.list("acme");
    await adapters.roles.get("acme", made.id);
    const afterReads = await epochOf("acme");
    await adapters.roles.remove("acme", made.id);

    expect([afterCreate, afterReads, await epochOf("acme")]).toEqual([before + 1, before + 1, before + 2]);
  });

  it("raise it once for a transaction, after its commit, and not at all when it rolls back", async () => {
    const adapters = raisingEpochs(houses.management, { raise: houses.registry.raiseEpoch });
    const before = (await epochOf("beta")) ?? 0;
    const inside: (number | null)[] = [];

    await adapters.transaction(async (transaction) => {
      await transaction.roles.create("beta", { name: "first" });
      inside.push(await epochOf("beta"));
      await transaction.roles.create("beta", { name: "second" });
    });
    const committed = await epochOf("beta");
    const failing = adapters.transaction(async (transaction) => {
      await transaction.roles.create("beta", { name: "third" });
      throw new Error("no");
    });

    await expect(failing).rejects.toThrow("no");
    expect([inside, committed, await epochOf("beta")]).toEqual([[before], before + 1, before + 1]);
  });

  it("raise the request's tenant for its keys", async () => {
    const adapters = raisingEpochs(houses.management, { raise: houses.registry.raiseEpoch });
    const before = (await epochOf(CONTROL_PLANE)) ?? 0;
    const key = { kid: "k", cert: "c", fingerprint: "f", thumbprint: "t", type: "jwt_signing" as const };

    await asRequestOf(CONTROL_PLANE, () => adapters.keys.create(key));

    expect(await epochOf(CONTROL_PLANE)).toBe(before + 1);
  });
});
