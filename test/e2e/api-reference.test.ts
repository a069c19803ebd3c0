import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chromiumOrReason, launchChromium, openPage } from "../support/chromium.ts";
import { type RunningServer, startServer } from "../support/server.ts";

const { reason } = chromiumOrReason();

describe.skipIf(reason)(`the API reference in Chromium${reason ? ` (${reason})` : ""}`, () => {
  let server: RunningServer;
  let browser: Browser;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startServer(), launchChromium()]);
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await server?.remove();
  });

  it("shows the routes, asks no foreign host, and tries one out for a client that signs in on the page", async () => {
    const { page, foreignRequests, pageErrors, consoleErrors, close } = await openPage(browser);
    // Swagger UI works for seconds over a megabyte of document, and longer on a machine that is busy with other tests.
    page.setDefaultTimeout(150_000);
    const screenshots = process.env.SCREENSHOTS ?? mkdtempSync(join(tmpdir(), "reference-"));

    await page.goto(`${server.issuer}docs`);
    await page.getByRole("heading", { name: /Rowhouse Management API/ }).waitFor();
    await page.screenshot({ path: join(screenshots, "reference.png") });
    await page.getByPlaceholder("Filter by tag").fill("tenants");
    // Swagger UI draws the tags anew a moment after the typing: one that was opened before is closed again.
    await page.locator("[id^=operations-tag-]").nth(1).waitFor({ state: "detached" });
    await page.locator("#operations-tag-tenants").click();
    const operation = page.locator("#operations-tenants-get_tenants");
    await operation.getByRole("button").first().click();
    await operation.getByText("Scope:").waitFor();
    await page.screenshot({ path: join(screenshots, "operation.png"), fullPage: true });

    await page.getByRole("button", { name: "Authorize" }).first().click();
    const credentials = page.locator(".auth-container", { hasText: "clientCredentials" });
    await credentials.getByLabel("client_id").fill(server.clientId);
    await credentials.getByLabel("client_secret").fill(server.clientSecret);
    await credentials.locator(".auth-btn-wrapper .authorize").click();
    await credentials.locator(".auth-btn-wrapper").getByText("Logout").waitFor();
    await page.screenshot({ path: join(screenshots, "authorized.png") });
    await credentials.locator(".auth-btn-wrapper").getByText("Close").click();
    await operation.getByRole("button", { name: "Try it out" }).click();
    await operation.getByRole("button", { name: "Execute" }).click();
    await operation.locator(".live-responses-table .response-col_status", { hasText: "200" }).waitFor();

    expect([foreignRequests, pageErrors, consoleErrors]).toEqual([[], [], []]);
    await close();
  }, 300_000);
});
