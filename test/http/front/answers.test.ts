import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { PlatformError } from "../../../src/domain/errors.ts";
import { rememberFailure } from "../../../src/tenancy/context.ts";
import { patchAsAdministrator } from "./signed.ts";
import { answering, refusal, testFront } from "./support.ts";

/** What the middlewares make of an answer on its way out. */

describe("cookies", () => {
  const JOINED =
    "auth=a1; Domain=.acme.localhost; Path=/; HttpOnly; Max-Age=60; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Secure; SameSite=None; Partitioned, second=b2; Path=/u; Domain=localhost; Secure";
  const inner = answering(() => {
    const headers = new Headers({ "content-type": "text/plain" });
    headers.append("set-cookie", JOINED);
    headers.append("set-cookie", "third=c3");
    return new Response("ok", { headers });
  });

  it("are split, kept on their host and usable over plain http", async () => {
    const response = await testFront({ inner }).send("acme.localhost", "/authorize");

    expect(response.headers.getSetCookie()).toEqual([
      "auth=a1; Path=/; HttpOnly; Max-Age=60; Expires=Wed, 21 Oct 2026 07:28:00 GMT; SameSite=Lax",
      "second=b2; Path=/u; SameSite=Lax",
      "third=c3; SameSite=Lax",
    ]);
  });

  it("are bound to their host by name over https", async () => {
    const front = testFront({ inner, issuer: new URL("https://localhost/") });

    const response = await front.send("acme.localhost", "/authorize");

    expect(response.headers.getSetCookie()).toEqual([
      "__Host-auth=a1; HttpOnly; Max-Age=60; Expires=Wed, 21 Oct 2026 07:28:00 GMT; SameSite=None; Partitioned; Path=/; Secure",
      "__Host-second=b2; Path=/; Secure",
      "__Host-third=c3; Path=/; Secure",
    ]);
  });

  it("are read back over https only with the prefix", async () => {
    const front = testFront({ issuer: new URL("https://localhost/") });

    const { headers } = await front.seen("acme.localhost", "/authorize", {
      headers: { cookie: "auth=planted; __Host-auth=a1; __Secure-x=1; __Host-second=b2" },
    });
    const without = await front.seen("acme.localhost", "/authorize", { headers: { cookie: "auth=planted" } });

    expect(headers.cookie).toBe("auth=a1; second=b2");
    expect(without.headers).not.toHaveProperty("cookie");
  });

  it("are read as they are over plain http", async () => {
    const { headers } = await testFront().seen("acme.localhost", "/authorize", { headers: { cookie: "auth=a1" } });

    expect(headers.cookie).toBe("auth=a1");
  });
});

describe("patch-keys", () => {
  it.each(["clients", "organizations", "resource-servers", "connections", "users", "roles"])(
    "notes the keys that the body of PATCH /%s/{id} had",
    async (collection) => {
      const body = '{ "name": "x", "description": null, "nested": { "inner": 1 } }';

      const echo = await patchAsAdministrator(`/api/v2/${collection}/id%7C1`, body);

      expect(echo.context.patchKeys).toEqual(["name", "description", "nested"]);
      expect(echo.body).toBe(body);
    },
  );

  it.each([
    ["/api/v2/clients/x", "[]"],
    ["/api/v2/clients/x", "null"],
    ["/api/v2/clients/x", "{ broken"],
    ["/api/v2/clients/x/connections", '{ "a": 1 }'],
    ["/api/v2/branding", '{ "a": 1 }'],
  ])("notes nothing of PATCH %s with %s, which passes on unchanged", async (path, body) => {
    const echo = await patchAsAdministrator(path, body);

    expect(echo.context).not.toHaveProperty("patchKeys");
    expect(echo.body).toBe(body);
  });
});

describe("errors", () => {
  const failing = (failure: PlatformError | undefined, status = 500) =>
    testFront({
      inner: answering(() => {
        if (failure) rememberFailure(failure);
        return new Response("Internal Server Error: secret detail", { status });
      }),
    });
  const lost = new PlatformError("unavailable", "database_unreachable", "file:/secret/path is gone");

  it.each([
    [lost, 503, "tenant_unavailable"],
    [new PlatformError("conflict", "unique_violation", "That exists already."), 409, "unique_violation"],
    [new PlatformError("internal", "bad_sql", "secret detail"), 500, "internal"],
    [undefined, 500, "internal"],
  ])("puts an adapter's %o back in place of a 500", async (failure, status, errorCode) => {
    for (const path of ["/oauth/token", "/authorize"]) {
      const response = await failing(failure).send("acme.localhost", path);
      const text = await response.clone().text();

      expect(await refusal(response)).toEqual([status, errorCode]);
      expect(text).not.toContain("secret");
    }
  });

  it("tells OAuth clients to wait, in their own words", async () => {
    const form = { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" } };
    const response = await failing(lost).send("acme.localhost", "/oauth/token", form);

    expect(response.headers.get("retry-after")).toBe("1");
    expect(await response.json()).toMatchObject({ error: "temporarily_unavailable" });
  });

  it("leaves an answer alone that is no failure of the server", async () => {
    const response = await failing(lost, 403).send("acme.localhost", "/oauth/token");

    expect(response.status).toBe(403);
  });

  it("leaves a 501 alone", async () => {
    expect((await failing(undefined, 501).send("acme.localhost", "/oauth/token")).status).toBe(501);
  });

  it("keeps what was thrown to the log", async () => {
    const thrown = new Error("secret detail");
    const front = testFront({
      inner: () => {
        throw thrown;
      },
    });

    const response = await front.send("acme.localhost", "/oauth/token");

    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("secret");
    expect(front.log).toEqual([
      {
        level: "error",
        event: "request.failed",
        fields: { requestId: response.headers.get("x-request-id"), path: "/oauth/token", error: thrown },
      },
    ]);
  });

  it("answers 503 when the control plane cannot be asked", async () => {
    const front = testFront({
      placements: { get: () => Promise.reject(lost), ofOrganization: () => Promise.reject(lost) },
    });

    expect(await refusal(await front.send("acme.localhost", "/authorize"))).toEqual([503, "tenant_unavailable"]);
  });
});

describe("pages", () => {
  const html = (body: string) =>
    answering(() => new Response(body, { headers: { "content-type": "text/html; charset=UTF-8" } }));
  const policyOf = (response: Response) =>
    Object.fromEntries(
      (response.headers.get("content-security-policy") ?? "").split("; ").map((directive) => {
        const [name, ...sources] = directive.split(" ");
        return [name, sources];
      }),
    );
  const hashOf = (script: string) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`;

  it("names no host of AuthHero's makers", async () => {
    const inner = html(
      '<html><head><link rel="preload" href="https://assets.sesamy.com/f.woff2" as="font"/><link rel="icon" href="/i"/></head>' +
        '<body style="background-image:url(https://assets.sesamy.com/images/bg.jpg)">' +
        '<a href="https://sesamy.com" target="_blank"><span></span></a><a href="/u/x">own</a>' +
        '<script type="application/json">{"font_url":"https://assets.sesamy.com/f.woff2","x":1}</script></body></html>',
    );

    const text = await (await testFront({ inner }).send("acme.localhost", "/u2/login?state=s")).text();

    expect(text).toBe(
      '<html><head><link rel="icon" href="/i"/></head>' +
        '<body style="background-image:linear-gradient(160deg,#1e293b,#475569)">' +
        '<a href="/u/x">own</a>' +
        '<script type="application/json">{"font_url":"","x":1}</script></body></html>',
    );
  });

  it("cleans style sheets and what the widget fetches", async () => {
    const css =
      "@font-face{font-family:uicon;src:url(https://login2.sesamy.com/u.woff2)}@font-face{src:url(/own)}a{color:red}";
    const styles = testFront({
      inner: answering(() => new Response(css, { headers: { "content-type": "text/css" } })),
    });
    const theme = testFront({ inner: answering(() => Response.json({ font: "https://assets.sesamy.com/f.woff2" })) });

    const cleaned = await (await styles.send("acme.localhost", "/u/css/tailwind.css")).text();

    expect(cleaned).toMatch(/^@font-face\{src:url\(\/own\)\}a\{color:red\}/);
    expect(cleaned).not.toContain("sesamy");
    expect(cleaned).toContain('.uicon-arrow-right:before{content:"\\2192"}');
    expect(await (await theme.send("acme.localhost", "/u2/screen/login")).json()).toEqual({ font: "" });
    expect(await (await theme.send("acme.localhost", "/userinfo")).json()).toEqual({
      font: "https://assets.sesamy.com/f.woff2",
    });
  });

  it("allow nothing but our own files and where this login leads", async () => {
    const asked: unknown[] = [];
    const front = testFront({
      inner: html("<html><body>hello</body></html>"),
      pageSources: {
        formTargets: (tenantId, state) => {
          asked.push([tenantId, state]);
          return Promise.resolve([
            "https://app.example/cb?x=1",
            "com.example.app:/cb",
            "javascript:alert(1)",
            "nonsense",
          ]);
        },
        assets: () => Promise.resolve(["https://cdn.example/logo.png"]),
      },
    });

    const response = await front.send("acme.localhost", "/u/login/identifier?state=s1");

    expect(asked).toEqual([["acme", "s1"]]);
    expect(policyOf(response)).toMatchObject({
      "default-src": ["'none'"],
      "img-src": ["'self'", "data:", "https://cdn.example"],
      "form-action": ["'self'", "https://app.example", "com.example.app:"],
      "frame-ancestors": ["'none'"],
      "base-uri": ["'none'"],
    });
    expect(policyOf(response)["script-src"]).not.toContain("'unsafe-inline'");
    expect(response.headers.get("x-frame-options")).toBe("DENY");
    expect(response.headers.get("cache-control")).toBe("no-store");
  });

  it("run the one script that closes the body, and none that was smuggled in before it", async () => {
    const inner = html("<html><body><script>evil()</script><p></p><script>own(1<2)</script></body></html>");

    const response = await testFront({ inner }).send("acme.localhost", "/u2/login?state=s");

    expect(policyOf(response)["script-src"]).toContain(hashOf("own(1<2)"));
    expect(policyOf(response)["script-src"]).not.toContain(hashOf("evil()"));
  });

  it("keep a caller's state inside the script of a web_message answer, framed by its application only", async () => {
    const page = (state: string) =>
      `<!DOCTYPE html><html><body>\n<script type="text/javascript">var targetOrigin = "https://app.example";\nvar r = {"state":"${state}"};</script>\n  </body>\n  </html>`;
    const inner = html(page("</script><script>alert(1)</script><!--"));

    const response = await testFront({ inner }).send("acme.localhost", "/authorize?response_mode=web_message");

    const escaped = page("\\u003c/script>\\u003cscript>alert(1)\\u003c/script>\\u003c!--");
    expect(await response.clone().text()).toBe(escaped);
    expect(policyOf(response)["frame-ancestors"]).toEqual(["https://app.example"]);
    expect(response.headers.has("x-frame-options")).toBe(false);
    const script = /<script type="text\/javascript">([\s\S]*)<\/script>/.exec(escaped)?.[1] ?? "";
    expect(policyOf(response)["script-src"]).toContain(hashOf(script));
  });

  it("let a form_post answer post to its application", async () => {
    const inner = html(
      '<html><body onload="document.forms[0].submit()"><form id="formpost" method="post" action="https://app.example/cb?a=1&amp;b=2"></form></body></html>',
    );

    const response = await testFront({ inner }).send("acme.localhost", "/authorize/resume?state=s");

    expect(policyOf(response)["form-action"]).toEqual(["'self'", "https://app.example"]);
    expect(policyOf(response)["script-src"]).toContain(hashOf("document.forms[0].submit()"));
  });

  it("serve the widget's scripts from AuthHero's package, and nothing else from there", async () => {
    const front = testFront({ inner: answering(() => new Response("inner", { status: 404 })) });

    const script = await front.send("acme.localhost", "/u/widget/authhero-widget.esm.js?v=1");

    expect(script.status).toBe(200);
    expect(script.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    for (const path of ["/u/widget/../js/client.js", "/u/widget/..%2f..%2fauthhero.mjs", "/u/widget/"]) {
      expect((await front.send("acme.localhost", path)).status).toBe(404);
    }
  });
});
