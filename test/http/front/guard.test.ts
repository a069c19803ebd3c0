import { createPublicKey, type KeyObject } from "node:crypto";
import { exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import type { KeyOwner } from "../../../src/http/front/exchange.ts";
import { BEGAN, NOW, refusal, type TestFront, testFront } from "./support.ts";

type Signer = (claims?: JWTPayload & Record<string, unknown>, issuedAt?: number) => Promise<string>;

const seconds = (date: Date) => Math.floor(date.getTime() / 1000);

async function newSigner(kid: string): Promise<{ publicKey: KeyObject; sign: Signer }> {
  const { publicKey, privateKey } = await generateKeyPair("RS256");
  const sign: Signer = (claims = {}, issuedAt = seconds(NOW) - 60) =>
    new SignJWT({ sub: `${kid}|user`, exp: seconds(NOW) + 3600, ...claims })
      .setProtectedHeader({ alg: "RS256", kid })
      .setIssuedAt(issuedAt)
      .sign(privateKey);
  return { publicKey: createPublicKey(await exportSPKI(publicKey)), sign };
}

let front: TestFront;
/** Tokens by what they are. */
const tokens: Record<string, string> = {};

beforeAll(async () => {
  const [control, acme, beta, suspended, deleted, stranger] = await Promise.all(
    ["control", "acme", "beta", "suspended", "deleted", "stranger"].map(newSigner),
  );
  if (!control || !acme || !beta || !suspended || !deleted || !stranger) throw new Error("six signers were asked for");
  front = testFront({
    signers: {
      control: { tenantId: "control_plane", publicKey: control.publicKey },
      acme: { tenantId: "acme", publicKey: acme.publicKey },
      beta: { tenantId: "beta", publicKey: beta.publicKey },
      suspended: { tenantId: "suspended", publicKey: suspended.publicKey },
      deleted: { tenantId: "deleted", publicKey: deleted.publicKey },
    },
  });
  const none = Buffer.from(JSON.stringify({ alg: "none", kid: "control" })).toString("base64url");
  const forged = { tenant_id: "control_plane", permissions: ["admin:organizations"], scope: "delete:tenants" };
  Object.assign(tokens, {
    garbage: "garbage",
    unsigned: `${none}.${Buffer.from('{"sub":"x"}').toString("base64url")}.`,
    expired: await control.sign({ exp: seconds(NOW) - 1 }),
    immortal: await control.sign({ exp: undefined }),
    "not yet valid": await control.sign({ nbf: seconds(NOW) + 60 }),
    "signed by a stranger": await stranger.sign({}),
    "of a deleted tenant": await deleted.sign(),
    "of acme, before it began": await acme.sign({}, seconds(BEGAN) - 1),
    "of acme, claiming the control plane": await acme.sign(forged),
    "of acme, claiming beta": await acme.sign({ tenant_id: "beta" }),
    "of the control plane, claiming acme": await control.sign({ tenant_id: "acme" }),
    "of acme": await acme.sign({
      tenant_id: "acme",
      ...{ permissions: ["admin:organizations"], scope: "read:tenants" },
    }),
    "of acme, in its first second": await acme.sign({}, seconds(BEGAN)),
    "of acme, for its own organization": await acme.sign({ org_id: "org_1" }),
    "of suspended": await suspended.sign(),
    "of the control plane": await control.sign({ tenant_id: "control_plane", scope: "read:tenants" }),
    "of a global administrator": await control.sign({ permissions: ["admin:organizations"] }),
    "of a global administrator, by scope": await control.sign({ scope: "read:users admin:organizations" }),
    "of an organization": await control.sign({ org_id: "org_1", permissions: ["admin:organizations"] }),
    "of acme's team": await control.sign({ org_id: "org_acme", org_name: "beta", scope: "admin:organizations" }),
    "of acme's team, of an earlier life": await control.sign({ org_id: "org_acme" }, seconds(BEGAN) - 1),
    "of acme's team, long gone": await control.sign({ sub: "former|member", org_id: "org_acme" }),
    "of suspended's team": await control.sign({ org_id: "org_suspended" }),
    "of deleted's team": await control.sign({ org_id: "org_deleted" }),
    "of an organization, oddly written": await control.sign({ org_id: null, permissions: ["admin:organizations"] }),
  });
});

interface CallInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function call(host: string, path: string, token?: string, init: CallInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (token !== undefined) headers.set("authorization", `Bearer ${tokens[token]}`);
  return front.send(host, path, { ...init, headers });
}

const PASS: [number, undefined] = [200, undefined];
const UNAUTHORIZED = [401, "invalid_token"];
const FORBIDDEN = [403, "tenant_forbidden"];

describe("the guard, on tokens", () => {
  it.each([
    [undefined],
    ["garbage"],
    ["unsigned"],
    ["expired"],
    ["immortal"],
    ["not yet valid"],
    ["signed by a stranger"],
    ["of a deleted tenant"],
    ["of acme, before it began"],
    ["of acme, claiming the control plane"],
    ["of acme, claiming beta"],
    ["of the control plane, claiming acme"],
  ])("answers 401 to a token that is %s, wherever it is shown", async (token) => {
    for (const [host, path, headers] of [
      ["localhost", "/api/v2/users", {}],
      ["localhost", "/api/v2/tenants", {}],
      ["localhost", "/api/v2/users", { "tenant-id": "acme" }],
      ["localhost", "/api/v2/users", { "tenant-id": "nobody" }],
      ["acme.localhost", "/api/v2/users", {}],
      ["acme.localhost", "/api/v2/tenants/acme", {}],
    ] as const) {
      expect(await refusal(await call(host, path, token, { headers }))).toEqual(UNAUTHORIZED);
    }
  });

  it.each(["Basic abc", "Bearer", "Bearer a b", "Bearer a,Bearer b", "bearer"])(
    "answers 401 to Authorization: %s",
    async (authorization) => {
      const response = await front.send("localhost", "/api/v2/users", { headers: { authorization } });

      expect(await refusal(response)).toEqual(UNAUTHORIZED);
      expect(response.headers.get("www-authenticate")).toBe('Bearer error="invalid_token"');
    },
  );

  it("takes a key only with the algorithms of its type", async () => {
    const head = Buffer.from(JSON.stringify({ alg: "ES256", kid: "control" })).toString("base64url");
    const [, payload, signature] = (tokens["of a global administrator"] ?? "").split(".");
    const authorization = `Bearer ${head}.${payload}.${signature}`;

    expect(await refusal(await front.send("localhost", "/api/v2/users", { headers: { authorization } }))).toEqual(
      UNAUTHORIZED,
    );
  });
});

describe("the guard, on who reaches whom", () => {
  it.each<[token: string, host: string, path: string, tenantHeader: string | undefined, expected: unknown[]]>([
    ["of acme", "acme.localhost", "/api/v2/users", undefined, PASS],
    ["of acme", "acme.localhost", "/api/v2/tenants/settings", undefined, PASS],
    ["of acme", "localhost", "/api/v2/users", "acme", PASS],
    ["of acme, in its first second", "acme.localhost", "/api/v2/users", undefined, PASS],
    ["of acme, for its own organization", "acme.localhost", "/api/v2/users", undefined, PASS],
    ["of acme", "localhost", "/api/v2/users", undefined, FORBIDDEN],
    ["of acme", "localhost", "/api/v2/tenants/settings", undefined, FORBIDDEN],
    ["of acme", "localhost", "/api/v2/users", "beta", FORBIDDEN],
    ["of acme", "localhost", "/api/v2/users", "nobody", FORBIDDEN],
    ["of acme", "localhost", "/api/v2/users", "deleted", FORBIDDEN],
    ["of acme", "beta.localhost", "/api/v2/users", undefined, FORBIDDEN],
    ["of acme", "beta.localhost", "/api/v2/users", "beta", FORBIDDEN],
    ["of acme", "suspended.localhost", "/api/v2/users", undefined, FORBIDDEN],
    ["of acme", "acme.localhost", "/api/v2/tenants", undefined, FORBIDDEN],
    ["of acme", "acme.localhost", "/api/v2/tenants/acme", undefined, FORBIDDEN],
    ["of acme", "localhost", "/api/v2/tenants/acme", "acme", FORBIDDEN],
    ["of acme", "acme.localhost", "/api/v2/operations", undefined, FORBIDDEN],
    ["of acme", "acme.localhost", "/api/v2/operations/1", undefined, FORBIDDEN],

    ["of the control plane", "localhost", "/api/v2/users", undefined, PASS],
    ["of the control plane", "localhost", "/api/v2/tenants", undefined, PASS],
    ["of the control plane", "acme.localhost", "/api/v2/tenants", undefined, PASS],
    ["of the control plane", "localhost", "/api/v2/tenants/acme", "acme", FORBIDDEN],
    ["of the control plane", "localhost", "/api/v2/tenants/nobody", undefined, FORBIDDEN],
    ["of the control plane", "localhost", "/api/v2/operations", undefined, FORBIDDEN],
    ["of a global administrator", "localhost", "/api/v2/operations", undefined, PASS],
    ["of the control plane", "localhost", "/api/v2/users", "acme", FORBIDDEN],
    ["of the control plane", "localhost", "/api/v2/users", "nobody", FORBIDDEN],
    ["of the control plane", "localhost", "/api/v2/tenants/settings", "acme", FORBIDDEN],
    ["of the control plane", "acme.localhost", "/api/v2/users", undefined, FORBIDDEN],

    ["of a global administrator", "localhost", "/api/v2/users", "acme", PASS],
    ["of a global administrator", "acme.localhost", "/api/v2/users", undefined, PASS],
    ["of a global administrator, by scope", "acme.localhost", "/api/v2/users", undefined, PASS],
    ["of a global administrator", "localhost", "/api/v2/users", "nobody", [404, "tenant_not_found"]],
    ["of a global administrator", "localhost", "/api/v2/users", "deleted", [404, "tenant_not_found"]],
    ["of a global administrator", "localhost", "/api/v2/users", "suspended", [403, "tenant_suspended"]],
    ["of a global administrator", "localhost", "/api/v2/users", "provisioning", [503, "tenant_not_ready"]],
    ["of a global administrator", "localhost", "/api/v2/users", "readonly", PASS],
    ["of a global administrator", "localhost", "/api/v2/tenants/suspended", "suspended", PASS],
    ["of suspended", "suspended.localhost", "/api/v2/users", undefined, [403, "tenant_suspended"]],

    ["of an organization", "localhost", "/api/v2/users", undefined, FORBIDDEN],
    ["of an organization", "localhost", "/api/v2/tenants", undefined, FORBIDDEN],
    ["of an organization", "localhost", "/api/v2/users", "acme", FORBIDDEN],
    ["of an organization", "acme.localhost", "/api/v2/users", undefined, FORBIDDEN],
    ["of an organization, oddly written", "acme.localhost", "/api/v2/users", undefined, FORBIDDEN],
    ["of an organization, oddly written", "localhost", "/api/v2/users", undefined, FORBIDDEN],

    ["of acme's team", "localhost", "/api/v2/users", undefined, PASS],
    ["of acme's team", "localhost", "/api/v2/users", "acme", PASS],
    ["of acme's team", "acme.localhost", "/api/v2/users", undefined, PASS],
    ["of acme's team", "acme.localhost", "/api/v2/users", "acme", PASS],
    ["of acme's team", "localhost", "/api/v2/tenants/settings", undefined, PASS],
    ["of acme's team", "localhost", "/api/v2/tenants", undefined, PASS],
    ["of acme's team", "acme.localhost", "/api/v2/tenants", undefined, PASS],
    ["of acme's team", "localhost", "/api/v2/tenants/acme", undefined, PASS],
    ["of acme's team", "localhost", "/api/v2/tenants/acme", "beta", PASS],
    ["of acme's team", "localhost", "/api/v2/tenants/acme/database", undefined, PASS],
    ["of acme's team", "localhost", "/api/v2/users", "beta", FORBIDDEN],
    ["of acme's team", "localhost", "/api/v2/users", "nobody", FORBIDDEN],
    ["of acme's team", "localhost", "/api/v2/users", "suspended", FORBIDDEN],
    ["of acme's team", "localhost", "/api/v2/users", "control_plane", FORBIDDEN],
    ["of acme's team", "beta.localhost", "/api/v2/users", undefined, FORBIDDEN],
    ["of acme's team", "localhost", "/api/v2/tenants/beta", undefined, FORBIDDEN],
    ["of acme's team", "localhost", "/api/v2/tenants/acme2", undefined, FORBIDDEN],
    ["of acme's team", "localhost", "/api/v2/tenants/acme/../beta", undefined, FORBIDDEN],
    ["of acme's team", "localhost", "/api/v2/tenants/acme%2f..%2fbeta", undefined, FORBIDDEN],
    ["of acme's team", "localhost", "/api/v2/tenants/nobody", undefined, FORBIDDEN],
    ["of acme's team", "localhost", "/api/v2/operations", undefined, FORBIDDEN],
    ["of acme's team", "localhost", "/api/v2/operations/1", undefined, FORBIDDEN],
    ["of acme's team, of an earlier life", "localhost", "/api/v2/users", "acme", FORBIDDEN],
    ["of acme's team, of an earlier life", "localhost", "/api/v2/tenants", undefined, FORBIDDEN],
    ["of acme's team, long gone", "acme.localhost", "/api/v2/users", undefined, FORBIDDEN],
    ["of acme's team, long gone", "localhost", "/api/v2/tenants", undefined, FORBIDDEN],
    ["of acme's team, long gone", "localhost", "/api/v2/tenants/acme", undefined, FORBIDDEN],
    ["of suspended's team", "localhost", "/api/v2/users", undefined, [403, "tenant_suspended"]],
    ["of suspended's team", "localhost", "/api/v2/tenants/suspended", undefined, PASS],
    ["of deleted's team", "localhost", "/api/v2/users", undefined, FORBIDDEN],
    ["of deleted's team", "localhost", "/api/v2/tenants/deleted", undefined, FORBIDDEN],
  ])("a token %s at %s%s with tenant-id %s gets %o", async (token, host, path, tenantHeader, expected) => {
    const headers: Record<string, string> = tenantHeader === undefined ? {} : { "tenant-id": tenantHeader };

    expect(await refusal(await call(host, path, token, { headers }))).toEqual(expected);
    // HEAD has no body to read a code from, and the same status.
    expect((await call(host, path, token, { headers, method: "HEAD" })).status).toBe(expected[0]);
  });

  it.each([
    ["PATCH", "/api/v2/tenants/acme", 200],
    ["DELETE", "/api/v2/tenants/acme", 200],
    ["POST", "/api/v2/tenants/acme", 403],
    ["POST", "/api/v2/tenants", 403],
    ["DELETE", "/api/v2/tenants", 403],
    ["OPTIONS", "/api/v2/tenants/acme", 403],
    ["POST", "/api/v2/tenants/acme/suspend", 403],
    ["POST", "/api/v2/tenants/acme/operations", 403],
    ["DELETE", "/api/v2/tenants/acme/operations", 403],
    ["POST", "/api/v2/users", 200],
  ])("a token of acme's team may %s %s: %i", async (method, path, status) => {
    expect((await call("localhost", path, "of acme's team", { method })).status).toBe(status);
  });

  it("without the match of organizations lets every operator in, and no organization", async () => {
    const open = testFront({ keys: front.keys, requireOrganizationMatch: false });
    const status = async (token: string) => {
      const headers = { authorization: `Bearer ${tokens[token]}`, "tenant-id": "acme" };
      return (await open.send("localhost", "/api/v2/users", { headers })).status;
    };

    expect(await status("of the control plane")).toBe(200);
    expect(await status("of suspended's team")).toBe(403);
    expect(await status("of beta")).toBe(401);
    expect(open.log).toMatchObject([{ level: "warn", event: "guard.organization_match_off" }]);
    expect(front.log).toEqual([]);
  });

  it("refuses to write to a read-only tenant", async () => {
    const init = { method: "POST", headers: { "tenant-id": "readonly" } };

    expect(await refusal(await call("localhost", "/api/v2/users", "of a global administrator", init))).toEqual([
      403,
      "tenant_read_only",
    ]);
  });

  it.each(["/API/v2/users", "//api/v2/users", "/api//v2/users", "/%61pi/v2/users", "/x/../api/v2/users", "/api/v2"])(
    "guards %s as the management route it may be",
    async (path) => {
      expect((await call("localhost", path)).status).toBe(401);
    },
  );

  it("runs routes about tenants with the control plane as target, on whatever host", async () => {
    const response = await call("acme.localhost", "/api/v2/tenants", "of a global administrator");

    const { context, headers, url } = JSON.parse(await response.text());
    expect(context).toMatchObject({
      tenantId: "control_plane",
      origin: "http://localhost:3000/",
      actor: "control|user",
    });
    expect(headers["tenant-id"]).toBe("control_plane");
    expect(url).toBe("http://localhost:3000/api/v2/tenants");
  });

  it("runs a header's tenant with that tenant's origin", async () => {
    const init = { headers: { "x-tenant-id": "acme" } };
    const response = await call("localhost", "/api/v2/users", "of a global administrator", init);

    const { context, env } = JSON.parse(await response.text());
    expect(context.tenantId).toBe("acme");
    expect(env.ISSUER).toBe("http://acme.localhost:3000/");
  });
});

describe("the guard, on what is open", () => {
  it("lets the OpenAPI document through, of the host's tenant only", async () => {
    const response = await call("localhost", "/api/v2/spec", undefined, { headers: { "tenant-id": "nobody" } });

    expect(JSON.parse(await response.text()).servers).toEqual([{ url: "http://localhost:3000/api/v2" }]);
    expect((await call("localhost", "/api/v2/spec", undefined, { method: "POST" })).status).toBe(401);
  });

  it("lets a preflight through, and no other OPTIONS", async () => {
    const preflight = { origin: "https://console.example", "access-control-request-method": "GET" };

    expect(
      (await call("acme.localhost", "/api/v2/users", undefined, { method: "OPTIONS", headers: preflight })).status,
    ).toBe(200);
    expect((await call("acme.localhost", "/api/v2/users", undefined, { method: "OPTIONS" })).status).toBe(401);
  });
});

describe("foreign tokens, outside of the Management API", () => {
  it.each([
    ["acme.localhost", "of acme", 200],
    ["acme.localhost", "of acme, claiming beta", 401],
    ["acme.localhost", "of the control plane", 401],
    ["beta.localhost", "of acme", 401],
    ["localhost", "of acme", 401],
    ["acme.localhost", "garbage", 200],
  ])("at %s a token %s gets %i from /userinfo", async (host, token, status) => {
    expect((await call(host, "/userinfo", token)).status).toBe(status);
  });

  it.each([
    ["acme.localhost", "of acme", 200],
    ["acme.localhost", "of acme, claiming beta", 401],
    ["beta.localhost", "of acme", 401],
  ])("at %s a posted token %s gets %i from /userinfo", async (host, token, status) => {
    const body = new URLSearchParams({ access_token: tokens[token] ?? "" });

    expect((await front.send(host, "/userinfo", { method: "POST", body })).status).toBe(status);
  });

  it.each([
    ["several of them", `access_token=a&access_token=b`, "application/x-www-form-urlencoded"],
    ["a body of another type", `access_token=a`, "multipart/form-data; boundary=x"],
  ])("passes on no posted token when there is %s", async (_, body, type) => {
    const echo = await front.seen("acme.localhost", "/userinfo", {
      method: "POST",
      body,
      headers: { "content-type": type },
    });

    expect(echo.body).toBe("");
  });
});

describe("a token that was accepted before", () => {
  const statusOf = async (front: TestFront, token: string) => {
    const headers = { authorization: `Bearer ${token}` };
    return (await front.send("acme.localhost", "/api/v2/users", { headers })).status;
  };

  it("is refused once its time is over, and not before", async () => {
    const { publicKey, sign } = await newSigner("acme");
    let now = NOW;
    const front = testFront({ signers: { acme: { tenantId: "acme", publicKey } }, clock: () => now });
    const token = await sign({ exp: seconds(NOW) + 60 });

    for (const _ of [1, 2]) expect(await statusOf(front, token)).toBe(200);
    now = new Date(NOW.getTime() + 59_999);
    expect(await statusOf(front, token)).toBe(200);
    now = new Date(NOW.getTime() + 60_000);
    expect(await statusOf(front, token)).toBe(401);
  });

  it("is refused once nobody has its key any more, or the key of that name is another", async () => {
    const [mine, other] = [await newSigner("acme"), await newSigner("acme")];
    let owner: KeyOwner | null = { tenantId: "acme", publicKey: mine.publicKey };
    const front = testFront({ keys: { ownerOf: () => Promise.resolve(owner) } });
    const token = await mine.sign();
    for (const _ of [1, 2]) expect(await statusOf(front, token)).toBe(200);

    owner = null;
    expect(await statusOf(front, token)).toBe(401);
    owner = { tenantId: "acme", publicKey: other.publicKey };
    expect(await statusOf(front, token)).toBe(401);
  });

  it("helps no other: one claim or one character changed is another token", async () => {
    const { publicKey, sign } = await newSigner("acme");
    const front = testFront({ signers: { acme: { tenantId: "acme", publicKey } } });
    const [header, , signature] = (await sign()).split(".");
    const token = await sign();
    for (const _ of [1, 2]) expect(await statusOf(front, token)).toBe(200);

    const claims = { sub: "acme|other", iat: seconds(NOW) - 60, exp: seconds(NOW) + 3600 };
    const forged = Buffer.from(JSON.stringify(claims)).toString("base64url");
    expect(await statusOf(front, `${header}.${forged}.${signature}`)).toBe(401);
    expect(await statusOf(front, `${token.slice(0, -8)}AAAAAAAA`)).toBe(401);
  });
});
