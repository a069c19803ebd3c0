import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { api, authorize, createTenant, discover, furnish, managementToken } from "../support/clients.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { filesUnder, tracesIn } from "../support/traces.ts";

/** A span as test/support/spans.mjs writes it. */
interface Written {
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly status: { readonly code: number; readonly message?: string };
  readonly events: readonly unknown[];
  readonly scope: { readonly name: string; readonly version: string };
}

/** As OpenTelemetry numbers them. */
const [INTERNAL, SERVER, CLIENT] = [0, 1, 2];
const [UNSET, ERROR] = [0, 2];

/** A start takes two seconds, and many times that on a machine that is busy with other tests. */
const STARTS_MS = 240_000;

const PROXIES = { TRUSTED_PROXIES: "127.0.0.1,::1" };

const directory = mkdtempSync(join(tmpdir(), "rowhouse-spans-"));
const servers: RunningServer[] = [];
afterAll(async () => {
  for (const server of servers) await server.remove();
  rmSync(directory, { recursive: true, force: true });
});

/** A server with an SDK that writes to a file of its own. */
async function start(name: string, env: Readonly<Record<string, string>>) {
  const path = join(directory, name);
  const sdk = `--import ${new URL("../support/spans.mjs", import.meta.url).href}`;
  const server = await startServer({ env: { SPANS_WRITTEN_TO: path, NODE_OPTIONS: sdk, ...env } });
  servers.push(server);
  const text = () => (existsSync(path) ? readFileSync(path, "utf8") : "");
  const spans = () =>
    text()
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Written);
  return { server, text, spans };
}

const newTrace = () => ({ traceId: randomBytes(16).toString("hex"), spanId: randomBytes(8).toString("hex") });

describe("with TRACES=1 and an SDK", () => {
  let traced: Awaited<ReturnType<typeof start>>;
  let server: RunningServer;
  let token: string;
  beforeAll(async () => {
    traced = await start("on", { TRACES: "1", ...PROXIES });
    server = traced.server;
    token = await managementToken(server);
    await createTenant(server, token, "acme");
  }, STARTS_MS);

  /** The spans of what a request has made, the request's own first. */
  async function traceOf(send: (headers: Record<string, string>) => Promise<Response>) {
    const { traceId, spanId } = newTrace();
    const answer = await send({ traceparent: `00-${traceId}-${spanId}-01` });
    await answer.text();
    const requestOf = () => traced.spans().find((span) => span.traceId === traceId && span.parentSpanId === spanId);
    await expect.poll(requestOf).toBeDefined();
    const spans = traced.spans().filter((span) => span.traceId === traceId);
    const request = requestOf() as Written;
    return { answer, request, rest: spans.filter((span) => span !== request && span.spanId !== request.spanId) };
  }

  it("a request is a part of the trace that its proxy names, under the name of its route", async () => {
    const { answer, request } = await traceOf((headers) =>
      api(server, token, "/users?per_page=1&q=private", { headers: { ...headers, "tenant-id": "acme" } }),
    );

    expect(answer.status).toBe(200);
    expect(request).toMatchObject({ name: "GET management", kind: SERVER, status: { code: UNSET }, events: [] });
    expect(request.attributes).toEqual({
      "http.request.method": "GET",
      "http.route": "management",
      "http.response.status_code": 200,
      "rowhouse.tenant": "acme",
      "rowhouse.request.id": answer.headers.get("x-request-id"),
    });
    expect(request.scope).toMatchObject({ name: "rowhouse", version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
  });

  it("the trips to the tenant's database and to the control plane's are children of the request", async () => {
    const body = JSON.stringify({ name: "Editor" });
    const { request, rest } = await traceOf((headers) =>
      api(server, token, "/roles", { method: "POST", body, headers: { ...headers, "tenant-id": "acme" } }),
    );

    expect(request.name).toBe("POST management");
    const trips = rest.filter(({ attributes }) => "db.system.name" in attributes);
    expect(trips.length).toBeGreaterThan(1);
    for (const trip of trips) expect(trip).toMatchObject({ kind: CLIENT, parentSpanId: request.spanId });
    const inserted = trips.find(({ name }) => /\binsert roles\b/.test(name));
    expect(inserted?.attributes).toMatchObject({
      "db.system.name": "sqlite",
      "db.namespace": expect.any(String),
      "db.query.summary": inserted?.name,
      "rowhouse.provider": "file",
    });
    const providers = new Set(trips.map(({ attributes }) => attributes["rowhouse.provider"]));
    expect(providers).toEqual(new Set(["file", "control-plane"]));
  });

  it("what is done to a tenant is one of its request's, step by step, with the calls of its provider", async () => {
    const body = JSON.stringify({ id: "beta", friendly_name: "Beta" });
    const { request, rest } = await traceOf((headers) =>
      api(server, token, "/tenants", { method: "POST", body, headers }),
    );

    const operation = rest.find(({ name }) => name === "operation provision");
    expect(operation).toMatchObject({ kind: INTERNAL, parentSpanId: request.spanId });
    expect(operation?.attributes).toEqual({
      "rowhouse.operation.id": expect.any(String),
      "rowhouse.operation.kind": "provision",
      "rowhouse.tenant": "beta",
    });
    const step = rest.find(({ name }) => name === "step create-database");
    expect(step?.parentSpanId).toBe(operation?.spanId);
    const call = rest.find(({ name }) => name === "file ensure");
    expect(call).toMatchObject({ kind: CLIENT, parentSpanId: step?.spanId });
  });

  it("a job over many tenants has a span for the turn of each", async () => {
    const body = JSON.stringify({ kind: "sync-verify" });
    const begun = await api(server, token, "/operations", { method: "POST", body });
    expect(begun.status).toBe(202);
    const { id } = (await begun.json()) as { id: string };

    const turns = () => traced.spans().filter(({ attributes }) => attributes["rowhouse.job.id"] === id);
    await expect
      .poll(() => turns().map(({ attributes }) => attributes["rowhouse.tenant"]), { timeout: 60_000 })
      .toEqual(expect.arrayContaining(["acme", "beta"]));
    for (const turn of turns()) expect(turn).toMatchObject({ name: "job sync-verify", kind: INTERNAL });
  });

  it("what fails is marked with a kind of failure, and a refusal is not", async () => {
    const before = new Set(Object.keys(filesUnder(server.directory)));
    await createTenant(server, token, "lost");
    for (const path of Object.keys(filesUnder(server.directory))) {
      if (!before.has(path) && path.includes("/tenants/")) rmSync(path);
    }

    const broken = await traceOf((headers) =>
      fetch(`http://lost.localhost:${server.port}/authorize?client_id=none`, { headers }),
    );
    const refused = await traceOf((headers) => api(server, "no-token", "/users", { headers }));

    expect(broken.answer.status).toBe(503);
    expect(broken.request).toMatchObject({ name: "GET authorize", status: { code: ERROR } });
    expect(broken.request.attributes).toMatchObject({ "error.type": "503", "rowhouse.tenant": "lost" });
    const opening = broken.rest.find(({ name }) => name === "file open");
    expect(opening).toMatchObject({ status: { code: ERROR }, attributes: { "error.type": "database_missing" } });
    expect(refused.request).toMatchObject({
      attributes: { "http.response.status_code": 401 },
      status: { code: UNSET },
    });
  });

  it("hold no secret, no code, no password, no query and no name of a user", async () => {
    const acme = await furnish(server, token, "acme");
    const configuration = await discover(acme.issuer, acme.clientId, acme.clientSecret);
    const { code, verifier } = await authorize(acme, configuration);
    const redeemed = await fetch(`${acme.issuer}oauth/token`, {
      method: "POST",
      headers: { cookie: "planted=PlantedCookie0123456789", "user-agent": "PlantedAgent/1.0" },
      body: new URLSearchParams({
        grant_type: "authorization_code",
        client_id: acme.clientId,
        client_secret: acme.clientSecret,
        redirect_uri: acme.redirectUri,
        code_verifier: verifier,
        code,
      }),
    });
    const tokens = (await redeemed.json()) as { access_token: string; refresh_token: string };
    await api(server, token, "/users?q=PlantedQuery0123456789", { headers: { "tenant-id": "acme" } });
    // Also what comes back from a database with what was sent to it: the name is taken.
    await api(server, token, "/users", {
      method: "POST",
      headers: { "tenant-id": "acme" },
      body: JSON.stringify({
        connection: "Username-Password-Authentication",
        email: acme.email,
        password: "Other-1!x",
      }),
    });

    const planted = [
      ...[acme.clientSecret, acme.password, acme.email, code, verifier, tokens.access_token, tokens.refresh_token],
      ...[server.clientSecret, server.administrator.password, token],
      ...["PlantedQuery0123456789", "PlantedCookie0123456789", "PlantedAgent"],
      ...[readFileSync(join(server.directory, "encryption.key"), "utf8").trim()],
    ];
    const token200 = ({ name, attributes }: Written) =>
      name === "POST token" &&
      attributes["rowhouse.tenant"] === "acme" &&
      attributes["http.response.status_code"] === 200;
    await expect.poll(() => traced.spans().filter(token200).length).toBe(1);
    for (const secret of planted) {
      expect(secret.length).toBeGreaterThan(9);
      expect(tracesIn({ spans: traced.text() }, secret), secret).toEqual([]);
    }
    for (const { status, events } of traced.spans()) expect([status.message, events]).toEqual([undefined, []]);
  });

  it("probes have none, and names of spans are few", async () => {
    const names = () => traced.spans().map(({ name }) => name);
    await fetch(`http://127.0.0.1:${server.port}/readyz`);
    await traceOf((headers) =>
      fetch(`http://acme.localhost:${server.port}/some/where`, { method: "PROPFIND", headers }),
    );

    expect(names()).toContain("HTTP other");
    expect(names().filter((name) => name.includes("probe"))).toEqual([]);
    const ofRequests = traced.spans().filter(({ kind }) => kind === SERVER);
    for (const { name } of ofRequests) expect(name).toMatch(/^[A-Z]+ [a-z_]+$/);
  });
});

it("whoever is no trusted proxy has no say in which trace a request belongs to", { timeout: STARTS_MS }, async () => {
  const { server, spans } = await start("untrusted", { TRACES: "1" });
  const { traceId, spanId } = newTrace();

  await api(server, null, "/users", { headers: { traceparent: `00-${traceId}-${spanId}-01` } });

  const requests = () => spans().filter(({ name }) => name === "GET management");
  await expect.poll(() => requests().length).toBe(1);
  expect(requests()[0]?.parentSpanId).toBeUndefined();
  expect(spans().filter((span) => span.traceId === traceId)).toEqual([]);
});

it("each of several workers makes spans", { timeout: STARTS_MS }, async () => {
  const { server, spans } = await start("workers", { TRACES: "1", WORKERS: "2" });

  await api(server, null, "/users");

  await expect.poll(() => spans().filter(({ name }) => name === "GET management").length).toBe(1);
});

it("without TRACES there are none, and an SDK that nobody has registered is missed at the start", {
  timeout: STARTS_MS,
}, async () => {
  const off = await start("off", PROXIES);
  const { traceId, spanId } = newTrace();
  const token = await managementToken(off.server);
  await createTenant(off.server, token, "acme");
  await api(off.server, token, "/users", { headers: { traceparent: `00-${traceId}-${spanId}-01` } });
  expect(off.text()).toBe("");
  expect(off.server.output()).not.toContain("traces.no_sdk");

  const without = await start("no-sdk", { TRACES: "1", NODE_OPTIONS: "" });
  expect((await api(without.server, null, "/users")).status).toBe(401);
  expect(without.server.output()).toContain('"event":"traces.no_sdk"');
});
