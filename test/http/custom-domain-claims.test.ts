import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type HouseWithDomains, openWithDomains } from "../support/domains.ts";
import { MANAGEMENT_AUDIENCE } from "../support/in-process.ts";
import { minting } from "../support/minting.ts";

let at: HouseWithDomains;
beforeAll(async () => {
  at = await openWithDomains();
});
afterAll(() => at?.house.close());
beforeEach(() => at.clear());

describe("a name that no tenant can have", () => {
  it.each([
    ["../x"],
    ["https://login.acme.example"],
    ["login.acme.example/path"],
    ["login.acme.example:443"],
    ["user@login.acme.example"],
    ["*.acme.example"],
    ["login_page.acme.example"],
    ["login acme.example"],
    ["login.acme.example\u0000"],
    ["login%2eacme.example"],
    [""],
    ["."],
    ["example"],
    ["a..example"],
    [".acme.example"],
    ["acme.example.."],
    ["-a.example"],
    ["a-.example"],
    [`${"a".repeat(64)}.example`],
    [`${"a.".repeat(150)}example`],
    [`${"ü".repeat(60)}.example`],
    ["xn--0.example"],
    ["127.0.0.1"],
    ["127.1"],
    ["0x7f.0.0.1"],
    ["１２７.0.0.1"],
    ["[::1]"],
    ["::1"],
    ["login.acme.123"],
    ["localhost"],
    ["LOCALHOST."],
    ["beta.localhost"],
    ["login.acme.localhost"],
    ["beta.ｌｏｃａｌｈｏｓｔ"],
  ])("%j is refused by the name of its field, and nothing is left behind", async (domain) => {
    const { status, body } = await at.claim("acme", domain);

    expect([status, body.errorCode]).toEqual([400, "invalid_domain"]);
    expect(body.message).toMatch(/^domain: /);
    expect(await at.list("acme")).toEqual([]);
  });

  it.each([[undefined], [null], [7], [["a.example"]]])("neither is %j", async (domain) => {
    expect((await at.claim("acme", domain)).status).toBe(400);
  });

  it("is any name, for the control plane", async () => {
    const { status, body } = await at.claim("control_plane", "login.example");

    expect([status, body.errorCode]).toEqual([400, "invalid_domain"]);
  });
});

describe("a claim", () => {
  it.each([
    ["Login.ACME.example", "login.acme.example"],
    ["login.acme.example.", "login.acme.example"],
    ["Anmeldung.München.example", "anmeldung.xn--mnchen-3ya.example"],
    ["xn--mnchen-3ya.example", "xn--mnchen-3ya.example"],
    ["login。acme。example", "login.acme.example"],
    ["localhost.example", "localhost.example"],
  ])("of %s is one of %s", async (written, domain) => {
    expect((await at.claimed("acme", written)).domain).toBe(domain);
  });

  it("shows the record that proves it, a new one for each", async () => {
    const domain = await at.claimed("acme", "login.acme.example");
    const other = await at.claimed("beta", "login.acme.example");

    expect(domain).toEqual({
      custom_domain_id: expect.stringMatching(/^[\w-]{21}$/),
      domain: "login.acme.example",
      type: "self_managed_certs",
      status: "pending_verification",
      primary: false,
      verification: {
        methods: [
          {
            name: "txt",
            domain: "_rowhouse.login.acme.example",
            record: expect.stringMatching(/^rowhouse-verification=[\w-]{32}$/),
          },
        ],
        expires_at: expect.any(String),
      },
    });
    expect(other.verification.methods[0]?.record).not.toBe(domain.verification.methods[0]?.record);
    expect((await at.get("acme", domain)).body).toEqual(domain);
    expect(await at.list("acme")).toEqual([domain]);
  });

  it("leads nowhere, and is no name of the tenant's", async () => {
    await at.claimed("acme", "login.acme.example");

    expect(await at.issuerAt("login.acme.example")).toBe("404 unknown_host");
    expect(await at.issuerAt(at.house.hostOf("acme"))).toBe(at.ownIssuer("acme"));
  });

  it("takes no id, status or proof from a client", async () => {
    const json = {
      ...{ domain: "login.acme.example", type: "self_managed_certs", custom_domain_id: "mine" },
      ...{ status: "ready", primary: true, verification: { methods: [] } },
    };
    const { body } = await at.ask("acme", "/custom-domains", { json });

    expect(body).toMatchObject({ status: "pending_verification", primary: false });
    expect(body.custom_domain_id).not.toBe("mine");
    const patch = { method: "PATCH", json: { status: "ready" } };
    expect((await at.ask("acme", at.pathOf(body.custom_domain_id), patch)).status).toBe(400);
  });

  it("is made once", async () => {
    await at.claimed("acme", "login.acme.example");
    const { status, body } = await at.claim("acme", "LOGIN.acme.example");

    expect([status, body.errorCode]).toEqual([409, "domain_claimed"]);
  });

  it("is over after seven days: it is not there, cannot be proved, and can be made anew", async () => {
    const domain = await at.claimed("acme", "login.acme.example");
    at.prove(domain);
    at.pass(6.9);
    expect((await at.get("acme", domain)).status).toBe(200);
    at.pass(0.2);

    expect((await at.get("acme", domain)).status).toBe(404);
    expect(await at.list("acme")).toEqual([]);
    expect((await at.verify("acme", domain)).body.errorCode).toBe("domain_not_found");
    expect(await at.issuerAt("login.acme.example")).toBe("404 unknown_host");
    const again = await at.claimed("acme", "login.acme.example");
    expect(again.verification.methods[0]?.record).not.toBe(domain.verification.methods[0]?.record);
  });

  it("is one of ten at most; one that is gone or over makes room", async () => {
    for (let number = 1; number <= 10; number++) await at.claimed("acme", `n${number}.acme.example`);
    expect((await at.claim("acme", "n11.acme.example")).body.errorCode).toBe("too_many_domains");
    await at.claimed("beta", "n11.acme.example");

    const [first] = await at.list("acme");
    if (first) await at.remove("acme", first);
    await at.claimed("acme", "n11.acme.example");
    expect((await at.claim("acme", "n12.acme.example")).status).toBe(409);
    at.pass(7.1);
    await at.claimed("acme", "n12.acme.example");
    expect(await at.list("acme")).toHaveLength(1);
  });

  it("keeps to ten when many are made at once", async () => {
    const names = Array.from({ length: 20 }, (_, number) => `n${number}.acme.example`);
    const answers = await Promise.all(names.map((name) => at.claim("acme", name)));

    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10);
    expect(await at.list("acme")).toHaveLength(10);
  });
});

describe("the proof", () => {
  it("is the claim's own record among all that stand there", async () => {
    const domain = await at.claimed("acme", "login.acme.example");
    const [method] = domain.verification.methods;
    const unproved = await at.verify("acme", domain);
    at.zone.set("_rowhouse.login.acme.example", "v=spf1 -all");
    at.zone.set("_rowhouse.login.acme.example", `${method?.record} `);
    at.zone.set("login.acme.example", method?.record ?? "");

    expect(unproved.status).toBe(200);
    expect(unproved.body).toMatchObject({
      ...domain,
      verification: { status: "failed", error_msg: expect.any(String) },
    });
    expect(unproved.body.verification.error_msg).toContain("_rowhouse.login.acme.example");
    expect((await at.verify("acme", domain)).body.status).toBe("pending_verification");
    expect((await at.get("acme", domain)).body).toEqual(domain);

    at.prove(domain);
    const { expires_at: _, ...verification } = domain.verification;
    expect(await at.verify("acme", domain)).toEqual({
      status: 200,
      body: {
        ...domain,
        ...{ status: "ready", primary: true, verification: { ...verification, verified_at: expect.any(String) } },
      },
    });
  });

  it("holds at once, and when it is repeated without the record", async () => {
    expect(await at.issuerAt("login.acme.example")).toBe("404 unknown_host");
    const domain = await at.verified("acme", "login.acme.example");
    expect(await at.issuerAt("login.acme.example")).toBe(at.issuerOn("login.acme.example"));

    at.zone.clear();
    expect(await at.verify("acme", domain)).toEqual({ status: 200, body: domain });
    at.pass(8);
    expect(await at.issuerAt("login.acme.example")).toBe(at.issuerOn("login.acme.example"));
  });

  it.each(["ESERVFAIL", "ETIMEOUT", "ECONNREFUSED"])("waits while name servers answer %s", async (code) => {
    const domain = await at.claimed("acme", "login.acme.example");
    at.prove(domain);
    at.zone.fail(code);

    const { status, body } = await at.verify("acme", domain);
    expect([status, body.errorCode]).toEqual([503, "dns_unavailable"]);
    at.zone.fail();
    expect((await at.verify("acme", domain)).body.status).toBe("ready");
  });

  it("makes the domain the first one's who brings it; the other gets it when that one lets go", async () => {
    const [acme, beta] = [
      await at.claimed("acme", "login.both.example"),
      await at.claimed("beta", "login.both.example"),
    ];
    at.prove(acme);
    at.prove(beta);
    expect((await at.verify("beta", beta)).body.status).toBe("ready");

    const { status, body } = await at.verify("acme", acme);
    expect([status, body.errorCode]).toEqual([409, "domain_taken"]);
    expect(await at.issuerAt("login.both.example")).toBe(at.issuerOn("login.both.example"));
    expect(await at.issuerAt(at.house.hostOf("acme"))).toBe(at.ownIssuer("acme"));

    await at.remove("beta", beta);
    expect(await at.issuerAt("login.both.example")).toBe("404 unknown_host");
    expect((await at.verify("acme", acme)).body.status).toBe("ready");
    expect(await at.issuerAt(at.house.hostOf("acme"))).toBe(at.issuerOn("login.both.example"));
    expect(await at.issuerAt(at.house.hostOf("beta"))).toBe(at.ownIssuer("beta"));
  });

  it("has one winner when both bring it in the same moment", async () => {
    const [acme, beta] = [
      await at.claimed("acme", "login.race.example"),
      await at.claimed("beta", "login.race.example"),
    ];
    at.prove(acme);
    at.prove(beta);
    const answers = await Promise.all([at.verify("acme", acme), at.verify("beta", beta)]);

    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  it("is for those who may change custom domains, of their own tenant", async () => {
    const domain = await at.claimed("acme", "login.acme.example");
    at.prove(domain);
    const path = `${at.pathOf(domain.custom_domain_id)}/verify`;
    const claims = { aud: MANAGEMENT_AUDIENCE, sub: "m", iss: at.ownIssuer("acme") };
    const mint = await minting(at.house.directory, "control_plane");
    const reader = await mint("acme", { ...claims, scope: "read:custom_domains" });
    const stranger = await mint("beta", { ...claims, iss: at.ownIssuer("beta"), scope: "update:custom_domains" });
    const status = async (as: string | undefined, tenant: string) =>
      (await at.house.api(path, { method: "POST", token: as, at: tenant })).status;

    expect(await status(undefined, "acme")).toBe(401);
    expect(await status(reader, "acme")).toBe(403);
    expect(await status(stranger, "acme")).toBe(403);
    expect(await status(stranger, "beta")).toBe(404);
    expect((await at.get("acme", domain)).body.status).toBe("pending_verification");
    expect(await status(await mint("acme", { ...claims, scope: "update:custom_domains" }), "acme")).toBe(200);
  });
});
