import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FarAway, farAway } from "../support/far-away.ts";
import { type HouseInProcess, openInProcess } from "../support/in-process.ts";
import { type Sqld, sqldMissing, startSqld } from "../support/sqld.ts";
import { STEPS, type Step, walkThrough } from "./flows.ts";
import { type Answer, APPLICATION, type Ask, type House, managementGrant, RESIDENT } from "./house.ts";

/** Round trips one after the other, before the answer, in a tenant that was used a moment ago (`docs/performance.md`). */
const BOUNDS: Readonly<Record<Step, number>> = {
  client_credentials: 1,
  "GET /authorize": 1,
  "POST /u/login/identifier": 6,
  "POST /u/enter-password": 14,
  authorization_code: 6,
  refresh_token: 5,
  "GET /userinfo": 3,
  "GET /api/v2/users": 2,
};

/**
 * What the first request to a tenant takes besides, whose database is closed: its placement; whose the database is; then
 * the tenant, the client, its grants and the keys, all at once.
 */
const COLD_MAX = 3;

const TRIP_MS = 20;
const WALKS = 4;
const TENANT = "acme";
const COLD = ["cold-a", "cold-b", "cold-c", "cold-d"];
const START_MS = 300_000;
const ADMIN_KEY = "an-admin-key-of-the-tests-0123456789";

describe.skipIf(sqldMissing)("with every database on a server that is far away", () => {
  let server: Sqld;
  const directory = mkdtempSync(join(tmpdir(), "round-trips-"));
  let away: FarAway;
  let service: HouseInProcess;
  const least = new Map<Step, number>();
  let cold = Number.POSITIVE_INFINITY;

  beforeAll(async () => {
    server = await startSqld([], { adminKey: ADMIN_KEY });
    // Who names no namespace gets that of the host's first label. A busy machine may take long for the first start.
    await server.createNamespace("127", { txn_timeout_s: 60 });
    away = farAway(TRIP_MS);
    const url = await away.move(server.url);
    const variables = {
      DATA_DIR: directory,
      CONTROL_PLANE_DATABASE_URL: url,
      ENCRYPTION_KEY: "0a".repeat(32),
      PROVIDER: "libsql-server",
      LIBSQL_SERVER_URL: url,
      LIBSQL_SERVER_ADMIN_URL: server.adminUrl,
      LIBSQL_SERVER_ADMIN_KEY: ADMIN_KEY,
    };
    const first = await openInProcess(variables);
    const logins = new Map<string, Login>();
    for (const id of [TENANT, ...COLD]) logins.set(id, await furnish(first, id));
    await first.close({ keep: true });

    // Time stands still: what is kept for a second is kept for the whole test.
    const now = new Date();
    service = await openInProcess(variables, { clock: () => now });
    const login = logins.get(TENANT) as Login;
    const house = houseOf(service, TENANT);
    for (let walk = 0; walk <= WALKS; walk += 1) {
      await walkThrough(house, login, async (step, path, ask) => {
        const { answer, depth } = await away.measure(() => house.ask(path, ask));
        // The first walk fills what is kept.
        if (walk > 0) least.set(step, Math.min(least.get(step) ?? Number.POSITIVE_INFINITY, depth));
        return answer;
      });
    }
    await service.close({ keep: true });

    // Housekeeping would open every database before anybody asks for it.
    service = await openInProcess(variables, { clock: () => now, background: false });
    for (const id of COLD) {
      const form = managementGrant(logins.get(id) as Login);
      const { answer, depth } = await away.measure(() => houseOf(service, id).ask("/oauth/token", { form }));
      if (answer.status !== 200) throw new Error(`${id} answered ${answer.status}: ${answer.text}`);
      cold = Math.min(cold, depth);
    }
    console.table(STEPS.map((step) => ({ flow: step, bound: BOUNDS[step], least: least.get(step) })));
    console.log(`first request of a cold tenant: ${cold}`);
  }, START_MS);

  afterAll(async () => {
    await service?.close();
    await away?.stop();
    await server?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it.each(STEPS)("%s takes no more round trips one after the other than its bound", (step) => {
    expect(least.get(step)).toBeLessThanOrEqual(BOUNDS[step]);
  });

  it("the first request of a cold tenant takes few more", () => {
    expect(cold - (least.get("client_credentials") ?? 0)).toBeLessThanOrEqual(COLD_MAX);
  });
});

type Login = Parameters<typeof walkThrough>[1];

/** A tenant with an application, an API, a user, and a client for its own management API. */
async function furnish(service: HouseInProcess, id: string): Promise<Login> {
  const token = await service.machineToken();
  await service.made("/tenants", { token, json: { id, friendly_name: id } });
  const made = <T>(path: string, json: object) => service.made<T>(path, { token, json, headers: { "tenant-id": id } });
  const client = await service.made<{ client_id: string; client_secret: string }>(`/tenants/${id}/management-client`, {
    token,
    method: "POST",
  });
  await service.made(`/tenants/${id}`, {
    method: "PATCH",
    token,
    json: { session_lifetime: 72, idle_session_lifetime: 24 },
  });
  await made("/clients", {
    client_id: APPLICATION.clientId,
    name: "Web",
    client_secret: APPLICATION.clientSecret,
    app_type: "regular_web",
    callbacks: [APPLICATION.redirectUri],
    grant_types: ["authorization_code", "refresh_token"],
    token_endpoint_auth_method: "client_secret_post",
  });
  await made("/resource-servers", {
    name: "API",
    identifier: APPLICATION.audience,
    scopes: [{ value: "read:things", description: "Read things" }],
  });
  const connection = "Username-Password-Authentication";
  await made("/users", { connection, ...RESIDENT, email_verified: true });
  return { username: "", password: "", clientId: client.client_id, clientSecret: client.client_secret };
}

function houseOf(service: HouseInProcess, label: string): House {
  const host = service.hostOf(label);
  return {
    async ask(path, { form, token, cookie }: Ask = {}): Promise<Answer> {
      const response = await service.send(host, path, {
        method: form ? "POST" : "GET",
        headers: {
          ...(token && { authorization: `Bearer ${token}` }),
          ...(cookie && { cookie }),
          ...(form && { origin: `http://${host}` }),
        },
        ...(form && { body: new URLSearchParams(form) }),
      });
      return {
        status: response.status,
        location: response.headers.get("location"),
        cookies: response.headers.getSetCookie(),
        text: await response.text(),
      };
    },
  };
}
