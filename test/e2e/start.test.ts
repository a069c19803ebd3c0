import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { openFile } from "../../src/db/native.ts";
import { api, createTenant, discover, furnish, logIn, managementToken } from "../support/clients.ts";
import { type RunningServer, startExpectingRefusal, startServer } from "../support/server.ts";

const running: RunningServer[] = [];
const start = async (...options: Parameters<typeof startServer>) => {
  const server = await startServer(...options);
  running.push(server);
  return server;
};
afterEach(async () => {
  for (const server of running.splice(0).reverse()) await server.remove();
});

describe("starting", () => {
  it("tells the first login once, to the owner of the files alone", async () => {
    const first = await start();
    const file = join(first.directory, "first-login.txt");
    const kept = readFileSync(file, "utf8");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(first.directory, "encryption.key")).mode & 0o777).toBe(0o600);
    // Not on a terminal, the secrets stay in the file.
    expect(first.output()).not.toContain(first.clientSecret);

    expect(await first.stop()).toBe(0);
    const second = await start({ directory: first.directory, port: first.port });

    expect(readFileSync(file, "utf8")).toBe(kept);
    expect(second.output()).toContain(second.issuer);
    expect(await managementToken(second)).toBeTruthy();
  });

  it("sends nobody who signs in to the control plane to a host that no operator has named", async () => {
    const first = await start();
    const token = await managementToken(first);
    const addresses = async () => {
      const clients = (await (await api(first, token, "/clients")).json()) as Record<string, string[] | undefined>[];
      expect(clients.length).toBeGreaterThan(2);
      const named = ["callbacks", "allowed_logout_urls", "web_origins", "allowed_origins"];
      return clients.flatMap((client) => named.flatMap((name) => client[name] ?? []));
    };

    expect(await addresses()).toEqual([]);
  });

  it("names every wrong setting at once and shows no value", async () => {
    const { code, output } = await startExpectingRefusal({
      PORT: "seventy",
      POOL_MAX_OPEN: "-1",
      METRICS: "s3cret",
    });

    expect(code).toBe(1);
    expect(output).toMatch(/PORT/);
    expect(output).toMatch(/POOL_MAX_OPEN/);
    expect(output).toMatch(/METRICS/);
    expect(output).not.toMatch(/seventy|s3cret/);
  });

  it("is refused with a key that cannot open what is sealed", async () => {
    const first = await start();
    await first.stop();

    const { code, output } = await startExpectingRefusal({
      PORT: String(first.port),
      DATA_DIR: first.directory,
      ENCRYPTION_KEY: "0b".repeat(32),
    });

    expect(code).toBe(1);
    expect(output).toMatch(/ENCRYPTION_KEY .*is not the key of this control plane/);
  });
});

describe("a tenant whose file is damaged", () => {
  it("answers 503, and every other tenant goes on", async () => {
    const first = await start();
    const token = await managementToken(first);
    await createTenant(first, token, "acme");
    const before = tenantFiles(first.directory);
    await createTenant(first, token, "beta");
    const [file] = tenantFiles(first.directory).filter((path) => !before.includes(path));
    await first.stop();
    damage(file ?? "");

    const { port, issuer } = await start({ directory: first.directory, port: first.port });
    const discovery = (tenant: string) => fetch(`http://${tenant}.localhost:${port}/authorize?client_id=none`);

    const beta = await discovery("beta");
    expect(beta.status).toBe(503);
    expect(beta.headers.get("retry-after")).toBeTruthy();
    expect((await discovery("acme")).status).not.toBe(503);
    const list = await api({ ...first, issuer }, token, "/users", { headers: { "tenant-id": "beta" } });
    expect(list.status).toBe(503);
    expect(await list.json()).toMatchObject({ errorCode: "tenant_unavailable" });
  });
});

describe("a tenant's database that older code has made", () => {
  it("gets the migrations it lacks at its first opening", async () => {
    const first = await start();
    const token = await managementToken(first);
    await createTenant(first, token, "acme");
    await first.stop();
    const [file = ""] = tenantFiles(first.directory);
    await makeOlder(file, join(first.directory, "control-plane.db"));

    const second = await start({ directory: first.directory, port: first.port });
    const application = await furnish(second, token, "acme");
    const { tokens } = await logIn(
      application,
      await discover(application.issuer, "default", application.clientSecret),
    );

    expect(tokens.claims()?.email).toBe(application.email);
  });
});

/** Takes the newest migration out of a database again, and its mark out of the registry. */
async function makeOlder(file: string, controlPlaneFile: string): Promise<void> {
  const statement = (sql: string) => ({ sql, parameters: [] });
  const script = readFileSync("migrations/tenant/0004_sessions.sql", "utf8");
  const tables = [...script.matchAll(/CREATE TABLE (\w+)/g)].map(([, table]) => `drop table ${table}`);
  const tenant = await openFile(file);
  await tenant.batch([...tables, "delete from schema_migrations where id = '0004_sessions'"].map(statement));
  await tenant.close();
  const controlPlane = await openFile(controlPlaneFile);
  await controlPlane.batch([statement("update rh_placements set schema_version = 'older'")]);
  await controlPlane.close();
}

function tenantFiles(directory: string): string[] {
  const tenants = join(directory, "tenants");
  if (!existsSync(tenants)) return [];
  const names = readdirSync(tenants).filter((name) => /^t-.*\.db$/.test(name));
  return names.map((name) => join(tenants, name));
}

/** The header is what makes a file a database. */
function damage(path: string): void {
  const bytes = readFileSync(path);
  bytes.fill(0x58, 0, 100);
  writeFileSync(path, bytes);
}
