import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { libsqlServerProvider } from "../../provisioning/providers/libsql-server.ts";
import { api, createTenant, discover, furnish, logIn, managementToken } from "../support/clients.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { sqldMissing, startSqld } from "../support/sqld.ts";
import { expectRefusals, startTraffic } from "../support/traffic.ts";
import { ask, notesOf, stepsOf, streets } from "./street.ts";

const adminKey = "k".repeat(32);
const sqld = sqldMissing ? null : await startSqld([], { adminKey });
const place = { url: sqld?.url ?? "", adminUrl: sqld?.adminUrl ?? "", adminKey };
const reason = sqldMissing ? ` (skipped: ${sqldMissing})` : "";
afterAll(() => sqld?.stop());

async function isThere(namespace: string): Promise<boolean> {
  const answer = await fetch(`${place.adminUrl}/v1/namespaces/${namespace}/config`, {
    headers: { authorization: `basic ${adminKey}` },
  });
  return answer.ok;
}

describe.skipIf(sqldMissing)(`the life of a tenant on a libSQL server${reason}`, () => {
  const { street, restart } = streets();
  const provider = libsqlServerProvider(place);

  it("begins in a database of its own, ends with it, and begins anew without a trace", async () => {
    const made = await street({ provider, undeleteDays: 0 });
    const first = await made.create("acme");
    await made.create("beta");
    expect(first).toMatchObject({ state: "ready", provider: "libsql-server", location: { locator: first.database } });
    await made.pool.use("acme", (database) => ask(database, "insert into notes values ('private')"));
    expect(await made.pool.use("acme", notesOf)).toEqual(["private", "seeded"]);
    expect(await made.pool.use("beta", notesOf)).toEqual(["seeded"]);

    await made.remove("acme");

    expect(await isThere(first.database)).toBe(false);
    expect(await made.registry.read("acme")).toBeNull();
    await expect(made.pool.use("acme", notesOf)).rejects.toMatchObject({ reason: "tenant_not_found" });

    const second = await made.create("acme");
    expect(second.database).not.toBe(first.database);
    expect(second.location?.secret).not.toBe(first.location?.secret);
    expect(await made.pool.use("acme", notesOf)).toEqual(["seeded"]);
  });

  it("keeps the key of its database sealed in the registry", async () => {
    const made = await street({ provider });
    const { location } = await made.create("acme");

    const rows = await ask(made.database, "select locator, secret from rh_placements");

    expect(location?.secret).toMatch(/^[\w-]{43}$/);
    expect(JSON.stringify(rows)).not.toContain(location?.secret);
    expect(rows[0]?.secret).toMatch(/^rh1/);
  });

  it("comes back within the window, with everything", async () => {
    const made = await street({ provider });
    const { database } = await made.create("acme");
    await made.pool.use("acme", (opened) => ask(opened, "insert into notes values ('private')"));

    await made.remove("acme");
    expect(await isThere(database)).toBe(true);
    await made.undelete("acme");

    expect(await made.pool.use("acme", notesOf)).toEqual(["private", "seeded"]);
  });

  it.each(["create-database", "verify-schema", "write-identity", "verify"])(
    "goes on after a crash right before and right after %s",
    async (step) => {
      for (const written of [false, true]) {
        const made = await street({ provider, crash: { step, written } });
        await expect(made.create("acme")).rejects.toThrow("crash");

        const again = await restart(made, { provider });
        again.time.ms += 3_600_000;
        await again.lifecycle.resumeAll();
        await again.lifecycle.idle();

        expect(await again.registry.read("acme")).toMatchObject({ state: "ready" });
        expect(await again.pool.use("acme", notesOf)).toEqual(["seeded"]);
        expect(await stepsOf(again, "acme")).toContain("activate done");
      }
    },
  );
});

describe.skipIf(sqldMissing)(`the whole service with tenants on a libSQL server${reason}`, () => {
  let server: RunningServer;

  beforeAll(async () => {
    server = await startServer({
      env: {
        PROVIDER: "libsql-server",
        LIBSQL_SERVER_URL: place.url,
        LIBSQL_SERVER_ADMIN_URL: place.adminUrl,
        LIBSQL_SERVER_ADMIN_KEY: adminKey,
        ENCRYPTION_KEY: "0a".repeat(32),
      },
    });
  });
  afterAll(() => server?.remove());

  it("creates a tenant, logs a user in, and deletes the tenant", async () => {
    const token = await managementToken(server);
    await createTenant(server, token, "acme");
    const application = await furnish(server, token, "acme");
    const { issuer, clientId, clientSecret } = application;

    const { tokens } = await logIn(application, await discover(issuer, clientId, clientSecret));

    expect(tokens.claims()?.email).toBe(application.email);
    const removed = await api(server, token, "/tenants/acme", { method: "DELETE" });
    expect(removed.ok).toBe(true);
    const answer = await fetch(`${issuer}userinfo`, { headers: { authorization: `Bearer ${tokens.access_token}` } });
    expect(answer.ok).toBe(false);
    expect(server.output()).not.toContain(adminKey);
  });

  it("deletes a tenant while people log in: they are refused, and nothing fails", async () => {
    const token = await managementToken(server);
    await createTenant(server, token, "beta");
    const traffic = await startTraffic(server, token, await furnish(server, token, "beta"));
    await traffic.more(40);

    const removed = await api(server, token, "/tenants/beta", { method: "DELETE" });
    await traffic.more(40);
    await traffic.stop();

    expect(removed.ok).toBe(true);
    expectRefusals(traffic);
  });
});
