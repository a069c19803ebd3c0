import { mkdirSync } from "node:fs";
import type { Browser, Page, Request } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chromiumOrReason, launchChromium, openPage } from "../support/chromium.ts";
import { api, createTenant, managementToken } from "../support/clients.ts";
import { type StartedExample, startExample } from "../support/example.ts";
import { freePort } from "../support/program.ts";
import { type RunningServer, startServer } from "../support/server.ts";

const SCREENSHOTS = "test-results/screenshots";
const PERSON = { email: "ann@example.com", password: "Correct-Horse-console-1" };

const { reason } = chromiumOrReason();

describe.skipIf(reason)(`tenant switching in Chromium${reason ? ` (${reason})` : ""}`, () => {
  let server: RunningServer;
  let console: StartedExample;
  let browser: Browser;
  let address: string;

  beforeAll(async () => {
    mkdirSync(SCREENSHOTS, { recursive: true });
    const port = await freePort();
    address = `http://localhost:${port}/`;
    server = await startServer({ env: { CONSOLE_CALLBACKS: address } });
    [console, browser] = await Promise.all([
      startExample("console.ts", port, { ISSUER: server.issuer }),
      launchChromium(),
    ]);
    await settle(server);
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), console?.stop(), server?.remove()]);
  });

  it("gets a token for each tenant from one login, and each administers its tenant only", async () => {
    const watched = await openPage(browser);
    const { page } = watched;
    const tokens = tokensOf(page);

    await page.goto(address);
    await page.fill('input[name="tenant"]', "acme");
    await submit(page);
    await page.fill('input[name="username"]', PERSON.email);
    await submit(page);
    await page.fill('input[name="password"]', PERSON.password);
    await submit(page);
    await see(page, "acme");
    const offered = await page.locator("#tenants button").allTextContents();
    await page.screenshot({ path: `${SCREENSHOTS}/console-acme.png` });

    await page.click("#tenants button:not([disabled])");
    await see(page, "beta");
    await page.screenshot({ path: `${SCREENSHOTS}/console-beta.png` });
    await page.click("#tenants button:not([disabled])");
    await see(page, "acme");

    expect(offered.sort()).toEqual(["Tenant acme", "Tenant beta"]);
    const [acme = "", beta = "", again = ""] = tokens;
    expect([acme, beta, again].map((token) => claimsOf(token).org_name)).toEqual(["acme", "beta", "acme"]);
    const reach = async (token: string, tenantId: string) =>
      (await api(server, token, "/clients", { headers: { "tenant-id": tenantId } })).status;
    expect([await reach(acme, "acme"), await reach(acme, "beta"), await reach(acme, "gamma")]).toEqual([200, 403, 403]);
    expect([await reach(beta, "beta"), await reach(beta, "acme"), await reach(beta, "gamma")]).toEqual([200, 403, 403]);
    expect(watched.foreignRequests).toEqual([]);
    expect(watched.pageErrors).toEqual([]);
    expect(watched.consoleErrors).toEqual([]);
    await watched.close();
  });
});

/** Three tenants, and a person who is in the teams of two. */
async function settle(server: RunningServer): Promise<void> {
  const token = await managementToken(server);
  const ask = async <T>(path: string, body?: object): Promise<T> => {
    const answer = await api(server, token, path, { ...(body && { method: "POST", body: JSON.stringify(body) }) });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
    const text = await answer.text();
    return text === "" ? (undefined as T) : JSON.parse(text);
  };
  for (const id of ["acme", "beta", "gamma"]) await createTenant(server, token, id);
  const connection = "Username-Password-Authentication";
  const { user_id } = await ask<{ user_id: string }>("/users", { connection, ...PERSON, email_verified: true });
  const [roles, organizations] = await Promise.all([
    ask<{ id: string; name: string }[]>("/roles"),
    ask<{ id: string; name: string }[]>("/organizations"),
  ]);
  const role = roles.find(({ name }) => name === "Team Administrator")?.id;
  for (const { id } of organizations.filter(({ name }) => name !== "gamma")) {
    await ask(`/organizations/${id}/members`, { members: [user_id] });
    await ask(`/organizations/${id}/members/${encodeURIComponent(user_id)}/roles`, { roles: [role] });
  }
}

/** The tokens with which the page asks for applications, as it sends them. The list grows while the page is used. */
function tokensOf(page: Page): readonly string[] {
  const tokens: string[] = [];
  page.on("request", (request: Request) => {
    const [, token] = /^Bearer (.+)$/.exec(request.headers().authorization ?? "") ?? [];
    if (token !== undefined && request.url().endsWith("/clients")) tokens.push(token);
  });
  return tokens;
}

const claimsOf = (jwt: string) =>
  JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;

const see = (page: Page, tenant: string) => page.locator("#where", { hasText: tenant }).waitFor();

/** Presses the form's own button, as a person does, and waits for the page behind it. */
async function submit(page: Page): Promise<void> {
  await Promise.all([page.waitForEvent("load"), page.click('form button[type="submit"]')]);
}
