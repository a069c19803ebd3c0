import { describe, expect, it } from "vitest";
import { refusal, testFront } from "./support.ts";

/** What the middlewares make of a request on its way in. */
const front = testFront();

const FORM = { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" } };

describe("body-limit", () => {
  const MEBIBYTE = "x".repeat(1024 * 1024);

  it("passes a large body on whole and refuses one that nobody needs", async () => {
    const post = (body: string) => front.send("acme.localhost", "/oauth/token", { ...FORM, body });

    expect((await post(MEBIBYTE)).status).toBe(200);
    expect(await refusal(await post(MEBIBYTE.repeat(3)))).toEqual([413, "body_too_large"]);
  });
});

describe("tenant", () => {
  it.each([
    ["acme.localhost", "/userinfo", { "tenant-id": "acme" }, "acme"],
    ["acme.localhost", "/userinfo", { "x-tenant-id": "acme" }, "acme"],
    ["localhost", "/userinfo", { "tenant-id": "control_plane" }, "control_plane"],
    ["localhost", "/userinfo", {}, "control_plane"],
    ["acme.localhost", "/authorize?tenant_id=beta", {}, "acme"],
    ["localhost", "/authorize?tenant_id=beta", {}, "control_plane"],
  ])("on %s%s with %o is the one tenant sent on", async (host, path, headers, tenantId) => {
    const echo = await front.seen(host, path, { headers });

    expect(echo.headers["tenant-id"]).toBe(tenantId);
    expect(echo.headers).not.toHaveProperty("x-tenant-id");
    expect(echo.url).not.toContain("tenant_id");
    expect(echo.context.tenantId).toBe(tenantId);
  });

  it.each<[string, string, Record<string, string>]>([
    ["acme.localhost", "/userinfo", { "tenant-id": "beta" }],
    ["acme.localhost", "/api/v2/users", { "tenant-id": "beta" }],
    ["acme.localhost", "/api/v2/users", { "x-tenant-id": "beta" }],
    ["acme.localhost", "/userinfo", { "tenant-id": "ACME" }],
    ["acme.localhost", "/userinfo", { "tenant-id": "" }],
    ["acme.localhost", "/userinfo", { "tenant-id": "acme, acme" }],
    ["acme.localhost", "/userinfo", { "tenant-id": "acme", "x-tenant-id": "acme" }],
    ["acme.localhost", "/userinfo", { "tenant-id": "control_plane" }],
    ["localhost", "/userinfo", { "tenant-id": "acme" }],
    ["localhost", "/authorize", { "x-tenant-id": "acme" }],
    ["localhost", "/api/v2/users", { "tenant-id": "" }],
    ["localhost", "/api/v2/users", { "tenant-id": "acme, beta" }],
  ])("refuses %s%s with %o as a conflict", async (host, path, headers) => {
    expect(await refusal(await front.send(host, path, { headers }))).toEqual([400, "tenant_conflict"]);
  });

  it("leaves a query without a tenant in it as it was written", async () => {
    const { url } = await front.seen("acme.localhost", "/authorize?scope=openid%20email&x=%7E");

    expect(url).toBe("http://acme.localhost:3000/authorize?scope=openid%20email&x=%7E");
  });
});

describe("client-ip", () => {
  const forged = {
    "x-forwarded-for": "6.6.6.6",
    "x-forwarded-host": "beta.localhost",
    "x-forwarded-proto": "https",
    forwarded: "for=6.6.6.6;host=beta.localhost",
    "x-real-ip": "6.6.6.6",
    "cf-connecting-ip": "6.6.6.6",
    "true-client-ip": "6.6.6.6",
    "x-client-ip": "6.6.6.6",
    "x-original-host": "beta.localhost",
  };

  it("believes nothing an untrusted peer says", async () => {
    const { headers, context } = await testFront({ peerAddress: () => "203.0.113.9" }).seen(
      "acme.localhost",
      "/userinfo",
      {
        headers: forged,
      },
    );

    expect(headers["x-real-ip"]).toBe("203.0.113.9");
    expect(Object.keys(headers).filter((name) => name in forged)).toEqual(["x-real-ip"]);
    expect(context.tenantId).toBe("acme");
  });

  it("sends no address on when there is no socket", async () => {
    const { headers } = await front.seen("acme.localhost", "/userinfo", { headers: forged });

    expect(headers).not.toHaveProperty("x-real-ip");
  });

  it.each([
    ["10.1.2.3", "198.51.100.7", "198.51.100.7"],
    ["10.1.2.3", "6.6.6.6, 198.51.100.7", "198.51.100.7"],
    ["10.1.2.3", "6.6.6.6, 198.51.100.7, 10.9.9.9", "198.51.100.7"],
    ["10.1.2.3", "6.6.6.6, nonsense, 10.9.9.9", "10.9.9.9"],
    ["10.1.2.3", "198.51.100.7:4711", "198.51.100.7"],
    ["10.1.2.3", "[2001:db8::9]:4711", "2001:db8::9"],
    ["10.1.2.3", "::ffff:198.51.100.7", "198.51.100.7"],
    ["10.1.2.3", "", "10.1.2.3"],
    ["::ffff:10.1.2.3", "198.51.100.7", "198.51.100.7"],
    ["2001:db8::1", "198.51.100.7", "198.51.100.7"],
    ["2001:db8::2", "198.51.100.7", "2001:db8::2"],
    ["11.1.2.3", "198.51.100.7", "11.1.2.3"],
  ])("behind %s with x-forwarded-for %j the client is %s", async (peer, forwardedFor, client) => {
    const { headers } = await testFront({ peerAddress: () => peer }).seen("acme.localhost", "/userinfo", {
      headers: { "x-forwarded-for": forwardedFor },
    });

    expect(headers["x-real-ip"]).toBe(client);
    expect(headers).not.toHaveProperty("x-forwarded-for");
  });

  it("takes the host from a trusted proxy, the nearest one's word", async () => {
    const proxied = testFront({ peerAddress: () => "10.1.2.3" });

    const { context } = await proxied.seen("internal", "/userinfo", {
      headers: { "x-forwarded-host": "evil.example, acme.localhost:443" },
    });

    expect(context).toMatchObject({ tenantId: "acme", origin: "http://acme.localhost:3000/" });
  });
});

describe("head-as-get", () => {
  it("runs HEAD as GET and drops the body", async () => {
    const response = await front.send("acme.localhost", "/userinfo", { method: "HEAD" });

    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.text()).toBe("");
  });

  it("guards HEAD like GET", async () => {
    expect((await front.send("acme.localhost", "/api/v2/users", { method: "HEAD" })).status).toBe(401);
  });
});

describe("setup-closed", () => {
  it.each(["/setup", "/setup/complete", "/SETUP", "//setup"])("%s is not there", async (path) => {
    expect(await refusal(await front.send("localhost", path, { method: "POST" }))).toEqual([404, "not_found"]);
  });
});

describe("origin-check", () => {
  const own = "http://acme.localhost:3000";

  it.each<[Record<string, string>, number]>([
    [{ origin: own }, 200],
    [{ "sec-fetch-site": "same-origin" }, 200],
    [{ "sec-fetch-site": "same-origin", origin: "null" }, 200],
    [{}, 403],
    [{ origin: "null" }, 403],
    [{ origin: "http://beta.localhost:3000" }, 403],
    [{ origin: "http://acme.localhost" }, 403],
    [{ origin: `${own}.evil.example` }, 403],
    [{ "sec-fetch-site": "same-site", origin: own }, 403],
    [{ "sec-fetch-site": "cross-site" }, 403],
    [{ "sec-fetch-site": "none" }, 403],
  ])("answers a form with %o with %i", async (headers, status) => {
    for (const path of ["/u/login/identifier?state=x", "/u2/screen/identifier", "/U/enter-password"]) {
      expect((await front.send("acme.localhost", path, { method: "POST", headers })).status).toBe(status);
    }
  });

  it("asks nothing of reading and of routes for programs", async () => {
    expect((await front.send("acme.localhost", "/u/login/identifier?state=x")).status).toBe(200);
    expect((await front.send("acme.localhost", "/oauth/token", FORM)).status).toBe(200);
  });
});

describe("tenant-state", () => {
  it.each([
    ["pending", "GET", "/authorize", 503, "tenant_not_ready"],
    ["provisioning", "POST", "/oauth/token", 503, "tenant_not_ready"],
    ["failed", "GET", "/.well-known/jwks.json", 503, "tenant_not_ready"],
    ["suspended", "GET", "/authorize", 403, "tenant_suspended"],
    ["suspended", "POST", "/oauth/token", 403, "tenant_suspended"],
    ["suspended", "GET", "/userinfo", 403, "tenant_suspended"],
    ["readonly", "POST", "/dbconnections/signup", 403, "tenant_read_only"],
  ])("a tenant that is %s answers %s %s with %i %s", async (tenant, method, path, status, errorCode) => {
    expect(await refusal(await front.send(`${tenant}.localhost`, path, { method }))).toEqual([status, errorCode]);
  });

  it.each([
    ["suspended", "GET", "/.well-known/openid-configuration"],
    ["suspended", "GET", "/.well-known/jwks.json"],
    ["suspended", "OPTIONS", "/oauth/token"],
    ["readonly", "POST", "/oauth/token"],
    ["readonly", "GET", "/authorize"],
  ])("a tenant that is %s goes on with %s %s", async (tenant, method, path) => {
    const init = method === "POST" ? FORM : { method };
    expect((await front.send(`${tenant}.localhost`, path, init)).status).toBe(200);
  });
});

describe("forward", () => {
  it("passes the body on as it is", async () => {
    const { body, method } = await front.seen("acme.localhost", "/oauth/token", { ...FORM, body: "a=1&b=%20" });

    expect([method, body]).toEqual(["POST", "a=1&b=%20"]);
  });

  it("gives the request an id, inside and in the answer", async () => {
    const response = await front.send("acme.localhost", "/userinfo", { headers: { "x-request-id": "forged" } });

    const requestId = response.headers.get("x-request-id");
    const seen = JSON.parse(await response.text());
    expect(requestId).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(seen.context.requestId).toBe(requestId);
    expect(seen.headers["x-request-id"]).toBe(requestId);
  });

  it("takes over the id and the trace that a trusted proxy gives, and nobody else's", async () => {
    const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const headers = { "x-request-id": "edge-7f3.a", traceparent: trace };
    const by = async (peer: string, more = {}) => {
      const behind = testFront({ peerAddress: () => peer });
      return await behind.seen("acme.localhost", "/userinfo", { headers: { ...headers, ...more } });
    };

    const trusted = await by("10.1.2.3");
    const stranger = await by("203.0.113.9");

    expect([trusted.context.requestId, trusted.headers["x-request-id"]]).toEqual(["edge-7f3.a", "edge-7f3.a"]);
    expect(trusted.headers.traceparent).toBe(trace);
    expect(stranger.context.requestId).not.toBe("edge-7f3.a");
    expect(stranger.headers).not.toHaveProperty("traceparent");
    for (const id of ["a b", "x".repeat(129), "<script>"]) {
      expect((await by("10.1.2.3", { "x-request-id": id })).context.requestId).not.toBe(id);
    }
  });

  it("gives every request an environment of its own", async () => {
    const seen: unknown[] = [];
    const leaving = testFront({
      inner: (_request, env) => {
        seen.push({ ...env });
        env.left = "behind";
        return new Response();
      },
    });

    await leaving.send("acme.localhost", "/userinfo");
    await leaving.send("beta.localhost", "/userinfo");

    expect(seen).toEqual([
      expect.objectContaining({ ISSUER: "http://acme.localhost:3000/" }),
      expect.not.objectContaining({ left: "behind" }),
    ]);
  });
});
