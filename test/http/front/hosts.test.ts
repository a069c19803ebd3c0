import { describe, expect, it } from "vitest";
import { refusal, testFront } from "./support.ts";

const front = testFront();

describe("hosts", () => {
  it.each([
    ["localhost:3000", "control_plane", "http://localhost:3000/"],
    ["LOCALHOST.:1", "control_plane", "http://localhost:3000/"],
    ["acme.localhost:3000", "acme", "http://acme.localhost:3000/"],
    ["ACME.localhost.:8080", "acme", "http://acme.localhost:3000/"],
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
