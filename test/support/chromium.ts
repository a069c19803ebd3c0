import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

const EXECUTABLE = "/usr/bin/chromium";
const INSTALL = "apt-get install -y --no-install-recommends chromium";

/** Where Chromium is, or why the tests that need it cannot run here. */
type Found = { readonly path: string; readonly reason?: never } | { readonly path?: never; readonly reason: string };

/**
 * Finds Debian's Chromium. For `describe.skipIf(reason)`, with the reason in the suite's name.
 *
 * Throws under `CI=true` on Linux x64 when it is missing: there, skipping would hide it.
 */
export function chromiumOrReason(): Found {
  if (existsSync(EXECUTABLE)) return { path: EXECUTABLE };
  const reason = `needs ${EXECUTABLE}: ${INSTALL}`;
  if (process.env.CI === "true" && process.platform === "linux" && process.arch === "x64") {
    throw new Error(`Chromium is missing under CI: ${reason}`);
  }
  return { reason };
}

/** Starts Chromium without a window, and without anything it would fetch for itself. */
export function launchChromium(): Promise<Browser> {
  const { path, reason } = chromiumOrReason();
  if (path === undefined) throw new Error(reason);
  return chromium.launch({
    executablePath: path,
    // Root and most containers have no sandbox to use, and every page here is our own.
    chromiumSandbox: false,
    args: [
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
      // What no page asks for cannot be intercepted below, so its names do not resolve.
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE 127.0.0.1",
    ],
  });
}

/** A page and everything about it that a test should find empty. The lists grow while the page is used. */
export interface WatchedPage {
  readonly page: Page;
  /** URLs on hosts other than loopback that the page asked for. They were refused. */
  readonly foreignRequests: readonly string[];
  /** Exceptions that no script of the page caught. */
  readonly pageErrors: readonly string[];
  /** Errors on the page's console, failed loads included. */
  readonly consoleErrors: readonly string[];
  /** Ends it with its cookies. */
  close(): Promise<void>;
}

/** Opens a page with cookies of its own. */
export async function openPage(browser: Browser): Promise<WatchedPage> {
  const context = await browser.newContext();
  const foreignRequests: string[] = [];
  const pageErrors: string[] = [];
  const consoleErrors: string[] = [];

  await context.route(
    (url) => !isLoopback(url),
    async (route) => {
      foreignRequests.push(route.request().url());
      await route.abort("blockedbyclient");
    },
  );
  const page = await context.newPage();
  page.on("pageerror", (error) => pageErrors.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") consoleErrors.push(message.text());
  });
  return { page, foreignRequests, pageErrors, consoleErrors, close: () => context.close() };
}

/** `data:`, `blob:` and `about:` have no host and reach nobody. */
function isLoopback({ protocol, hostname }: URL): boolean {
  return !/^(?:https?|wss?):$/.test(protocol) || /(^|\.)localhost$|^127\.0\.0\.1$|^\[::1\]$/.test(hostname);
}
