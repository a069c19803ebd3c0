import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { chromiumOrReason, launchChromium, openPage } from "./support/chromium.ts";

const { reason } = chromiumOrReason();

const PAGE = `<!doctype html><title>A page</title>
<link rel="stylesheet" href="https://fonts.example.com/a.css">
<script>console.error("shown"); setTimeout(() => { throw new Error("uncaught"); });</script>`;

describe.skipIf(reason)(`Chromium in tests${reason ? ` (${reason})` : ""}`, () => {
  it("reaches tenants' names on loopback, and reports what a page does wrong", async () => {
    const server = createServer((_request, response) => response.setHeader("content-type", "text/html").end(PAGE));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const browser = await launchChromium();

    try {
      const { page, foreignRequests, pageErrors, consoleErrors } = await openPage(browser);
      const uncaught = page.waitForEvent("pageerror");
      await page.goto(`http://acme.localhost:${port}/`);
      await uncaught;

      expect(await page.title()).toBe("A page");
      expect(foreignRequests).toEqual(["https://fonts.example.com/a.css"]);
      expect(pageErrors).toEqual(["uncaught"]);
      expect(consoleErrors).toContain("shown");
    } finally {
      await browser.close();
      server.close();
    }
  });
});

it("Node reaches tenants' names on loopback too, with their own host header", async () => {
  const server = createServer((request, response) => response.end(request.headers.host));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;

  const response = await fetch(`http://acme.localhost:${port}/`);

  expect(await response.text()).toBe(`acme.localhost:${port}`);
  server.close();
});
