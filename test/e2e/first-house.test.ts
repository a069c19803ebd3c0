import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { createRemoteJWKSet, jwtVerify } from "jose";
import * as oidc from "openid-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database } from "../../src/db/database.ts";
import { openFile } from "../../src/db/native.ts";
import { type Application, api, createTenant, discover, furnish, logIn, managementToken } from "../support/clients.ts";
import { type RunningServer, startServer } from "../support/server.ts";

const TENANTS = ["acme", "beta"] as const;

let server: RunningServer;
let token: string;
const applications = new Map<string, Application>();

beforeAll(async () => {
  server = await startServer();
  token = await managementToken(server);
  for (const id of TENANTS) {
    await createTenant(server, token, id);
    applications.set(id, await furnish(server, token, id));
  }
});
afterAll(() => server?.remove());

const applicationOf = (tenant: string): Application => {
  const application = applications.get(tenant);
  if (!application) throw new Error(`no application in ${tenant}`);
  return application;
};

const configurationOf = ({ issuer, clientId, clientSecret }: Application) => discover(issuer, clientId, clientSecret);

describe("the first house", () => {
  it("seats each tenant at its own origin, whatever the request claims", async () => {
    const document = `http://acme.localhost:${server.port}/.well-known/openid-configuration`;
    const forged = await fetch(document, {
      headers: { "x-forwarded-host": "evil.example:1", "x-forwarded-proto": "https" },
    });

    const discovered = (await forged.json()) as Record<string, unknown>;

    expect(discovered.issuer).toBe(`http://acme.localhost:${server.port}/`);
    expect(JSON.stringify(discovered)).not.toContain("evil.example");
  });

  it.each(TENANTS)("logs a user of %s in, from authorization to logout", async (tenant) => {
    const application = applicationOf(tenant);
    const configuration = await configurationOf(application);

    const { tokens, visit } = await logIn(application, configuration);

    const keys = createRemoteJWKSet(new URL(configuration.serverMetadata().jwks_uri ?? ""));
    const verified = await jwtVerify(tokens.id_token ?? "", keys, {
      issuer: application.issuer,
      audience: application.clientId,
    });
    expect(verified.payload.email).toBe(application.email);

    const refreshed = await oidc.refreshTokenGrant(configuration, tokens.refresh_token ?? "");
    const user = await oidc.fetchUserInfo(configuration, refreshed.access_token, verified.payload.sub ?? "");
    expect(user.email).toBe(application.email);

    const logout = await visit(
      `${application.issuer}v2/logout?client_id=${application.clientId}&returnTo=http://app.localhost/`,
    );
    expect(logout.headers.get("location")).toBe("http://app.localhost/");
    const silent = oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: application.redirectUri,
      scope: "openid",
      prompt: "none",
      response_type: "code",
      state: "after-logout",
      nonce: "after-logout",
    });
    const answer = await visit(silent.href);
    expect((await answer.text()) + (answer.headers.get("location") ?? "")).toContain("login_required");
  });

  it("keeps 50 interleaved logins of both tenants apart", async () => {
    const configurations = await Promise.all(TENANTS.map((tenant) => configurationOf(applicationOf(tenant))));
    const logins = Array.from({ length: 50 }, (_, index) => index % TENANTS.length);

    const tokens = await inGroupsOf(10, logins, async (which) => {
      const tenant = TENANTS[which] ?? "acme";
      const configuration = configurations[which];
      if (!configuration) throw new Error("no configuration");
      const { tokens } = await logIn(applicationOf(tenant), configuration);
      return { tenant, claims: tokens.claims() };
    });

    for (const { tenant, claims } of tokens) {
      expect(claims?.iss).toBe(applicationOf(tenant).issuer);
      expect(claims?.email).toBe(applicationOf(tenant).email);
    }
    expect(tokens).toHaveLength(50);
  });

  it("refuses a token of one tenant in the other", async () => {
    const { tokens } = await logIn(applicationOf("acme"), await configurationOf(applicationOf("acme")));

    const beta = await configurationOf(applicationOf("beta"));

    await expect(oidc.fetchUserInfo(beta, tokens.access_token, oidc.skipSubjectCheck)).rejects.toThrow();
    await expect(oidc.refreshTokenGrant(beta, tokens.refresh_token ?? "")).rejects.toThrow();
  });
});

describe("isolation on disk", () => {
  it("keeps a user's e-mail in the tenant's own database and nowhere else", () => {
    const holders = filesHolding(server.directory, applicationOf("acme").email);

    expect(holders.length).toBeGreaterThan(0);
    const [database] = holders.map((path) => path.replace(/-wal$/, ""));
    for (const path of holders) expect(path.replace(/-wal$/, "")).toBe(database);
    expect(filesHolding(server.directory, applicationOf("beta").email)).not.toContain(database);
  });

  it("keeps sessions, codes, refresh tokens and logs in the tenant's own database", async () => {
    const tables = ["login_sessions", "sessions", "codes", "refresh_tokens", "logs"];
    const [holder = ""] = filesHolding(server.directory, applicationOf("acme").email);
    const own = await openFile(holder.replace(/-wal$/, ""));
    const controlPlane = await openFile(join(server.directory, "control-plane.db"));

    // Logs are delivered behind the response.
    await eventually(async () => {
      const counts = await rowsOf(own, tables, "acme");
      for (const table of tables) expect([table, counts[table]]).not.toEqual([table, 0]);
    });
    expect(await rowsOf(controlPlane, tables, "acme")).toEqual(Object.fromEntries(tables.map((table) => [table, 0])));
    await Promise.all([own.close(), controlPlane.close()]);
  });
});

describe("deleting a tenant for good", () => {
  it("removes its file, refuses its tokens, and starts the id anew as another life", async () => {
    await createTenant(server, token, "gamma");
    const application = await furnish(server, token, "gamma");
    const configuration = await configurationOf(application);
    const { tokens, jar } = await logIn(application, configuration);
    const before = databaseFiles(server.directory);
    const [file] = filesHolding(server.directory, application.email).map((path) => path.replace(/-wal$/, ""));

    const removed = await api(server, token, "/tenants/gamma?purge=true", { method: "DELETE" });

    expect(removed.status).toBe(204);
    expect(before).toContain(file);
    expect(filesHolding(server.directory, application.email)).toEqual([]);
    expect((await fetch(`${application.issuer}userinfo`, bearer(tokens.access_token))).status).toBe(404);

    await createTenant(server, token, "gamma");
    const again = await furnish(server, token, "gamma");
    const anew = await configurationOf(again);

    expect((await fetch(`${application.issuer}userinfo`, bearer(tokens.access_token))).status).toBe(401);
    await expect(oidc.refreshTokenGrant(anew, tokens.refresh_token ?? "")).rejects.toThrow();
    const cookies = await jar.getCookieString(application.issuer);
    const silent = oidc.buildAuthorizationUrl(anew, {
      redirect_uri: again.redirectUri,
      scope: "openid",
      prompt: "none",
      response_type: "code",
      state: "old-cookie",
      nonce: "old-cookie",
    });
    const answer = await fetch(silent, { redirect: "manual", headers: { cookie: cookies } });
    expect((await answer.text()) + (answer.headers.get("location") ?? "")).toContain("login_required");
    expect(databaseFiles(server.directory)).not.toContain(file);
  });

  it("answers 409 for an id that is taken, and changes nothing", async () => {
    const before = databaseFiles(server.directory);

    const answer = await api(server, token, "/tenants", {
      method: "POST",
      body: JSON.stringify({ id: "acme", friendly_name: "Another" }),
    });

    expect(answer.status).toBe(409);
    expect(databaseFiles(server.directory)).toEqual(before);
    const acme = (await (await api(server, token, "/tenants/acme")).json()) as { friendly_name: string };
    expect(acme.friendly_name).toBe("Tenant acme");
  });
});

const bearer = (accessToken: string) => ({ headers: { authorization: `Bearer ${accessToken}` } });

function allFiles(directory: string): string[] {
  const names = readdirSync(directory, { recursive: true, encoding: "utf8" });
  return names.map((name) => join(directory, name)).filter((path) => statSync(path).isFile());
}

async function rowsOf(
  database: Database,
  tables: readonly string[],
  tenantId: string,
): Promise<Record<string, unknown>> {
  const count = (table: string) => ({
    sql: `select count(*) as rows from ${table} where tenant_id = ?`,
    parameters: [tenantId],
  });
  const results = await database.batch(tables.map(count));
  return Object.fromEntries(tables.map((table, index) => [table, results[index]?.rows[0]?.rows]));
}

const databaseFiles = (directory: string) => allFiles(directory).filter((path) => path.endsWith(".db"));

const filesHolding = (directory: string, text: string) =>
  allFiles(directory).filter((path) => readFileSync(path).includes(text));

async function inGroupsOf<T, R>(size: number, items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += size) {
    results.push(...(await Promise.all(items.slice(start, start + size).map(work))));
  }
  return results;
}

/** Until `check` holds: delivery of logs goes on after the response. */
async function eventually(check: () => Promise<void>): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await check();
    } catch (error) {
      if (attempt === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
