import { describe, expect, it } from "vitest";
import { PlatformError } from "../../../src/domain/errors.ts";
import { refusal, testFront } from "./support.ts";

const front = testFront();

describe("hosts", () => {
  it.each([
    ["localhost:3000", "control_plane", "http://localhost:3000/"],
    ["LOCALHOST.:1", "control_plane", "http://localhost:3000/"],
    ["acme.localhost:3000", "acme", "http://acme.localhost:3000/"],
    ["ACME.localhost.:8080", "acme", "http://acme.localhost:3000/"],
    ["login.named.example", "named", "http://login.named.example:3000/"],
    ["login.named.example:8080", "named", "http://login.named.example:3000/"],
    ["LOGIN.Named.Example.", "named", "http://login.named.example:3000/"],
    ["Login.Named.example.:1", "named", "http://login.named.example:3000/"],
  ])("%s is %s with its canonical origin, whatever port was asked for", async (host, tenantId, origin) => {
    const { url, headers, env, context } = await front.seen(host, "/authorize?client_id=x");

    expect(url).toBe(`${origin}authorize?client_id=x`);
    expect(headers).toMatchObject({ host: new URL(origin).host, "tenant-id": tenantId });
    expect(env).toEqual({
      ENVIRONMENT: "test",
      ISSUER: origin,
      AUTH_URL: origin,
      OAUTH_API_URL: origin,
      UNIVERSAL_LOGIN_URL: `${origin}u/`,
    });
    expect(context).toMatchObject({ tenantId, origin });
  });

  it.each([
    ["example.com", 404, "unknown_host"],
    ["acme.localhost.example.com", 404, "unknown_host"],
    ["x.acme.localhost", 404, "unknown_host"],
    ["api.localhost", 404, "unknown_host"],
    ["127.0.0.1:3000", 404, "unknown_host"],
    ["[::1]:3000", 404, "unknown_host"],
    ["nobody.localhost", 404, "tenant_not_found"],
    ["login.named.example.evil.com", 404, "unknown_host"],
    ["evil-login.named.example", 404, "unknown_host"],
    ["x.login.named.example", 404, "unknown_host"],
    ["named.example", 404, "unknown_host"],
    ["münchen.example", 421, "unknown_host"],
    ["login.deleted.example", 404, "unknown_host"],
    ["login.lost.example", 404, "unknown_host"],
    ["xn--mnchen-3ya.localhost", 404, "tenant_not_found"],
    ["deleting.localhost", 404, "tenant_not_found"],
    ["deleted.localhost", 404, "tenant_not_found"],
    ["", 421, "unknown_host"],
    [`${"a.".repeat(146)}localhost`, 421, "unknown_host"],
    ["a b.localhost", 421, "unknown_host"],
  ])("refuses %j with %i %s on every route, before authentication", async (host, status, errorCode) => {
    for (const path of ["/authorize", "/oauth/token", "/api/v2/users", "/.well-known/jwks.json", "/u/login", "/"]) {
      expect(await refusal(await front.send(host, path))).toEqual([status, errorCode]);
    }
  });

  it.each([
    ["10.1.2.3", "login.named.example", "named"],
    ["10.1.2.3", "evil.example, ACME.localhost.:443", "acme"],
    ["203.0.113.9", "login.named.example", "beta"],
    ["203.0.113.9", "localhost", "beta"],
  ])("from %s x-forwarded-host %j at beta's host means %s", async (peer, forwarded, tenantId) => {
    const behind = testFront({ peerAddress: () => peer });
    const headers = { "x-forwarded-host": forwarded };
    const seen = await behind.seen("beta.localhost", "/.well-known/jwks.json", { headers });

    expect(seen.context.tenantId).toBe(tenantId);
    expect(seen.headers).not.toHaveProperty("x-forwarded-host");
  });

  it.each([
    ["login.named.example.", 200, undefined],
    ["x.login.named.example", 404, "unknown_host"],
    ["nobody.localhost", 404, "tenant_not_found"],
    ["[::1]", 404, "unknown_host"],
    ["", 421, "unknown_host"],
    [`${"a.".repeat(146)}localhost`, 421, "unknown_host"],
  ])("takes what a trusted proxy forwards as strictly: %j is %i %s", async (forwarded, status, errorCode) => {
    const behind = testFront({ peerAddress: () => "10.1.2.3" });
    const headers = { "x-forwarded-host": forwarded };

    expect(await refusal(await behind.send("beta.localhost", "/oauth/token", { headers }))).toEqual([
      status,
      errorCode,
    ]);
  });

  it("answers 503 where nobody can say whose a domain is, and serves the names it can tell", async () => {
    const unavailable = new PlatformError("unavailable", "database_unreachable", "The control plane is away");
    const cutOff = testFront({ domains: { ownerOf: () => Promise.reject(unavailable) } });

    for (const path of ["/authorize", "/oauth/token", "/api/v2/users", "/.well-known/jwks.json"]) {
      const answer = await cutOff.send("login.named.example", path);
      expect(answer.status).toBe(503);
      expect(answer.headers.get("retry-after")).toBe("1");
    }
    expect((await cutOff.seen("beta.localhost", "/oauth/token")).context.tenantId).toBe("beta");
  });

  it("does not serve a domain to whom the placement does not give it", async () => {
    const behindTheTimes = testFront({ domains: { ownerOf: () => Promise.resolve("beta") } });

    expect(await refusal(await behindTheTimes.send("login.named.example", "/oauth/token"))).toEqual([
      404,
      "unknown_host",
    ]);
  });

  it("answers the probe before it looks at the host", async () => {
    const response = await front.send("anything", "/healthz");

    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: "ok" });
  });

  it("does not take a path with two slashes for a host", async () => {
    const { url } = await front.seen("acme.localhost", "//evil.example/x");

    expect(url).toBe("http://acme.localhost:3000//evil.example/x");
  });
});

describe("the other names of a tenant with a domain of its own", () => {
  const OTHERS = ["named.localhost:3000", "Old.Named.Example.", "xn--mnchen-3ya.example"];

  it.each(OTHERS)("%s sends people to the canonical one, with path and query as they came", async (host) => {
    for (const path of [
      "/authorize?a=b%20c&redirect_uri=https%3A%2F%2Fx",
      "/u/login/identifier?state=s",
      "/v2/logout",
    ]) {
      const answer = await front.send(host, path);

      expect(answer.status).toBe(307);
      expect(answer.headers.get("location")).toBe(`http://login.named.example:3000${path}`);
      expect(answer.headers.get("cache-control")).toBe("no-store");
    }
  });

  it.each(OTHERS)("%s answers programs, and says who the issuer is", async (host) => {
    for (const path of ["/oauth/token", "/.well-known/openid-configuration", "/userinfo"]) {
      const { env, context, headers } = await front.seen(host, path);

      expect(env.ISSUER).toBe("http://login.named.example:3000/");
      expect(context).toMatchObject({ tenantId: "named", origin: "http://login.named.example:3000/" });
      expect(headers.host).toBe("login.named.example:3000");
    }
  });

  it("keep a posted answer of an identity provider, and begin a login form anew", async () => {
    const post = (path: string) => front.send("named.localhost", path, { method: "POST", body: "code=c&state=s" });

    expect((await post("/login/callback")).status).toBe(307);
    expect((await post("/u/login/identifier?state=s")).status).toBe(303);
  });

  it("do not lead away from this installation", async () => {
    const answer = await front.send("named.localhost", "/u//evil.example/x");

    expect(answer.headers.get("location")).toBe("http://login.named.example:3000/u//evil.example/x");
  });

  it("leave the canonical one where it is", async () => {
    expect((await front.seen("login.named.example:8080", "/authorize")).context.tenantId).toBe("named");
  });
});

describe("shapes of refusals", () => {
  it("has AuthHero's body on management routes", async () => {
    const response = await front.send("nobody.localhost", "/api/v2/users");

    expect(await response.json()).toEqual({
      statusCode: 404,
      error: "Not Found",
      message: "There is no such tenant.",
      errorCode: "tenant_not_found",
    });
  });

  it("has RFC 6749's body and CORS headers for OAuth clients", async () => {
    const headers = { origin: "https://app.example" };
    const response = await front.send("provisioning.localhost", "/oauth/token", { method: "POST", headers });

    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(response.headers.get("access-control-allow-origin")).toBe("https://app.example");
    expect(await response.json()).toEqual({
      error: "temporarily_unavailable",
      error_description: "This tenant is not ready yet.",
      errorCode: "tenant_not_ready",
    });
  });

  it.each(["/authorize?client_id=x", "/u/login/identifier", "/u2/login", "/v2/logout"])(
    "is a readable page on %s",
    async (path) => {
      const response = await front.send("suspended.localhost", path);

      expect(response.status).toBe(403);
      expect(response.headers.get("content-type")).toMatch(/^text\/html/);
      expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(await response.text()).toContain("This tenant is suspended.");
    },
  );
});
