import type { DataAdapters, SigningKey } from "@authhero/adapter-interfaces";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { createCache } from "../../src/entities/cache.ts";
import { raisingEpochs, tenantCache } from "../../src/tenancy/caching.ts";
import { keepingKeys } from "../../src/tenancy/kept-keys.ts";
import { createVersions } from "../../src/wiring/versions.ts";
import { asRequestOf, CONTROL_PLANE, twoHouses } from "../support/houses.ts";

let houses: Awaited<ReturnType<typeof twoHouses>>;
let data: DataAdapters;
let now: Date;
let count = 0;

beforeAll(async () => {
  houses = await twoHouses();
});
afterAll(() => houses.remove());
beforeEach(() => {
  now = new Date();
  const clock = () => now;
  const { versionOf } = createVersions(houses.registry, CONTROL_PLANE);
  const cache = tenantCache(createCache({ clock }), versionOf);
  const raised = raisingEpochs(houses.management, { raise: houses.registry.raiseEpoch });
  data = keepingKeys({ ...raised, cache }, clock);
});

const keyOf = (tenantId: string): SigningKey => {
  const kid = `${tenantId}-${++count}`;
  const owner = tenantId === CONTROL_PLANE ? {} : { tenant_id: tenantId };
  return { kid, type: "jwt_signing", cert: "c", pkcs7: "p", fingerprint: "f", thumbprint: "t", ...owner };
};
const added = async (tenantId: string): Promise<string> => {
  const key = keyOf(tenantId);
  await asRequestOf(tenantId, () => data.keys.create(key));
  return key.kid;
};
const listed = async () => (await data.keys.list({ q: "type:jwt_signing" })).signingKeys.map(({ kid }) => kid);
const kidsOf = (tenantId: string) => asRequestOf(tenantId, listed);

it("a tenant's keys are kept, past what the database says", async () => {
  const kid = await added("acme");
  expect(await kidsOf("acme")).toContain(kid);
  const unannounced = keyOf("acme");
  await houses.house(CONTROL_PLANE).keys.create(unannounced);

  expect(await kidsOf("acme")).not.toContain(unannounced.kid);
  expect(await kidsOf("beta")).not.toContain(kid);
});

it("a key that is made or revoked counts from the next request on, the control plane's in every tenant", async () => {
  const before = [await kidsOf("acme"), await kidsOf("beta")];
  const own = await added("acme");
  const shared = await added(CONTROL_PLANE);

  expect(await kidsOf("acme")).toEqual(expect.arrayContaining([...(before[0] ?? []), own, shared]));
  expect(await kidsOf("beta")).toEqual(expect.arrayContaining([...(before[1] ?? []), shared]));
  expect(await kidsOf("beta")).not.toContain(own);

  const revoked_at = new Date(now.getTime() - 1_000).toISOString();
  await asRequestOf("acme", () => data.keys.update(own, { revoked_at }));
  await asRequestOf(CONTROL_PLANE, () => data.keys.update(shared, { revoked_at }));
  for (const tenantId of ["acme", "beta", CONTROL_PLANE]) {
    const kids = await kidsOf(tenantId);
    expect([kids.includes(own), kids.includes(shared)]).toEqual([false, false]);
  }
});

it("a key leaves when its grace period ends, without anybody changing anything", async () => {
  const kid = await added("beta");
  const revoked_at = new Date(now.getTime() + 30_000).toISOString();
  await asRequestOf("beta", () => data.keys.update(kid, { revoked_at }));
  expect(await kidsOf("beta")).toContain(kid);

  now = new Date(now.getTime() + 30_000);

  expect(await kidsOf("beta")).not.toContain(kid);
});

it("the request that has changed a key sees the change, in a transaction, too", async () => {
  await kidsOf("acme");
  const [first, second] = [keyOf("acme"), keyOf("acme")];
  await asRequestOf("acme", async () => {
    await listed();
    await data.keys.create(first);
    expect(await listed()).toContain(first.kid);
  });
  await asRequestOf("acme", async () => {
    await listed();
    await data.transaction(async (inside) => void (await inside.keys.create(second)));
    expect(await listed()).toContain(second.kid);
  });
});

it("outside of any request nothing is kept", async () => {
  await expect(data.keys.list({ q: "type:jwt_signing" })).rejects.toThrow("needs a tenant");
});
