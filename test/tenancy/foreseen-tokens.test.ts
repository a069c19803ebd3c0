import type { DataAdapters } from "@authhero/adapter-interfaces";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { runInContext } from "../../src/tenancy/context.ts";
import { foreseeingTokens } from "../../src/tenancy/foreseen-tokens.ts";
import { asRequestOf, twoHouses } from "../support/houses.ts";

let houses: Awaited<ReturnType<typeof twoHouses>>;
let data: DataAdapters;
/** What was read, in order. */
let read: string[];

beforeAll(async () => {
  houses = await twoHouses();
  const { clientGrants, keys } = houses.auth;
  data = foreseeingTokens({
    ...houses.auth,
    clientGrants: {
      ...clientGrants,
      list(tenantId, params) {
        read.push(`grants ${tenantId} ${params?.q}`);
        return clientGrants.list(tenantId, params);
      },
    },
    keys: {
      ...keys,
      list(params) {
        read.push(`keys ${params?.q}`);
        return keys.list(params);
      },
    },
  });
  for (const tenantId of ["acme", "beta"]) {
    await houses.house(tenantId).clients.create(tenantId, { client_id: "machine", name: "Machine" } as never);
    await houses.house(tenantId).clientGrants.create(tenantId, {
      ...{ client_id: "machine", audience: `urn:${tenantId}`, scope: [] },
    });
  }
});
beforeEach(() => {
  read = [];
});
afterAll(() => houses.remove());

const askingForToken = <T>(tenantId: string, work: () => T): T =>
  runInContext(
    { requestId: "a-request", tenantId, origin: new URL(`http://${tenantId}.localhost/`), asksForToken: true },
    work,
  );
const audiencesOf = async (tenantId: string, clientId = "machine") => {
  const { client_grants } = await data.clientGrants.list(tenantId, { q: `client_id:"${clientId}"` });
  return client_grants.map(({ audience }) => audience);
};

const OF_ACME = [
  'grants acme client_id:"machine"',
  "keys type:jwt_signing AND tenant_id:acme",
  "keys type:jwt_signing AND -_exists_:tenant_id",
];

it("a request for a token asks for grants and keys with the client, and once", async () => {
  await askingForToken("acme", async () => {
    await data.clients.get("acme", "machine");
    expect(read).toEqual(OF_ACME);
    await data.clients.get("acme", "machine");

    expect(await audiencesOf("acme")).toEqual(["urn:acme"]);
    await data.keys.list({
      q: "type:jwt_signing AND tenant_id:acme",
      sort: { sort_by: "created_at", sort_order: "desc" },
      per_page: 1000,
    });

    expect(read).toEqual(OF_ACME);
    await audiencesOf("acme");
    expect(read).toEqual([...OF_ACME, OF_ACME[0]]);
  });
});

it("another client, another tenant and another request get nothing of it", async () => {
  await askingForToken("acme", async () => {
    await data.clients.get("acme", "machine");
    expect(await audiencesOf("acme", "stranger")).toEqual([]);
  });
  expect(await askingForToken("beta", () => audiencesOf("beta"))).toEqual(["urn:beta"]);
  expect(await askingForToken("acme", () => audiencesOf("acme"))).toEqual(["urn:acme"]);

  expect(read.filter((what) => what.startsWith("grants"))).toEqual([
    'grants acme client_id:"machine"',
    'grants acme client_id:"stranger"',
    'grants beta client_id:"machine"',
    'grants acme client_id:"machine"',
  ]);
});

it("requests for something else ask for what they need only", async () => {
  await asRequestOf("acme", () => data.clients.get("acme", "machine"));

  expect(read).toEqual([]);
});
