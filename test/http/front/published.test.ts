import { beforeEach, describe, expect, it } from "vitest";
import type { FrontOptions } from "../../../src/http/front/index.ts";
import { BEGAN, NOW, refusal, testFront } from "./support.ts";

const DISCOVERY = "/.well-known/openid-configuration";
const KEYS = "/.well-known/jwks.json";

/** What AuthHero was asked for: tenant, issuer and path. */
let asked: string[];
/** What each tenant's documents depend on. */
let versions: Map<string, string>;
let now: Date;
let status: number;

beforeEach(() => {
  asked = [];
  versions = new Map();
  now = NOW;
  status = 200;
});

const inner: FrontOptions["inner"] = (request, env) => {
  const { pathname, search } = new URL(request.url);
  const about = `${request.headers.get("tenant-id")} ${String(env.ISSUER)} ${pathname}${search}`;
  asked.push(about);
  const body = { about, version: versions.get(request.headers.get("tenant-id") ?? "") };
  const headers = { "access-control-allow-origin": "*", "cache-control": "public, max-age=300" };
  return Response.json(body, { status, headers });
};

const front = () =>
  testFront({
    inner,
    clock: () => now,
    versionOf: (tenantId) => Promise.resolve(versions.get(tenantId) ?? "1"),
  });

describe("discovery and key sets", () => {
  it.each([DISCOVERY, KEYS, "/.well-known/oauth-authorization-server"])("%s is made once", async (path) => {
    const { send } = front();

    const first = await send("acme.localhost", path);
    const second = await send("acme.localhost", path, { headers: { origin: "https://app.example", cookie: "a=b" } });

    expect(asked).toHaveLength(1);
    expect(await second.text()).toBe(await first.text());
    const { "x-request-id": firstId, ...headers } = Object.fromEntries(first.headers);
    const { "x-request-id": secondId, ...others } = Object.fromEntries(second.headers);
    expect(others).toEqual(headers);
    expect(headers).toMatchObject({
      "access-control-allow-origin": "*",
      "cache-control": "public, max-age=300",
      "content-type": "application/json",
      etag: expect.stringMatching(/^"[\w-]{43}"$/),
    });
    expect([firstId, secondId, firstId === secondId]).toEqual([expect.any(String), expect.any(String), false]);
  });

  it("are one tenant's each, under each of its names, and the control plane's", async () => {
    const { send } = front();
    const hosts = ["acme.localhost", "beta.localhost", "localhost", "named.localhost", "login.named.example"];
    const answerAt = async (host: string, path: string) =>
      (await (await send(host, path)).json()) as { readonly about: string };
    const answers = () => Promise.all(hosts.flatMap((host) => [DISCOVERY, KEYS].map((path) => answerAt(host, path))));

    const first = await answers();

    expect(await answers()).toEqual(first);
    const abouts = first.map(({ about }) => about);
    expect(abouts).toEqual([
      ...[DISCOVERY, KEYS].map((path) => `acme http://acme.localhost:3000/ ${path}`),
      ...[DISCOVERY, KEYS].map((path) => `beta http://beta.localhost:3000/ ${path}`),
      ...[DISCOVERY, KEYS].map((path) => `control_plane http://localhost:3000/ ${path}`),
      ...[DISCOVERY, KEYS].map((path) => `named http://login.named.example:3000/ ${path}`),
      ...[DISCOVERY, KEYS].map((path) => `named http://login.named.example:3000/ ${path}`),
    ]);
  });

  it("are made anew when something about the tenant has changed, and for it alone", async () => {
    const { send } = front();
    const etagOf = async (host: string) => (await send(host, KEYS)).headers.get("etag");
    const [acme, beta] = [await etagOf("acme.localhost"), await etagOf("beta.localhost")];

    versions.set("acme", "2");

    expect(await etagOf("acme.localhost")).not.toBe(acme);
    expect(await etagOf("beta.localhost")).toBe(beta);
    expect(asked).toHaveLength(3);
  });

  it("are made anew after ten seconds: the time of a key ends by itself", async () => {
    const { send } = front();
    await send("acme.localhost", KEYS);

    now = new Date(NOW.getTime() + 9_999);
    await send("acme.localhost", KEYS);
    expect(asked).toHaveLength(1);
    now = new Date(NOW.getTime() + 10_000);
    await send("acme.localhost", KEYS);

    expect(asked).toHaveLength(2);
  });

  it("are not kept where nobody says what they depend on, nor when they could not be made", async () => {
    const { send } = testFront({ inner });
    for (const _ of [1, 2]) expect((await send("acme.localhost", KEYS)).headers.has("etag")).toBe(false);
    status = 404;
    const failing = front();
    for (const _ of [1, 2]) expect((await failing.send("acme.localhost", KEYS)).status).toBe(404);

    expect(asked).toHaveLength(4);
  });

  it("with parameters or a token are AuthHero's to answer, as everything else is", async () => {
    const { send } = front();
    for (const path of [DISCOVERY, `${KEYS}?x=1`, `${KEYS}/`, "/.well-known/other", DISCOVERY]) {
      await send("acme.localhost", path);
      await send("acme.localhost", path, { headers: { authorization: "Bearer x.y.z" } });
      await send("acme.localhost", path, { method: "POST" });
    }

    expect(asked.filter((about) => about.endsWith(DISCOVERY))).toHaveLength(5);
    expect(asked).toHaveLength(14);
  });
});

describe("conditional requests", () => {
  it.each([
    ["the tag", (etag: string) => etag, 304],
    ["the tag, weak", (etag: string) => `W/${etag}`, 304],
    ["one of several", (etag: string) => `"a", ${etag} , "b"`, 304],
    ["any", () => "*", 304],
    ["another tag", () => '"another"', 200],
    ["no tag", (etag: string) => etag.slice(1, -1), 200],
  ])("with %s", async (_, known, expected) => {
    const { send } = front();
    const etag = (await send("acme.localhost", DISCOVERY)).headers.get("etag") ?? "";

    const answer = await send("acme.localhost", DISCOVERY, { headers: { "if-none-match": known(etag) } });

    expect(answer.status).toBe(expected);
    expect((await answer.text()) === "").toBe(expected === 304);
    expect(answer.headers.has("content-type")).toBe(expected === 200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      ...{ etag, "cache-control": "public, max-age=300", "access-control-allow-origin": "*" },
      "x-request-id": expect.any(String),
    });
  });

  it("are answered the first time, too, and by HEAD without a body", async () => {
    const { send } = front();

    expect((await send("acme.localhost", KEYS, { headers: { "if-none-match": "*" } })).status).toBe(304);
    const head = await send("acme.localhost", KEYS, { method: "HEAD" });

    const { headers } = await send("acme.localhost", KEYS);
    expect([head.status, head.headers.get("etag"), await head.text()]).toEqual([200, headers.get("etag"), ""]);
  });
});

describe("a document that was asked for before", () => {
  const acme = { state: "ready", began: BEGAN, organizationId: null, domains: [] as string[] } as const;
  let placement: Awaited<ReturnType<FrontOptions["placements"]["get"]>>;
  let answered: unknown[];

  beforeEach(() => {
    placement = acme;
    answered = [];
  });

  const changing = (options: Partial<FrontOptions> = {}) =>
    testFront({
      ...{ inner, clock: () => now, versionOf: () => Promise.resolve("1") },
      placements: { get: () => Promise.resolve(placement), ofOrganization: () => Promise.resolve(null) },
      begun: () => (request) => answered.push(request),
      ...options,
    });

  it.each([
    ["deleting", 404, "tenant_not_found"],
    ["failed", 503, "tenant_not_ready"],
  ] as const)("is refused once its tenant is %s, though nothing else has changed", async (state, status, errorCode) => {
    const { send } = changing();
    for (const _ of [1, 2, 3]) expect((await send("acme.localhost", KEYS)).status).toBe(200);

    placement = { ...acme, state };

    expect(await refusal(await send("acme.localhost", KEYS))).toEqual([status, errorCode]);
  });

  it("is of the new issuer once its tenant has a domain, and not found under one it has no more", async () => {
    const { send } = changing({ domains: { ownerOf: () => Promise.resolve("acme") } });
    const issuerAt = async (host: string) =>
      ((await (await send(host, DISCOVERY)).json()) as { about?: string }).about?.split(" ")[1];
    for (const _ of [1, 2, 3]) expect(await issuerAt("acme.localhost")).toBe("http://acme.localhost:3000/");

    placement = { ...acme, domains: ["login.acme.example"] };
    for (const _ of [1, 2, 3]) expect(await issuerAt("acme.localhost")).toBe("http://login.acme.example:3000/");
    for (const _ of [1, 2, 3]) expect(await issuerAt("login.acme.example")).toBe("http://login.acme.example:3000/");

    placement = acme;
    expect(await issuerAt("acme.localhost")).toBe("http://acme.localhost:3000/");
    expect(await refusal(await send("login.acme.example", DISCOVERY))).toEqual([404, "unknown_host"]);
  });

  it("is counted and logged each time, with its tenant and an id of its own", async () => {
    const lines: unknown[] = [];
    const log = { debug: (...line: unknown[]) => void lines.push(line), warn: () => {}, error: () => {} };
    const { send } = changing({ log });

    for (const _ of [1, 2, 3]) await send("acme.localhost", KEYS);

    expect(answered).toHaveLength(3);
    expect(answered[2]).toMatchObject({ route: "discovery", method: "GET", status: 200 });
    const line = ["request.answered", expect.objectContaining({ tenantId: "acme", requestId: expect.any(String) })];
    expect(lines).toEqual([line, line, line]);
    expect(new Set(lines.map((each) => JSON.stringify(each))).size).toBe(3);
  });

  it("goes to whoever a label is given to, each time anew", async () => {
    let owner = "acme";
    const { send } = testFront({
      ...{ inner, clock: () => now, versionOf: () => Promise.resolve("1") },
      resolveSubdomain: (label) => (label === "alias" ? owner : label),
    });
    const aboutAt = async () => ((await (await send("alias.localhost", KEYS)).json()) as { about: string }).about;
    for (const _ of [1, 2, 3]) expect(await aboutAt()).toMatch(/^acme /);

    owner = "beta";

    expect(await aboutAt()).toMatch(/^beta /);
  });

  it("is answered at no other name, and to nobody who names another tenant, a token or parameters", async () => {
    const { send } = front();
    for (const _ of [1, 2, 3]) expect((await send("acme.localhost", KEYS)).status).toBe(200);

    expect((await send("beta.localhost", KEYS)).headers.get("etag")).not.toBe(
      (await send("acme.localhost", KEYS)).headers.get("etag"),
    );
    expect(await refusal(await send("acme.localhost", KEYS, { headers: { "x-tenant-id": "beta" } }))).toEqual([
      400,
      "tenant_conflict",
    ]);
    const before = asked.length;
    await send("acme.localhost", `${KEYS}?x=1`);
    await send("acme.localhost", KEYS, { headers: { authorization: "Bearer x.y.z" } });
    expect(asked).toHaveLength(before + 2);
  });

  it("of a placement that cannot be read is said to be so on the whole way, with an id", async () => {
    let isAway = false;
    const { send } = changing({
      placements: {
        get: () => (isAway ? Promise.reject(new Error("away")) : Promise.resolve(acme)),
        ofOrganization: () => Promise.resolve(null),
      },
    });
    for (const _ of [1, 2, 3]) await send("acme.localhost", KEYS);

    isAway = true;
    const answer = await send("acme.localhost", KEYS);

    expect(answer.status).toBe(500);
    expect(answer.headers.get("x-request-id")).toEqual(expect.any(String));
  });
});

describe("who is refused", () => {
  it.each([
    ["pending.localhost", 503, "tenant_not_ready"],
    ["failed.localhost", 503, "tenant_not_ready"],
    ["deleted.localhost", 404, "tenant_not_found"],
    ["nobody.localhost", 404, "tenant_not_found"],
    ["example.com", 404, "unknown_host"],
  ])("at %s is so each time", async (host, expected, errorCode) => {
    const { send } = front();

    for (const _ of [1, 2]) expect(await refusal(await send(host, KEYS))).toEqual([expected, errorCode]);
    expect(asked).toEqual([]);
  });

  it("is not the one who asks a suspended or read-only tenant", async () => {
    const { send } = front();

    for (const host of ["suspended.localhost", "readonly.localhost"]) {
      for (const _ of [1, 2]) expect((await send(host, KEYS)).status).toBe(200);
    }
  });

  it("is whoever names another tenant in a header, also when the document is there", async () => {
    const { send } = front();
    await send("acme.localhost", KEYS);

    const answer = await send("acme.localhost", KEYS, { headers: { "tenant-id": "beta" } });

    expect(await refusal(answer)).toEqual([400, "tenant_conflict"]);
  });
});
