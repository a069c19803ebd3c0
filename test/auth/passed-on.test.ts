import type { DataAdapters } from "@authhero/adapter-interfaces";
import { expect, it } from "vitest";
import { passedOn } from "../../src/auth/passed-on.ts";
import { systemClock } from "../../src/domain/clock.ts";
import { newTag } from "../../src/domain/names.ts";
import { createDataAdapters } from "../../src/entities/adapters.ts";
import { createCache } from "../../src/entities/cache.ts";
import { createStore } from "../../src/entities/store.ts";
import { KEPT_BETWEEN_REQUESTS } from "../../src/tenancy/caching.ts";
import { APPLICATION, openHouse } from "../budget/house.ts";
import { freshStore } from "../support/store.ts";

it("members have the methods they had, whoever calls, lists or spreads them", async () => {
  const users = { get: () => Promise.resolve("a user"), list: () => Promise.resolve([]) };
  const clients = { get: () => Promise.resolve("a client") };
  const data = { users, clients } as unknown as DataAdapters;

  const given = passedOn(data, new Set(["clients"]));

  expect(given.clients).toBe(clients);
  expect(await given.users.get("acme", "a")).toBe("a user");
  expect({ ...given.users }).toEqual(users);
  expect(Object.keys(given.users)).toEqual(["get", "list"]);
  expect(() => (given.users as unknown as () => void)()).toThrow("users is an adapter");
});

it("what came with a class, or is more than methods, stays what it is", () => {
  class Geo {
    getGeoInfo = () => Promise.resolve(null);
  }
  const config = { controlPlaneTenantId: "control_plane", resolveControlPlane: () => undefined };
  const geo = new Geo();

  const given = passedOn({ geo, multiTenancyConfig: config } as unknown as DataAdapters, new Set());

  expect(given).toEqual({ geo, multiTenancyConfig: config });
  expect(given.geo).toBe(geo);
});

it("AuthHero takes them as they are: a redirect to the login asks for the methods of users only, to which it adds hooks", async () => {
  const fresh = await freshStore();
  const adapters = createDataAdapters(createStore(fresh.database, { clock: systemClock, tag: newTag() }));
  const given = passedOn({ ...adapters, cache: createCache({ clock: systemClock }) }, KEPT_BETWEEN_REQUESTS);
  const listed: string[] = [];
  const watched = Object.entries(given).map(([name, member]) => {
    if (typeof member !== "function") return [name, member];
    const ownKeys = (methods: object) => {
      listed.push(name);
      return Reflect.ownKeys(methods);
    };
    return [name, new Proxy(member, { ownKeys })];
  });
  const house = await openHouse(Object.fromEntries(watched) as DataAdapters);
  const { clientId: client_id, redirectUri: redirect_uri } = APPLICATION;
  const wanted = new URLSearchParams({ response_type: "code", client_id, redirect_uri, scope: "openid", state: "a" });
  listed.length = 0;

  const { status } = await house.ask(`/authorize?${wanted}`);

  expect(status).toBe(302);
  expect(listed).toEqual(["users"]);
  await fresh.close();
});
