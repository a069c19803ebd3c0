import { mkdirSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import * as oidc from "openid-client";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chromiumOrReason, launchChromium, openPage } from "../support/chromium.ts";
import {
  type Application,
  createTenant,
  discover,
  furnish,
  managementOf,
  managementToken,
} from "../support/clients.ts";
import { type RunningServer, startServer } from "../support/server.ts";

const SCREENSHOTS = "test-results/screenshots";

const { reason } = chromiumOrReason();

describe.skipIf(reason)(`a login in Chromium${reason ? ` (${reason})` : ""}`, () => {
  let server: RunningServer;
  let browser: Browser;
  let callback: Server;
  let application: Application;
  let configuration: oidc.Configuration;

  beforeAll(async () => {
    mkdirSync(SCREENSHOTS, { recursive: true });
    [server, browser, callback] = await Promise.all([startServer(), launchChromium(), startCallback()]);
    const token = await managementToken(server);
    await createTenant(server, token, "acme");
    const redirectUri = `http://app.localhost:${(callback.address() as AddressInfo).port}/callback`;
    application = { ...(await furnish(server, token, "acme")), redirectUri };
    await managementOf(server, token, "acme").clients.update(application.clientId, { callbacks: [redirectUri] });
    configuration = await discover(application.issuer, application.clientId, application.clientSecret);
  });
  afterAll(async () => {
    callback?.close();
    await Promise.all([browser?.close(), server?.remove()]);
  });

  it("goes from the application to the application, with styles and scripts and no foreign host", async () => {
    const verifier = oidc.randomPKCECodeVerifier();
    const state = oidc.randomState();
    const watched = await openPage(browser);
    const { page } = watched;

    await page.goto(await authorizationUrl(verifier, state));
    await page.screenshot({ path: `${SCREENSHOTS}/identifier.png` });
    const styled = await page.evaluate("[...document.styleSheets].every((sheet) => sheet.cssRules.length > 0)");
    await page.fill('input[name="username"]', application.email);
    await submit(page);
    await page.screenshot({ path: `${SCREENSHOTS}/password.png` });
    await page.fill('input[name="password"]', application.password);
    await submit(page);
    await page.waitForURL((url) => url.href.startsWith(application.redirectUri));

    const tokens = await oidc.authorizationCodeGrant(configuration, new URL(page.url()), {
      pkceCodeVerifier: verifier,
      expectedState: state,
    });
    expect(tokens.claims()?.email).toBe(application.email);
    expect(styled).toBe(true);
    expect(watched.foreignRequests).toEqual([]);
    expect(watched.pageErrors).toEqual([]);
    expect(watched.consoleErrors).toEqual([]);
    await watched.close();
  });

  it("tells of a wrong password in words", async () => {
    const watched = await openPage(browser);
    const { page } = watched;
    await page.goto(await authorizationUrl(oidc.randomPKCECodeVerifier(), "wrong"));
    await page.fill('input[name="username"]', application.email);
    await submit(page);

    await page.fill('input[name="password"]', "not-the-password");
    await submit(page);

    await page.screenshot({ path: `${SCREENSHOTS}/wrong-password.png` });
    expect(await page.textContent("body")).toMatch(/invalid password|wrong|incorrect/i);
    expect(watched.foreignRequests).toEqual([]);
    expect(watched.pageErrors).toEqual([]);
    // The browser itself reports the 400 of the form; nothing else may be there.
    expect(watched.consoleErrors.filter((text) => !/status of 400/.test(text))).toEqual([]);
    await watched.close();
  });

  const authorizationUrl = async (verifier: string, state: string) =>
    oidc.buildAuthorizationUrl(configuration, {
      redirect_uri: application.redirectUri,
      scope: "openid email",
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state,
    }).href;
});

/** Presses the form's own button, as a person does, and waits for the page behind it. */
async function submit(page: Page): Promise<void> {
  await Promise.all([page.waitForEvent("load"), page.click('form button[type="submit"]')]);
}

/** The application: all it does is to be there. */
async function startCallback(): Promise<Server> {
  const server = createServer((request, response) => {
    // Every browser asks; an answer keeps its console clean.
    response.writeHead(request.url === "/favicon.ico" ? 204 : 200, { "content-type": "text/html" });
    response.end(request.url === "/favicon.ico" ? undefined : "<!doctype html><title>App</title>Signed in.");
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return server;
}
