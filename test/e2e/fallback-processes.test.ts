import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KeptMail } from "../../src/auth/mail/mailbox.ts";
import type { SettingsInheritance } from "../../src/fallback/settings.ts";
import { type Application, api, createTenant, furnish, managementToken } from "../support/clients.ts";
import { openInProcess } from "../support/in-process.ts";
import { freePort } from "../support/program.ts";
import { type RunningServer, startServer } from "../support/server.ts";

/** Far longer than anything here takes; a machine may be busy. */
const PATIENCE_MS = 120_000;
const eventually = { timeout: PATIENCE_MS, interval: 100 };

const GOOGLE = "google-oauth2";
const SECRET = { client_secret: "lent-secret" };

describe("what a tenant inherits, changed in one process", () => {
  let here: RunningServer;
  let there: RunningServer;
  let token: string;
  let application: Application;

  beforeAll(async () => {
    const directory = mkdtempSync(join(tmpdir(), "pair-"));
    const ports = [await freePort(), await freePort()];
    const env = { ISSUER: `http://localhost:${ports[0]}/`, DEV_MAILBOX: "1" };
    here = await startServer({ directory, port: ports[0] ?? 0, env });
    there = await startServer({ directory, port: ports[1] ?? 0, env });
    token = await managementToken(here);
    await change("POST", "/connections", {
      name: GOOGLE,
      strategy: GOOGLE,
      options: { ...SECRET, client_id: "first" },
    });
    await createTenant(here, token, "acme");
    application = await furnish(here, token, "acme");
  }, 3 * PATIENCE_MS);
  afterAll(async () => {
    await there?.stop();
    await here?.remove();
  }, PATIENCE_MS);

  /** At this process only. */
  async function change(method: string, path: string, body: object, tenantId = "control_plane") {
    const headers = { "tenant-id": tenantId };
    const answer = await api(here, token, path, { method, headers, body: JSON.stringify(body) });
    expect(answer.ok, `${method} ${path} answered ${answer.status}`).toBe(true);
    return (await answer.json()) as { id: string };
  }

  const atTheOther = (path: string, init: RequestInit = {}) =>
    // A connection each: one that is kept may be closed by the server in the moment it is used again.
    fetch(`http://acme.localhost:${there.port}${path}`, {
      redirect: "manual",
      ...init,
      headers: { connection: "close", ...init.headers },
    });

  /** The client with which a login at the other process goes to Google. */
  async function googleClient() {
    const query = new URLSearchParams({
      ...{ client_id: application.clientId, redirect_uri: application.redirectUri, connection: GOOGLE },
      ...{ response_type: "code", scope: "openid", state: "mine" },
    });
    const location = (await atTheOther(`/authorize?${query}`)).headers.get("location");
    return location && new URL(location).searchParams.get("client_id");
  }

  /** Whom a mail of the other process is from. */
  async function sender() {
    const { clientId, clientSecret, email } = application;
    const asked = { client_id: clientId, client_secret: clientSecret, connection: "email", email, send: "code" };
    await atTheOther("/passwordless/start", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...asked, authParams: { scope: "openid" } }),
    });
    const answer = await atTheOther("/dev/mailbox", { headers: { accept: "application/json" } });
    return ((await answer.json()) as { mails: KeptMail[] }).mails[0]?.from;
  }

  it(
    "is so in the other: a social login",
    async () => {
      await expect.poll(googleClient, eventually).toBe("first");
      const found = await (await api(here, token, "/connections")).json();
      const { id } = (found as { id: string; name: string }[]).find(({ name }) => name === GOOGLE) ?? { id: "" };

      await change("PATCH", `/connections/${id}`, { options: { ...SECRET, client_id: "second" } });

      await expect.poll(googleClient, eventually).toBe("second");
    },
    2 * PATIENCE_MS,
  );

  it(
    "is so in the other: the mail provider",
    async () => {
      await change("POST", "/connections", { name: "email", strategy: "email", options: {} }, "acme");
      const provider = { name: "smtp", enabled: true, credentials: { smtp_host: "127.0.0.1", smtp_port: 25 } };
      await change("POST", "/emails/provider", { ...provider, default_from_address: "first@street.example" });
      await expect.poll(sender, eventually).toBe("first@street.example");

      await change("PATCH", "/emails/provider", { default_from_address: "second@street.example" });

      await expect.poll(sender, eventually).toBe("second@street.example");
    },
    2 * PATIENCE_MS,
  );
});

it(
  "a setting that tenants inherit is heard of by the other process, not waited for: there the clock stands still",
  async () => {
    const settingsInheritance: SettingsInheritance = { inheritedKeys: ["support_url"] };
    const here = await openInProcess({}, { settingsInheritance });
    const token = await here.machineToken();
    const change = (id: string, json: object) => here.made(`/tenants/${id}`, { method: "PATCH", token, json });
    await here.made("/tenants", { token, json: { id: "acme", friendly_name: "Acme" } });
    await change("control_plane", { support_url: "https://first.example/" });
    const now = new Date();
    const there = await openInProcess({ DATA_DIR: here.directory }, { settingsInheritance, clock: () => now });
    const shown = async () => {
      const settings = await there.made<Record<string, { value: unknown }>>("/tenants/acme/effective-settings", {
        token,
      });
      return settings.support_url?.value;
    };
    expect(await shown()).toBe("https://first.example/");

    await change("control_plane", { support_url: "https://second.example/" });

    await expect.poll(shown, eventually).toBe("https://second.example/");
    await there.close({ keep: true });
    await here.close({ keep: true });
    rmSync(here.directory, { recursive: true });
  },
  2 * PATIENCE_MS,
);
