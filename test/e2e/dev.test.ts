import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rowhouse } from "../cli/program.ts";
import { chromiumOrReason, launchChromium, openPage } from "../support/chromium.ts";
import { nodeArguments } from "../support/compiled.ts";
import { freePort, ready } from "../support/program.ts";

/** The program loads all of itself on a machine that is busy with other tests, and makes two tenants. */
const PATIENCE_MS = 300_000;
const SCREENSHOTS = "test-results/screenshots";

const directory = mkdtempSync(join(tmpdir(), "rowhouse-dev-"));
const data = join(directory, "dev");

/** What `rowhouse dev --json` says. */
interface Told {
  readonly tenants: readonly {
    readonly id: string;
    readonly login: string;
    readonly email: string;
    readonly password: string;
  }[];
  readonly mailbox: string;
  readonly docs: string;
  readonly first_login: string;
}

interface Dev {
  readonly told: Told;
  stop(): Promise<number | null>;
}

async function startDev(port: number): Promise<Dev> {
  const { PATH, HOME } = process.env;
  const args = [...nodeArguments("src/cli/main.ts"), "dev", "--data", data, "--json"];
  const child: ChildProcess = spawn(process.execPath, args, {
    env: { PATH, HOME, PORT: String(port) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout?.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  await ready("rowhouse dev", port, child, () => stdout + stderr);
  while (!stdout.endsWith("}\n")) await once(child.stdout ?? child, "data");
  return {
    told: JSON.parse(stdout),
    async stop() {
      const exit = once(child, "exit");
      child.kill("SIGINT");
      await exit;
      return child.exitCode;
    },
  };
}

const { reason } = chromiumOrReason();

describe("rowhouse dev", { timeout: PATIENCE_MS }, () => {
  it("refuses an issuer that is not on this machine, and makes nothing", async () => {
    const elsewhere = join(directory, "elsewhere");
    const env = { ISSUER: "https://auth.example.com/" };

    const { code, stdout, stderr } = await rowhouse(["dev", "--data", elsewhere], env);

    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^error: .*ISSUER must be on localhost, like http:\/\/localhost:3000\//);
    expect(() => statSync(elsewhere)).toThrow("ENOENT");
  });

  it("leaves a house alone that it has not made", async () => {
    const house = join(directory, "house");
    expect((await rowhouse(["init"], { DATA_DIR: house })).code).toBe(0);

    const { code, stderr } = await rowhouse(["dev", "--data", house], { PORT: String(await freePort()) });

    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(`${house} holds a house`) });
  });
});

describe.skipIf(reason)(`what rowhouse dev prints${reason ? ` (${reason})` : ""}`, { timeout: PATIENCE_MS }, () => {
  let dev: Dev;
  let browser: Browser;
  beforeAll(async () => {
    mkdirSync(SCREENSHOTS, { recursive: true });
    [dev, browser] = await Promise.all([startDev(await freePort()), launchChromium()]);
  }, PATIENCE_MS);
  afterAll(async () => {
    await Promise.all([browser?.close(), dev?.stop()]);
    rmSync(directory, { recursive: true, force: true });
  });

  it("signs in to each tenant with the user it names", async () => {
    expect(dev.told.tenants.map(({ id }) => id)).toEqual(["acme", "globex"]);
    for (const tenant of dev.told.tenants) await signIn(tenant);
  });

  it("leads to the mailbox, the reference, and the management client", async () => {
    const [mailbox, docs] = await Promise.all([fetch(dev.told.mailbox), fetch(dev.told.docs)]);

    expect([mailbox.status, docs.status]).toEqual([200, 200]);
    expect(statSync(dev.told.first_login).mode & 0o777).toBe(0o600);
  });

  it("works the next time as well, at another port, over the same data", async () => {
    const before = dev.told;
    expect(await dev.stop()).toBe(0);

    dev = await startDev(await freePort());

    expect(dev.told.tenants.map(({ email }) => email)).toEqual(before.tenants.map(({ email }) => email));
    const [acme] = dev.told.tenants;
    if (acme) await signIn(acme);
  });

  /** Follows the link as a person does, up to the application, and signs out again. */
  async function signIn({ id, login, email, password }: Told["tenants"][number]): Promise<void> {
    const watched = await openPage(browser);
    const { page } = watched;
    await page.goto(login);
    await page.fill('input[name="username"]', email);
    await submit(page);
    await page.fill('input[name="password"]', password);
    await submit(page);
    await page.waitForURL(/\/dev\/app\//);

    await page.screenshot({ path: `${SCREENSHOTS}/dev-${id}.png` });
    expect(await page.textContent("h1")).toBe("Signed in");
    expect(await page.textContent("table")).toContain(email);
    await page.click("text=Sign out");
    await page.waitForURL(/\/dev\/app\//);
    expect(await page.textContent("h1")).toBe("Signed out");
    expect(watched.foreignRequests).toEqual([]);
    expect(watched.pageErrors).toEqual([]);
    expect(watched.consoleErrors).toEqual([]);
    await watched.close();
  }
});

/** Presses the form's own button, and waits for the page behind it. */
async function submit(page: Page): Promise<void> {
  await Promise.all([page.waitForEvent("load"), page.click('form button[type="submit"]')]);
}
