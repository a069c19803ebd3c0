import { afterAll, beforeAll, expect, it } from "vitest";
import type { AnsweredAtOnce } from "../../src/http/front/published.ts";
import { type HouseWithDomains, openWithDomains } from "../support/domains.ts";

/** What is kept of discovery and key sets never outlives the change that makes it untrue. */

const DISCOVERY = "/.well-known/openid-configuration";
const KEYS = "/.well-known/jwks.json";

let estate: HouseWithDomains;

beforeAll(async () => {
  estate = await openWithDomains();
});
afterAll(() => estate.house.close());

/** What the server would have sent at once at a host, without asking anybody. */
function atOnce(host: string, path: string): AnsweredAtOnce | null {
  return estate.house.atOnce({ method: "GET", path, header: (name) => (name === "host" ? host : null) });
}

/** What a tenant's host answers. What it would have said at once, just before that, is never anything else. */
async function at(tenantId: string, path: string): Promise<Response> {
  const host = estate.house.hostOf(tenantId);
  const first = atOnce(host, path);
  const answer = await estate.house.send(host, path);
  if (first) expect([first.status, first.body]).toEqual([answer.status, await answer.clone().text()]);
  return answer;
}
const kidsOf = async (tenantId: string): Promise<string[]> => {
  const { keys } = (await (await at(tenantId, KEYS)).json()) as { keys: { kid: string }[] };
  return keys.map(({ kid }) => kid);
};

it("a rotated key is in the key set of its tenant with the answer to the rotation, and in no other's", async () => {
  const before = await kidsOf("acme");
  const others = await kidsOf("beta");
  const etag = (await at("acme", KEYS)).headers.get("etag");

  await estate.ask("acme", "/keys/signing/rotate", { method: "POST" });

  const after = await kidsOf("acme");
  expect(after).toEqual(expect.arrayContaining(before));
  expect(after).toHaveLength(before.length + 1);
  expect((await at("acme", KEYS)).headers.get("etag")).not.toBe(etag);
  expect(await kidsOf("beta")).toEqual(others);
  expect(after.filter((kid) => others.includes(kid))).toEqual([]);
});

it("what was asked for a moment ago is answered at once, and not after a change", async () => {
  const host = estate.house.hostOf("acme");
  for (const path of [KEYS, DISCOVERY]) {
    await at("acme", path);
    expect(atOnce(host, path)?.status).toBe(200);
  }

  await estate.ask("acme", "/branding", { method: "PATCH", json: { colors: { primary: "#123456" } } });

  for (const path of [KEYS, DISCOVERY]) expect(atOnce(host, path)).toBeNull();
});

it("a changed setting shows with the answer to the change", async () => {
  const registers = async () => "registration_endpoint" in ((await (await at("acme", DISCOVERY)).json()) as object);
  const hadIt = await registers();

  const flags = { enable_dynamic_client_registration: !hadIt };
  expect((await estate.ask("acme", "/tenants/settings", { method: "PATCH", json: { flags } })).status).toBe(200);

  expect(await registers()).toBe(!hadIt);
});

it("a domain that is verified is the issuer at once, under both names, until it is removed", async () => {
  const own = estate.ownIssuer("beta");
  expect(await estate.issuerAt(estate.house.hostOf("beta"))).toBe(own);

  const domain = await estate.verified("beta", "login.beta.example");
  const issuer = estate.issuerOn("login.beta.example");
  expect(await estate.issuerAt(estate.house.hostOf("beta"))).toBe(issuer);
  expect(await estate.issuerAt("login.beta.example")).toBe(issuer);

  await estate.remove("beta", domain);
  expect(await estate.issuerAt(estate.house.hostOf("beta"))).toBe(own);
  expect(await estate.issuerAt("login.beta.example")).toMatch(/^404/);
});

it("a suspended tenant's documents stay, a deleted tenant's are gone at once", async () => {
  const { house, token } = estate;
  const before = await (await at("acme", KEYS)).text();

  await house.made("/tenants/acme/suspend", { token, method: "POST" });
  expect(await (await at("acme", KEYS)).text()).toBe(before);
  expect((await at("acme", "/authorize?client_id=x")).status).toBe(403);

  await house.made("/tenants/acme", { token, method: "DELETE" });
  for (const path of [KEYS, DISCOVERY]) expect(atOnce(house.hostOf("acme"), path)).toBeNull();
  expect([(await at("acme", KEYS)).status, (await at("acme", DISCOVERY)).status]).toEqual([404, 404]);
});

it("a tenant made anew has nothing of the one before", async () => {
  const { house, token } = estate;
  await house.made("/tenants", { token, json: { id: "short", friendly_name: "Short" } });
  const before = await kidsOf("short");
  await house.made("/tenants/short?purge=true", { token, method: "DELETE" });
  expect((await at("short", KEYS)).status).toBe(404);

  await house.made("/tenants", { token, json: { id: "short", friendly_name: "Short" } });

  const after = await kidsOf("short");
  expect(after.length).toBeGreaterThan(0);
  expect(after.filter((kid) => before.includes(kid))).toEqual([]);
});
