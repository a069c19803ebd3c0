import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SigningKey } from "@authhero/adapter-interfaces";
import { createRemoteJWKSet, decodeProtectedHeader, importPKCS8, jwtVerify, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Adoptee } from "../../src/wiring/adopting.ts";
import { rowhouse } from "../cli/program.ts";
import { makeAuthHeroDatabase } from "../support/authhero-database.ts";
import { type Application, api, discover, logIn } from "../support/clients.ts";
import { nodeArguments } from "../support/compiled.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import type { Errand } from "./adopt-dying.ts";

/** Processes of their own, on a machine that is busy with other tests. */
const PATIENCE_MS = 300_000;

const directory = mkdtempSync(join(tmpdir(), "rowhouse-adopt-"));
const database = join(directory, "old.db");
const data = join(directory, "data");
const env = { DATA_DIR: data, LOG_LEVEL: "error" };
let oldKey: SigningKey;

beforeAll(async () => {
  oldKey = await makeAuthHeroDatabase(database);
  await rowhouse(["init"], env);
}, PATIENCE_MS);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function adopt(...args: readonly string[]) {
  const { code, stdout, stderr } = await rowhouse(["adopt", database, "--json", ...args], env);
  const report = stdout === "" ? null : (JSON.parse(stdout) as { readonly tenants: readonly Adoptee[] });
  const states = report?.tenants.map(({ id, state }) => [id, state]);
  return { code, stderr, states, tenants: report?.tenants ?? [] };
}

const digest = () => createHash("sha256").update(readFileSync(database)).digest("hex");

describe("rowhouse adopt --dry-run", { timeout: PATIENCE_MS }, () => {
  it("says what would be taken, what is in the way and what stays behind, and changes nothing", async () => {
    const before = { source: digest(), files: readdirSync(data, { recursive: true }) };
    // Of a rehearsal that was killed.
    const { pid = 0 } = spawnSync(process.execPath, ["--version"]);
    mkdirSync(join(data, `adopt-${pid}-x1y2z3`));
    writeFileSync(join(data, `adopt-${pid}-x1y2z3`, "rehearsal.db"), "hashes");

    const { code, states, tenants } = await adopt("--dry-run");

    expect(code).toBe(3);
    expect(states).toEqual([
      ["acme", "adoptable"],
      ["globex", "adoptable"],
      ["Initech_Corp", "hindered"],
    ]);
    const [acme, globex, initech] = tenants;
    expect(acme?.taken).toMatchObject({
      users: 4,
      passwords: 3,
      clients: 2,
      connections: 2,
      roles: 2,
      "signing keys": 1,
    });
    expect(acme?.hindrances).toEqual([]);
    expect(acme?.left.map(({ what, rows }) => [what, rows])).toEqual(
      expect.arrayContaining([
        ["logs", 1],
        ["custom_domains", 1],
        ["keys without a tenant", 1],
      ]),
    );
    expect(globex?.changes).toEqual([expect.objectContaining({ what: "clients.is_first_party", rows: 1 })]);
    expect(initech?.hindrances).toEqual([
      { of: "the tenant", message: expect.stringMatching(/^id: a-z, 0-9 and single dashes/) },
    ]);
    expect({ source: digest(), files: readdirSync(data, { recursive: true }) }).toEqual(before);
    const status = await rowhouse(["status", "--json"], env);
    expect(JSON.parse(status.stdout)).toMatchObject({ tenants: { ready: 1 } });
  });

  it("does not show a value, secret or not", async () => {
    const { stdout } = await rowhouse(["adopt", database, "--dry-run"], env);

    expect(stdout).not.toMatch(/PLANTED|secret-0123|\$2b\$|PRIVATE KEY/);
  });
});

describe("an adoption that dies half way", { timeout: PATIENCE_MS }, () => {
  it("leaves a tenant that is not served, and goes on when it is run again", async () => {
    const errand: Errand = { database, table: "passwords" };
    const script = [...nodeArguments("test/e2e/adopt-dying.ts"), JSON.stringify(errand)];
    const { PATH, HOME } = process.env;
    const died = spawnSync(process.execPath, script, { env: { PATH, HOME, ...env }, encoding: "utf8" });
    expect([died.signal, died.stderr]).toEqual(["SIGKILL", ""]);

    const server = await startServer({ directory: data });
    try {
      const answer = await fetch(`http://acme.localhost:${server.port}/.well-known/openid-configuration`);
      expect(answer.ok).toBe(false);
      const refused = await adopt("--tenant", "acme");
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("server_running") });
    } finally {
      await server.stop();
    }

    const again = await adopt("--tenant", "acme,globex");
    expect(again).toMatchObject({
      code: 0,
      states: [
        ["acme", "adopted"],
        ["globex", "adopted"],
      ],
    });
    expect(await adopt()).toMatchObject({
      code: 3,
      states: [
        ["acme", "there"],
        ["globex", "there"],
        ["Initech_Corp", "hindered"],
      ],
    });
  });
});

describe("a tenant that was adopted", { timeout: PATIENCE_MS }, () => {
  let server: RunningServer;
  let application: Application;
  beforeAll(async () => {
    server = await startServer({ directory: data });
    application = {
      issuer: issuer("acme"),
      clientId: "acme-web",
      clientSecret: "acme-old-client-secret-0123456789",
      redirectUri: "http://app.localhost/callback",
      email: "user1@acme.example",
      password: "Correct-Horse-acme-1",
    };
  }, PATIENCE_MS);
  afterAll(() => server?.stop());

  const issuer = (tenantId: string) => `http://${tenantId}.localhost:${server.port}/`;
  it("signs its people in with their passwords", async () => {
    const configuration = await discover(application.issuer, application.clientId, application.clientSecret);

    const { tokens } = await logIn(application, configuration);

    expect(tokens.claims()?.sub).toBe("auth2|acme-1");
  });

  it("gives its machines tokens for their secrets, signed with the key it has always had", async () => {
    const form = {
      ...{ grant_type: "client_credentials", audience: "https://orders.acme.example/" },
      ...{ client_id: "acme-machine", client_secret: "acme-old-machine-secret-0123456789" },
    };
    const ask = (more: object) =>
      fetch(`${issuer("acme")}oauth/token`, { method: "POST", body: new URLSearchParams({ ...form, ...more }) });

    const { access_token = "" } = (await (await ask({})).json()) as { access_token?: string };

    const { payload } = await jwtVerify(
      access_token,
      createRemoteJWKSet(new URL(`${issuer("acme")}.well-known/jwks.json`)),
    );
    expect(payload.scope).toBe("read:orders");
    expect(decodeProtectedHeader(access_token).kid).toBe(oldKey.kid);
    expect((await ask({ client_secret: "another" })).status).toBeGreaterThanOrEqual(400);
  });

  it("takes no token from before at its management API", async () => {
    const issuedAt = Math.floor(Date.now() / 1_000) - 3_600;
    const signed = await new SignJWT({ sub: "auth2|acme-1", tenant_id: "acme", permissions: ["read:users"] })
      .setProtectedHeader({ alg: "RS256", kid: oldKey.kid })
      .setIssuer(issuer("acme"))
      .setAudience("urn:authhero:management")
      .setIssuedAt(issuedAt)
      .setExpirationTime("2h")
      .sign(await importPKCS8(oldKey.pkcs7 ?? "", "RS256"));

    const answer = await fetch(`${issuer("acme")}api/v2/users`, { headers: { authorization: `Bearer ${signed}` } });

    expect(answer.status).toBe(401);
  });

  it("publishes its old key, so that what was signed before still verifies, at no other tenant", async () => {
    const before = await new SignJWT({ sub: "auth2|acme-1" })
      .setProtectedHeader({ alg: "RS256", kid: oldKey.kid })
      .setIssuer("https://old.example/")
      .sign(await importPKCS8(oldKey.pkcs7 ?? "", "RS256"));
    const keysOf = (tenantId: string) => createRemoteJWKSet(new URL(`${issuer(tenantId)}.well-known/jwks.json`));

    expect((await jwtVerify(before, keysOf("acme"))).payload.sub).toBe("auth2|acme-1");
    await expect(jwtVerify(before, keysOf("globex"))).rejects.toThrow(/no applicable key/);
  });

  it("has its roles, organizations and settings, and says so through the management API", async () => {
    const token = await operatorsToken(server);
    const ask = async (path: string) =>
      (await api(server, token, path, { headers: { "tenant-id": "acme" } })).json() as Promise<unknown>;

    const user = "/users/auth2%7Cacme-1";
    expect(await ask(`${user}/roles`)).toMatchObject([{ name: "Editor" }]);
    expect(await ask(`${user}/organizations`)).toMatchObject([{ name: "sales", metadata: { region: "EU" } }]);
    expect(await ask(user)).toMatchObject({
      ...{ email: "user1@acme.example", app_metadata: { plan: "gold" }, last_ip: expect.any(String) },
      identities: [{ provider: "auth2" }, { provider: "google-oauth2", user_id: "117" }],
    });
    expect(await ask("/tenants/acme")).toMatchObject({ friendly_name: "ACME", session_lifetime: 72, state: "ready" });
    expect(await ask("/connections/con_acme_google")).toMatchObject({ options: { client_id: "google-client" } });
  });

  it("has its secrets sealed, wherever they are stored", () => {
    const texts = readdirSync(data, { recursive: true, encoding: "utf8" })
      .filter((name) => /\.db(?:-wal)?$/.test(name))
      .map((name) => readFileSync(join(data, name), "latin1"));

    expect(texts.length).toBeGreaterThan(2);
    expect(texts.some((text) => text.includes("auth2|acme-1"))).toBe(true);
    for (const text of texts) expect(text).not.toMatch(/PLANTED|-old-(?:client|machine)-secret|PRIVATE KEY/);
  });
});

async function operatorsToken({ issuer, clientId, clientSecret }: RunningServer): Promise<string> {
  const form = {
    ...{ grant_type: "client_credentials", audience: "urn:authhero:management" },
    ...{ client_id: clientId, client_secret: clientSecret },
  };
  const answer = await fetch(`${issuer}oauth/token`, { method: "POST", body: new URLSearchParams(form) });
  return ((await answer.json()) as { access_token: string }).access_token;
}
