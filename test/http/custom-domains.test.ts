import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type HouseWithDomains, openWithDomains } from "../support/domains.ts";
import { MANAGEMENT_AUDIENCE, openInProcess } from "../support/in-process.ts";

let at: HouseWithDomains;
beforeAll(async () => {
  at = await openWithDomains();
});
afterAll(() => at?.house.close());
beforeEach(() => at.clear());

describe("the canonical name", () => {
  it("is the first one verified; when it goes, the next, and at last the sub-domain again", async () => {
    const first = await at.verified("acme", "z.acme.example");
    at.pass(0.01);
    const second = await at.verified("acme", "a.acme.example");
    const hosts = ["z.acme.example", "a.acme.example", at.house.hostOf("acme")];
    const issuers = () => Promise.all(hosts.map(at.issuerAt));

    expect([first.primary, second.primary]).toEqual([true, false]);
    expect((await at.list("acme")).map(({ domain, primary }) => [domain, primary])).toEqual([
      ["a.acme.example", false],
      ["z.acme.example", true],
    ]);
    expect(await issuers()).toEqual(Array(3).fill(at.issuerOn("z.acme.example")));

    await at.remove("acme", first);
    expect(await issuers()).toEqual(["404 unknown_host", at.issuerOn("a.acme.example"), at.issuerOn("a.acme.example")]);
    expect((await at.get("acme", second)).body.primary).toBe(true);

    await at.remove("acme", second);
    expect(await issuers()).toEqual(["404 unknown_host", "404 unknown_host", at.ownIssuer("acme")]);
  });

  it("is what tokens say, whatever name they were asked for at, and those of before stay good", async () => {
    const client = await at.house.made("/clients", {
      ...at.asTenant("acme"),
      json: { name: "m2m", app_type: "non_interactive", grant_types: ["client_credentials"] },
    });
    const { client_id, client_secret } = client as { client_id: string; client_secret: string };
    const scope = ["read:custom_domains"];
    await at.house.made("/client-grants", {
      ...at.asTenant("acme"),
      json: { client_id, audience: MANAGEMENT_AUDIENCE, scope },
    });
    const tokenAt = async (host: string) => {
      const form = { grant_type: "client_credentials", audience: MANAGEMENT_AUDIENCE, client_id, client_secret };
      const answer = await at.house.send(host, "/oauth/token", { method: "POST", body: new URLSearchParams(form) });
      return ((await answer.json()) as { access_token: string }).access_token;
    };
    const issuerOf = (jwt: string) => JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString()).iss;
    const domainsSeenWith = async (jwt: string, host: string) =>
      (await at.house.send(host, "/api/v2/custom-domains", { headers: { authorization: `Bearer ${jwt}` } })).status;
    const keysAt = async (host: string) => (await at.house.send(host, "/.well-known/jwks.json")).json();

    const before = await tokenAt(at.house.hostOf("acme"));
    const domain = await at.verified("acme", "login.acme.example");
    const [there, here] = [await tokenAt("login.acme.example"), await tokenAt(at.house.hostOf("acme"))];

    expect([before, there, here].map(issuerOf)).toEqual([
      at.ownIssuer("acme"),
      at.issuerOn("login.acme.example"),
      at.issuerOn("login.acme.example"),
    ]);
    for (const jwt of [before, there, here]) {
      expect(await domainsSeenWith(jwt, "login.acme.example")).toBe(200);
      expect(await domainsSeenWith(jwt, at.house.hostOf("acme"))).toBe(200);
      expect(await domainsSeenWith(jwt, at.house.hostOf("beta"))).toBe(403);
    }
    expect(await keysAt("login.acme.example")).toEqual(await keysAt(at.house.hostOf("acme")));
    await at.remove("acme", domain);
    expect(await domainsSeenWith(before, at.house.hostOf("acme"))).toBe(200);
  });
});

describe("a tenant's life", () => {
  it("takes its domain along: away with it, back with it, and free after the purge", async () => {
    await at.house.made("/tenants", { token: at.token, json: { id: "moving", friendly_name: "Moving" } });
    await at.verified("moving", "login.moving.example");
    const rival = await at.claimed("beta", "login.moving.example");
    at.prove(rival);
    expect(await at.issuerAt("login.moving.example")).toBe(at.issuerOn("login.moving.example"));

    await at.house.made("/tenants/moving", { token: at.token, method: "DELETE" });
    expect(await at.issuerAt("login.moving.example")).toBe("404 unknown_host");
    expect((await at.verify("beta", rival)).status).toBe(409);

    await at.house.made("/tenants/moving/undelete", { token: at.token, method: "POST" });
    expect(await at.issuerAt("login.moving.example")).toBe(at.issuerOn("login.moving.example"));

    await at.house.made("/tenants/moving?purge=true", { token: at.token, method: "DELETE" });
    await at.house.made("/tenants", { token: at.token, json: { id: "moving", friendly_name: "Somebody else" } });
    expect(await at.issuerAt("login.moving.example")).toBe("404 unknown_host");
    expect(await at.list("moving")).toEqual([]);
    expect((await at.verify("beta", rival)).body.status).toBe("ready");
  });
});

it("another process hears of it", async () => {
  const other = await openInProcess(
    { DATA_DIR: at.house.directory },
    { clock: at.clock, resolveTxt: at.zone.resolveTxt },
  );
  const issuer = async () => {
    const answer = await other.send("login.acme.example", "/.well-known/openid-configuration");
    return ((await answer.json()) as { issuer?: string }).issuer;
  };
  expect(await issuer()).toBeUndefined();

  const domain = await at.verified("acme", "login.acme.example");
  await expect.poll(issuer, { timeout: 10_000 }).toBe(at.issuerOn("login.acme.example"));
  await at.remove("acme", domain);
  await expect.poll(issuer, { timeout: 10_000 }).toBeUndefined();
  await other.close({ keep: true });
});
