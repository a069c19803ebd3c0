import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadConfig } from "../../src/config.ts";
import type { HostExplanation } from "../../src/http/hosts/router.ts";
import { explainHost } from "../../src/wiring/resolution.ts";
import { visitControlPlane } from "../../src/wiring/visit.ts";
import { type HouseWithDomains, openWithDomains } from "../support/domains.ts";
import { rowhouse } from "./program.ts";

/** A house with domains is made once, and the real program is a process of its own. */
const PATIENCE_MS = 300_000;

let domains: HouseWithDomains;
const config = () => loadConfig({ DATA_DIR: domains.house.directory });

/** What the command finds, beside the house that serves. */
async function explained(host: string): Promise<HostExplanation> {
  const visit = await visitControlPlane(config());
  try {
    return await explainHost(visit, config(), host, domains.clock);
  } finally {
    await visit.close();
  }
}
const foundBy = ({ rules }: HostExplanation, rule: string) => rules.find((each) => each.rule === rule)?.found;

beforeAll(async () => {
  domains = await openWithDomains();
  const { house, token } = domains;
  for (const id of ["idle", "library", "gone"]) {
    await house.made("/tenants", { token, json: { id, friendly_name: id } });
  }
  await domains.verified("acme", "login.acme.example");
  await domains.verified("acme", "old.acme.example");
  await domains.claimed("beta", "login.acme.example");
  await domains.claimed("beta", "login.beta.example");
  await house.made("/tenants/idle/suspend", { token, method: "POST" });
  await house.made("/tenants/library/operations", { token, json: { kind: "read-only" } });
  await house.made("/tenants/gone", { token, method: "DELETE" });
}, PATIENCE_MS);
afterAll(() => domains.house.close());

describe("what requests for a host get", { timeout: PATIENCE_MS }, () => {
  it.each([
    ["localhost:3000", true, "control_plane"],
    ["acme.localhost", true, "acme"],
    ["LOGIN.acme.example.:81", true, "acme"],
    ["old.acme.example", true, "acme"],
    ["idle.localhost", false, "idle"],
    ["library.localhost", true, "library"],
    ["gone.localhost", false, "gone"],
    ["nobody.localhost", false, undefined],
    ["x_.localhost", false, undefined],
    ["www.localhost", false, undefined],
    ["a.acme.localhost", false, undefined],
    ["login.beta.example", false, undefined],
    ["127.0.0.1", false, undefined],
  ])("%s: it is said (%s, %s), and so it is", async (host, served, tenant) => {
    const explanation = await explained(host);

    expect([explanation.served, explanation.tenant?.id]).toEqual([served, tenant]);
    for (const { method, path, outcome, status, errorCode, location } of explanation.answers) {
      const headers = new Headers(path.startsWith("/api/") ? { authorization: `Bearer ${domains.token}` } : {});
      const answer = await domains.house.send(host, path, { method, headers });
      const text = await answer.text();
      const where = `${method} ${path} answers ${answer.status} ${text.slice(0, 200)}`;
      if (outcome === "served") {
        expect(text, where).not.toMatch(/unknown_host|tenant_/);
        continue;
      }
      expect([answer.status, answer.headers.get("location")], where).toEqual([status, location]);
      if (outcome === "refused") expect(text, where).toContain(errorCode);
    }
  });
});

describe("why", { timeout: PATIENCE_MS }, () => {
  it("a sub-domain is its tenant's, whose people are sent on to its canonical name", async () => {
    const explanation = await explained("acme.localhost");

    expect(foundBy(explanation, "control plane")).toBe("no: the host of ISSUER is localhost");
    expect(foundBy(explanation, "sub-domain")).toMatch(/^yes: acme stands before BASE_DOMAIN/);
    expect(explanation).toMatchObject({
      origin: "http://login.acme.example:3000/",
      tenant: { state: "ready", provider: "file", generation: 1, is_up_to_date: true },
    });
    expect(explanation.answers[0]).toMatchObject({
      kind: "login pages",
      status: 307,
      location: "http://login.acme.example:3000/authorize",
    });
  });

  it("a custom domain is the tenant's who has proved it, whoever else has claimed it", async () => {
    expect(foundBy(await explained("login.acme.example"), "custom domain")).toBe("yes: acme has proved it");
  });

  it("a domain that is claimed and not proved leads nowhere, and what is missing is named", async () => {
    const explanation = await explained("login.beta.example");

    expect(foundBy(explanation, "custom domain")).toBe(
      "no: claimed by beta, but not proved by a TXT record at _rowhouse.login.beta.example",
    );
  });

  it("a deleted tenant is told from one that never was", async () => {
    expect((await explained("gone.localhost")).tenant).toMatchObject({
      state: "deleted",
      purge_at: expect.stringMatching(/Z$/),
    });
    expect((await explained("nobody.localhost")).tenant).toBeNull();
  });

  it.each([
    ["www.localhost", "sub-domain", "reserved"],
    ["x_.localhost", "sub-domain", "no tenant can have such an id"],
    ["a.acme.localhost", "sub-domain", "exactly one label"],
    ["a.acme.localhost", "custom domain", "a name of this installation"],
    ["127.0.0.1", "custom domain", "it is no domain"],
    ["nobody.example", "custom domain", "no tenant has claimed it"],
  ])("%s is nobody's: %s, %s", async (host, rule, reason) => {
    expect(foundBy(await explained(host), rule)).toContain(reason);
  });

  it.each(["", "http://acme.localhost/", "acme.localhost/login", "münchen.localhost", "a b"])(
    "%j is no host, and it is said what one is like",
    async (host) => {
      await expect(explained(host)).rejects.toMatchObject({
        code: "invalid",
        reason: "invalid_host",
        message: expect.stringMatching(/^host: must be .* like acme\.example\.com/),
      });
    },
  );
});

describe("GET /hosts", { timeout: PATIENCE_MS }, () => {
  const ask = (host: string, token = domains.token) =>
    domains.house.api(`/hosts?${new URLSearchParams({ host })}`, { token });

  it.each([
    "localhost:3000",
    "acme.localhost",
    "login.beta.example",
    "idle.localhost",
    "nobody.localhost",
    "[::1]:3000",
  ])("says of %s what the command finds beside the house", async (host) => {
    const answer = await ask(host);

    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual(await explained(host));
  });

  it.each(["", "..", "http://acme.localhost/", "a b"])("%j is no host", async (host) => {
    const answer = await ask(host);

    expect([answer.status, await answer.json()]).toMatchObject([
      400,
      { errorCode: "invalid_host", message: expect.stringMatching(/^host: must be /) },
    ]);
  });

  it("asks for a host", async () => {
    const answer = await domains.house.api("/hosts", { token: domains.token });

    expect([answer.status, await answer.json()]).toMatchObject([400, { message: expect.stringMatching(/^host: /) }]);
  });
});

describe("rowhouse resolve", { timeout: PATIENCE_MS }, () => {
  it("is 0 for a tenant that is served, 1 for what is not, 2 for what is no host, beside a house that serves", async () => {
    const env = { DATA_DIR: domains.house.directory };
    const [served, suspended, wrong] = await Promise.all([
      rowhouse(["resolve", "login.acme.example"], env),
      rowhouse(["resolve", "idle.localhost", "--json"], env),
      rowhouse(["resolve", "http://acme.localhost/"], env),
    ]);

    expect(served.code).toBe(0);
    expect(served.stdout).toMatch(/^custom domain\tyes: acme has proved it\ntenant\tacme\nstate\tready\n/m);
    expect(served.stdout).toMatch(/^every request\tserved$/m);
    expect(suspended.code).toBe(1);
    const { answers, ...rest } = JSON.parse(suspended.stdout);
    expect(rest).toMatchObject({ host: "idle.localhost", served: false, tenant: { id: "idle", state: "suspended" } });
    expect(answers[0]).toMatchObject({ outcome: "refused", status: 403, errorCode: "tenant_suspended" });
    expect({ code: wrong.code, stdout: wrong.stdout }).toEqual({ code: 2, stdout: "" });
    expect(wrong.stderr).toMatch(/^error: host: must be /);
  });
});
