import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SettingsInheritance } from "../../src/fallback/settings.ts";
import { type HouseInProcess, MANAGEMENT_AUDIENCE, openInProcess } from "../support/in-process.ts";

const settingsInheritance: SettingsInheritance = {
  inheritedKeys: ["default_audience", "flags", "support_url"],
  lockedKeys: ["session_lifetime"],
  transformSettings: ({ support_url, ...others }, tenantId) => ({
    ...others,
    ...(support_url && { support_url: `${support_url}${tenantId}` }),
  }),
};

let house: HouseInProcess;
let token: string;

beforeAll(async () => {
  const before = await openInProcess();
  const created = { token: await before.machineToken(), json: { id: "acme", friendly_name: "Acme" } };
  await before.made("/tenants", created);
  // From before anybody decided that it is locked.
  await before.made("/tenants/acme", { ...created, method: "PATCH", json: { session_lifetime: 1 } });
  await before.close({ keep: true });

  const isOptedOut = (tenantId: string) => tenantId === "alone";
  house = await openInProcess(
    { DATA_DIR: before.directory },
    {
      settingsInheritance,
      resolveControlPlane: ({ tenant_id }) => (isOptedOut(tenant_id) ? undefined : { tenantId: "control_plane" }),
    },
  );
  token = await house.machineToken();
  await change("control_plane", {
    ...{ default_audience: MANAGEMENT_AUDIENCE, support_url: "https://street.example/", support_email: "a@b.example" },
    session_lifetime: 48,
  });
});
afterAll(() => house?.close());

const change = (id: string, json: object) => house.made(`/tenants/${id}`, { method: "PATCH", token, json });
const effectiveOf = (id: string) =>
  house.made<Record<string, { value: unknown; source: string; locked: boolean }>>(`/tenants/${id}/effective-settings`, {
    token,
  });

async function refusal(path: string, init: { json: object; method?: string; headers?: Record<string, string> }) {
  const answer = await house.api(path, { token, ...init });
  return { status: answer.status, body: await answer.json() };
}

describe("settings of the control plane", () => {
  it("hold for a tenant that has none of its own, transformed, and are shown with where they are from", async () => {
    expect(await effectiveOf("acme")).toMatchObject({
      default_audience: { value: MANAGEMENT_AUDIENCE, source: "control_plane", locked: false },
      support_url: { value: "https://street.example/acme", source: "control_plane", locked: false },
      // Nobody has named it.
      support_email: { value: null, source: "default", locked: false },
    });
  });

  it("hold in what AuthHero does", async () => {
    const made = await house.made<{ client_id: string; client_secret: string }>("/clients", {
      token,
      headers: { "tenant-id": "acme" },
      json: { name: "Machine", app_type: "non_interactive", grant_types: ["client_credentials"] },
    });
    const { client_id, client_secret } = made;
    await house.made("/client-grants", {
      token,
      headers: { "tenant-id": "acme" },
      json: { client_id, audience: MANAGEMENT_AUDIENCE, scope: ["read:users"] },
    });
    const answer = await house.ask({ grant_type: "client_credentials", client_id, client_secret }, "acme");
    const body = (await answer.json()) as { access_token?: string };

    expect([answer.status, body]).toEqual([200, expect.anything()]);
    expect(decodeJwt(body.access_token ?? "").aud).toBe(MANAGEMENT_AUDIENCE);
  });

  it("give way to a tenant's own, and come back when that is cleared; its row stays its own", async () => {
    await change("acme", { support_url: "https://acme.example/" });
    const own = await effectiveOf("acme");
    const cleared = await change("acme", { support_url: null });

    expect(own.support_url).toEqual({ value: "https://acme.example/", source: "own", locked: false });
    expect(cleared).not.toHaveProperty("support_url", "https://street.example/acme");
    expect((await effectiveOf("acme")).support_url).toMatchObject({ source: "control_plane" });
  });

  it("follow a change at once", async () => {
    await change("control_plane", { flags: { enable_sso: true } });
    const before = await effectiveOf("acme");
    await change("control_plane", { flags: { enable_sso: false } });

    expect([before.flags?.value, (await effectiveOf("acme")).flags?.value]).toMatchObject([
      { enable_sso: true },
      { enable_sso: false },
    ]);
  });

  it("do not concern a tenant that has opted out, nor the control plane itself", async () => {
    await house.made("/tenants", { token, json: { id: "alone", friendly_name: "Alone" } });
    await change("alone", { session_lifetime: 3 });

    const alone = await effectiveOf("alone");
    expect(alone.session_lifetime).toEqual({ value: 3, source: "own", locked: false });
    expect(alone.support_url).toEqual({ value: null, source: "default", locked: false });
    expect((await effectiveOf("control_plane")).support_url).toMatchObject({ source: "own", locked: false });
  });
});

it("the control plane's e-mail provider is lent likewise: not to a tenant that has opted out", async () => {
  const credentials = { smtp_host: "mail.street.example" };
  await house.made("/emails/provider", { token, json: { name: "smtp", credentials } });
  const [acme, alone] = await Promise.all([effectiveOf("acme"), effectiveOf("alone")]);

  expect(acme.email_provider).toEqual({ set: true, source: "control_plane" });
  expect(alone.email_provider).toEqual({ set: false, source: "default" });
});

describe("a locked setting", () => {
  it("is the control plane's also where a tenant had one before", async () => {
    expect((await effectiveOf("acme")).session_lifetime).toEqual({ value: 48, source: "control_plane", locked: true });
  });

  it.each([
    ["by the tenant's id", "/tenants/acme", { method: "PATCH", json: { session_lifetime: 2 } }],
    ["cleared", "/tenants/acme", { method: "PATCH", json: { session_lifetime: null } }],
    [
      "as the tenant's own settings",
      "/tenants/settings",
      { method: "PATCH", json: { session_lifetime: 2 }, headers: { "tenant-id": "acme" } },
    ],
    ["with a new tenant", "/tenants", { json: { id: "late", friendly_name: "Late", session_lifetime: 2 } }],
  ])("cannot be set %s: 409", async (_how, path, init) => {
    expect(await refusal(path, init)).toEqual({
      status: 409,
      body: expect.objectContaining({
        errorCode: "setting_locked",
        message: expect.stringContaining("session_lifetime"),
      }),
    });
    expect((await house.api("/tenants/late", { token })).status).toBe(404);
  });
});

describe("the option settingsInheritance", () => {
  it.each<[string, object, RegExp]>([
    ["inheritedKeys", {}, /settingsInheritance\.inheritedKeys: /],
    ["an unknown name", { inheritedKeys: ["nothing"] }, /settingsInheritance\.inheritedKeys\.0: is no setting/],
    ["what is one tenant's", { inheritedKeys: [], lockedKeys: ["friendly_name"] }, /lockedKeys\.0: is no setting/],
    ["what holds a secret", { inheritedKeys: ["mfa"] }, /inheritedKeys\.0: is no setting/],
    ["another option", { inheritedKeys: [], mode: "all" }, /settingsInheritance\.mode is not an option/],
  ])("is refused for %s", async (_what, wrong, message) => {
    await expect(openInProcess({}, { settingsInheritance: wrong as SettingsInheritance })).rejects.toThrow(message);
  });
});
