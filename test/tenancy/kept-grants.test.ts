import type { DataAdapters } from "@authhero/adapter-interfaces";
import { afterAll, beforeAll, expect, it } from "vitest";
import { systemClock } from "../../src/domain/clock.ts";
import { createCache } from "../../src/entities/cache.ts";
import { raisingEpochs, tenantCache } from "../../src/tenancy/caching.ts";
import { keepingGrants } from "../../src/tenancy/kept-grants.ts";
import { asRequestOf, twoHouses } from "../support/houses.ts";

let houses: Awaited<ReturnType<typeof twoHouses>>;
let data: DataAdapters;
let administration: DataAdapters;

beforeAll(async () => {
  houses = await twoHouses();
  const versionOf = async (tenantId: string) => {
    const placement = await houses.registry.get(tenantId);
    return placement && `${placement.tag} ${placement.epoch}`;
  };
  const cache = tenantCache(createCache({ clock: systemClock }), versionOf);
  data = keepingGrants({ ...raisingEpochs(houses.auth, { raise: houses.registry.raiseEpoch }), cache });
  administration = raisingEpochs(houses.management, { raise: houses.registry.raiseEpoch });
  for (const tenantId of ["acme", "beta"]) {
    await houses.house(tenantId).clients.create(tenantId, { client_id: "machine", name: "Machine" } as never);
  }
});
afterAll(() => houses.remove());

const grantOf = (audience: string) => ({ client_id: "machine", audience, scope: ["read:things"] });
const audiencesOf = (tenantId: string) =>
  asRequestOf(tenantId, async () => {
    const { client_grants } = await data.clientGrants.list(tenantId, { q: 'client_id:"machine"' });
    return client_grants.map(({ audience }) => audience).sort();
  });

it("a tenant's grants are kept, past what the tenant's database says", async () => {
  expect(await audiencesOf("acme")).toEqual([]);
  await houses.house("acme").clientGrants.create("acme", grantOf("urn:unannounced"));

  expect(await audiencesOf("acme")).toEqual([]);
});

it("a grant that is made or removed counts from the next request on, in its own tenant", async () => {
  expect(await audiencesOf("beta")).toEqual([]);

  const { id } = await asRequestOf("beta", () => administration.clientGrants.create("beta", grantOf("urn:one")));
  expect(await audiencesOf("beta")).toEqual(["urn:one"]);
  await asRequestOf("beta", () => administration.clientGrants.update("beta", id, { scope: [] }));
  await asRequestOf("beta", () => administration.clientGrants.remove("beta", id));

  expect(await audiencesOf("beta")).toEqual([]);
  expect(await audiencesOf("acme")).not.toContain("urn:one");
});

it("a client that is removed takes its grants along, at once", async () => {
  await asRequestOf("beta", () => administration.clientGrants.create("beta", grantOf("urn:two")));
  expect(await audiencesOf("beta")).toEqual(["urn:two"]);

  await asRequestOf("beta", () => administration.clients.remove("beta", "machine"));

  expect(await audiencesOf("beta")).toEqual([]);
});
