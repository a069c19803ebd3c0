import { afterAll, beforeAll, expect, it } from "vitest";
import { api, createTenant, managementToken } from "../support/clients.ts";
import { type RunningServer, startServer } from "../support/server.ts";

let server: RunningServer;
let token: string;

beforeAll(async () => {
  server = await startServer({ env: { DEV_MAILBOX: "1" } });
  token = await managementToken(server);
  await createTenant(server, token, "acme");
});
afterAll(() => server?.remove());

async function call(method: string, path: string, body?: object) {
  const answer = await api(server, token, path, { method, ...(body && { body: JSON.stringify(body) }) });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

it("a tenant's settings are changed by its id: deep, null clears, and nothing else", async () => {
  const changed = await call("PATCH", "/tenants/acme", { session_lifetime: 24, flags: { enable_sso: true } });
  expect([changed.status, changed.body]).toMatchObject([
    200,
    { id: "acme", friendly_name: "Tenant acme", session_lifetime: 24 },
  ]);

  const again = await call("PATCH", "/tenants/acme", { session_lifetime: null, friendly_name: "Acme" });
  expect(again.body).toMatchObject({ friendly_name: "Acme", flags: { enable_sso: true } });
  expect(again.body.session_lifetime ?? null).toBeNull();
});

it.each([
  [{ provisioning_state: "ready" }, "provisioning_state"],
  [{ friendly_name: null }, "friendly_name"],
  [{ session_lifetime: "long" }, "session_lifetime"],
])("%j is refused by the field's name", async (patch, field) => {
  const refused = await call("PATCH", "/tenants/acme", patch);

  expect([refused.status, refused.body.message]).toEqual([400, expect.stringContaining(field)]);
});

it("what holds for a tenant is shown with where it comes from", async () => {
  await call("PATCH", "/tenants/acme", { support_email: "help@acme.example" });

  const { status, body } = await call("GET", "/tenants/acme/effective-settings");

  expect(status).toBe(200);
  expect(body).toMatchObject({
    support_email: { value: "help@acme.example", source: "own", locked: false },
    support_url: { value: null, source: "default", locked: false },
    email_provider: { set: true, source: "default" },
  });
});

it("a tenant that is not there is 404, and a deleted one is changed by nobody", async () => {
  await createTenant(server, token, "gone");
  expect((await api(server, token, "/tenants/gone", { method: "DELETE" })).status).toBe(204);

  for (const id of ["never", "gone"]) {
    expect((await call("PATCH", `/tenants/${id}`, { support_url: "https://a.example/" })).status).toBe(404);
  }
});
