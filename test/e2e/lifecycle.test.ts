import * as oidc from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Application, api, createTenant, discover, furnish, logIn, managementToken } from "../support/clients.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { expectRefusals, startTraffic } from "../support/traffic.ts";

let server: RunningServer;
let token: string;

beforeAll(async () => {
  server = await startServer();
  token = await managementToken(server);
});
afterAll(() => server?.remove());

const call = (method: string, path: string, init: RequestInit = {}) => api(server, token, path, { ...init, method });
const post = (path: string, body?: unknown, headers: Record<string, string> = {}) =>
  call("POST", path, { headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
const bodyOf = async (answer: Response) => (await answer.json()) as Record<string, unknown>;
const operationsOf = async (id: string) =>
  (await (await call("GET", `/tenants/${id}/operations`)).json()) as Record<string, unknown>[];

/** Asks for an operation until it is over. */
async function overAt(location: string): Promise<Record<string, unknown>> {
  for (;;) {
    const operation = await bodyOf(await fetch(new URL(location, server.issuer), bearer(token)));
    if (operation.status !== "running") return operation;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const configurationOf = ({ issuer, clientId, clientSecret }: Application) => discover(issuer, clientId, clientSecret);

describe("suspending", () => {
  it("shuts everybody out at once, keeps keys and discovery, and ends as if nothing had been", async () => {
    await createTenant(server, token, "acme");
    const application = await furnish(server, token, "acme");
    const configuration = await configurationOf(application);
    const { tokens } = await logIn(application, configuration);
    const onHost = (path: string, init?: RequestInit) => fetch(new URL(path, application.issuer), init);
    const userinfo = () => onHost("/userinfo", bearer(tokens.access_token));

    const suspended = await post("/tenants/acme/suspend");

    expect(suspended.status).toBe(200);
    expect(await bodyOf(suspended)).toMatchObject({ id: "acme", state: "suspended" });
    expect((await post("/tenants/acme/suspend")).status).toBe(200);
    const refused = await userinfo();
    expect([refused.status, (await bodyOf(refused)).errorCode]).toEqual([403, "tenant_suspended"]);
    expect((await onHost("/authorize?client_id=default", { redirect: "manual" })).status).toBe(403);
    await expect(oidc.refreshTokenGrant(configuration, tokens.refresh_token ?? "")).rejects.toThrow();
    expect((await call("GET", "/users", { headers: { "tenant-id": "acme" } })).status).toBe(403);
    expect((await onHost("/.well-known/openid-configuration")).status).toBe(200);
    expect((await onHost("/.well-known/jwks.json")).status).toBe(200);

    expect(await bodyOf(await post("/tenants/acme/reactivate"))).toMatchObject({ state: "ready" });

    expect((await userinfo()).status).toBe(200);
    await oidc.refreshTokenGrant(configuration, tokens.refresh_token ?? "");
    expect((await operationsOf("acme")).map(({ kind, status }) => [kind, status])).toEqual([
      ["reactivate", "done"],
      ["suspend", "done"],
      ["provision", "done"],
    ]);
  });

  it("is not for the control plane, for what is not there, or for tenants themselves", async () => {
    expect((await post("/tenants/control_plane/suspend")).status).toBe(403);
    expect((await post("/tenants/nobody/suspend")).status).toBe(404);
    expect((await post("/tenants/nobody/reactivate")).status).toBe(404);
    expect((await api(server, null, "/tenants/acme/suspend", { method: "POST" })).status).toBe(401);
  });
});

describe("deleting", () => {
  it("can be undone within the window, with everything the tenant had", async () => {
    await createTenant(server, token, "beta");
    const application = await furnish(server, token, "beta");
    const configuration = await configurationOf(application);
    const { tokens } = await logIn(application, configuration);

    expect((await call("DELETE", "/tenants/beta")).status).toBe(204);

    const shown = await bodyOf(await call("GET", "/tenants/beta"));
    expect(shown).toMatchObject({ id: "beta", state: "deleted" });
    const daysLeft = (Date.parse(String(shown.purge_at)) - Date.now()) / 86_400_000;
    expect(Math.round(daysLeft)).toBe(7);
    const listed = (await (await call("GET", "/tenants")).json()) as { id: string }[];
    expect(listed.map(({ id }) => id)).not.toContain("beta");
    for (const path of ["userinfo", ".well-known/openid-configuration", "authorize?client_id=default"]) {
      expect([path, (await fetch(application.issuer + path, bearer(tokens.access_token))).status]).toEqual([path, 404]);
    }
    expect((await call("GET", "/users", { headers: { "tenant-id": "beta" } })).status).toBe(404);
    const taken = await post("/tenants", { id: "beta", friendly_name: "Another" });
    expect([taken.status, (await bodyOf(taken)).errorCode]).toEqual([409, "tenant_exists"]);
    expect((await call("DELETE", "/tenants/beta")).status).toBe(204);

    const back = await post("/tenants/beta/undelete");

    expect(back.status).toBe(200);
    expect(await bodyOf(back)).toMatchObject({ id: "beta", state: "ready", friendly_name: "Tenant beta" });
    expect((await fetch(`${application.issuer}userinfo`, bearer(tokens.access_token))).status).toBe(200);
    await oidc.refreshTokenGrant(configuration, tokens.refresh_token ?? "");
    await logIn(application, configuration);
    expect((await post("/tenants/beta/undelete")).status).toBe(409);
  });

  it("is final after a purge, which frees the id and leaves the history", async () => {
    await createTenant(server, token, "gamma");
    expect((await post("/tenants/gamma/operations", { kind: "purge" })).status).toBe(409);
    expect((await call("DELETE", "/tenants/gamma")).status).toBe(204);

    const purged = await post("/tenants/gamma/operations", { kind: "purge" });

    expect(purged.status).toBe(200);
    expect(await bodyOf(purged)).toMatchObject({ kind: "purge", status: "done", tenant_id: "gamma" });
    expect((await call("GET", "/tenants/gamma")).status).toBe(404);
    expect((await post("/tenants/gamma/undelete")).status).toBe(404);
    await createTenant(server, token, "gamma");
    expect((await operationsOf("gamma")).map(({ kind }) => kind)).toEqual([
      "provision",
      "purge",
      "delete",
      "provision",
    ]);
  });

  it("refuses, and never fails, whoever logs in meanwhile", async () => {
    await createTenant(server, token, "delta");
    const application = await furnish(server, token, "delta");
    const traffic = await startTraffic(server, token, application);
    await traffic.more(40);

    const removed = await call("DELETE", "/tenants/delta");
    await traffic.more(40);
    await traffic.stop();

    expect(removed.status).toBe(204);
    expectRefusals(traffic);
  });
});

describe("Prefer: respond-async", () => {
  const async = { prefer: "respond-async, wait=10" };

  it("answers 202 with a place to ask, for making, deleting, bringing back and purging", async () => {
    const made = await post("/tenants", { id: "async", friendly_name: "Async" }, async);
    expect(made.status).toBe(202);
    expect(made.headers.get("preference-applied")).toBe("respond-async");
    const location = made.headers.get("location") ?? "";
    expect(location).toMatch(/^\/api\/v2\/operations\/[0-9A-Z]{26}$/);
    const operation = await overAt(location);
    expect(operation).toMatchObject({ kind: "provision", status: "done", tenant_id: "async", error: null });
    expect((operation.events as { step: string }[]).map(({ step }) => step).at(-1)).toBe("activate");
    expect(await bodyOf(await call("GET", "/tenants/async"))).toMatchObject({ state: "ready" });

    for (const [method, path] of [
      ["DELETE", "/tenants/async"],
      ["POST", "/tenants/async/undelete"],
      ["DELETE", "/tenants/async?purge=true"],
    ] as const) {
      const answer = await call(method, path, { headers: async });
      expect([path, answer.status]).toEqual([path, 202]);
      expect(await overAt(answer.headers.get("location") ?? "")).toMatchObject({ status: "done" });
    }
    expect((await call("GET", "/tenants/async")).status).toBe(404);
  });

  it("leads nobody but operators to an operation", async () => {
    const [operation] = await operationsOf("gamma");

    expect((await call("GET", `/operations/${operation?.id}`)).status).toBe(200);
    expect((await api(server, null, `/operations/${operation?.id}`)).status).toBe(401);
    expect((await call("GET", "/operations/nonsense")).status).toBe(404);
    expect((await call("GET", "/tenants/nobody/operations")).status).toBe(404);
  });
});

describe("Idempotency-Key", () => {
  it("gives the same answer to the same request, also after the tenant has changed", async () => {
    const body = { friendly_name: "Idempotent", id: "idem" };
    const key = { "idempotency-key": "first-key" };

    const first = await post("/tenants", body, key);
    await post("/tenants/idem/suspend");
    const second = await post("/tenants", { id: "idem", friendly_name: "Idempotent" }, key);

    expect([first.status, second.status]).toEqual([201, 201]);
    expect(await bodyOf(second)).toEqual(await bodyOf(first));
    expect((await operationsOf("idem")).filter(({ kind }) => kind === "provision")).toHaveLength(1);
    expect((await post("/tenants", body)).status).toBe(409);
    expect((await post("/tenants", body, { "idempotency-key": "second-key" })).status).toBe(409);
  });

  it("does not make a tenant anew that was purged meanwhile", async () => {
    const key = { "idempotency-key": "late" };
    const body = { id: "late", friendly_name: "Late" };
    expect((await post("/tenants", body, key)).status).toBe(201);
    expect((await call("DELETE", "/tenants/late?purge=true")).status).toBe(204);

    const late = await post("/tenants", body, key);

    expect([late.status, (await bodyOf(late)).errorCode]).toEqual([409, "tenant_deleted"]);
    expect((await call("GET", "/tenants/late")).status).toBe(404);
  });

  it("answers 422 to another body, and makes nothing", async () => {
    const key = { "idempotency-key": "reused" };
    await post("/tenants", { id: "reused", friendly_name: "One" }, key);

    const other = await post("/tenants", { id: "another", friendly_name: "Other" }, key);

    expect(other.status).toBe(422);
    expect(await bodyOf(other)).toMatchObject({ statusCode: 422, errorCode: "idempotency_key_reused" });
    expect((await call("GET", "/tenants/another")).status).toBe(404);
  });

  it("makes one tenant without an id, however often it is asked at once", async () => {
    const key = { "idempotency-key": "crowd" };
    const ask = () => post("/tenants", { friendly_name: "One of many" }, key);

    const answers = await Promise.all(Array.from({ length: 10 }, ask));

    for (const answer of answers) {
      expect([201, 409]).toContain(answer.status);
      if (answer.status === 409) expect(answer.headers.get("retry-after")).toBeTruthy();
    }
    const made = (await bodyOf(await ask())).id;
    const q = encodeURIComponent("One of many");
    const listed = (await (await call("GET", `/tenants?q=${q}`)).json()) as { id: string }[];
    expect(listed.map(({ id }) => id)).toEqual([made]);
  });
});

describe("resuming", () => {
  it("has nothing to resume where nothing is unfinished", async () => {
    const answer = await post("/tenants/acme/operations", { kind: "provision" });

    expect([answer.status, (await bodyOf(answer)).errorCode]).toEqual([409, "nothing_to_resume"]);
    expect((await post("/tenants/nobody/operations", { kind: "provision" })).status).toBe(404);
    expect((await post("/tenants/acme/operations", { kind: "explode" })).status).toBe(400);
  });
});

const bearer = (accessToken: string) => ({ headers: { authorization: `Bearer ${accessToken}` } });
