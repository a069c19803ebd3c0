import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { isLocalhost } from "../config/values.ts";
import { type Config, loadConfig, processVariables, valuesOf } from "../config.ts";
import { PlatformError } from "../domain/errors.ts";
import { createApi } from "./api.ts";
import { type CommonOptions, describe, does, type Program } from "./command.ts";
import type { DemoHome } from "./demo.ts";
import { wrongUse } from "./failures.ts";
import type { Output } from "./output.ts";
import { firstLogin } from "./settings.ts";

/** Of the settings these count; the others are of the house that is not for trying out. */
const SETTINGS = ["PORT", "ISSUER", "BASE_DOMAIN", "LOG_LEVEL"] as const;

/** Says that a directory is a demonstration's: in no other are users made whose passwords everybody knows. */
const MARK = "for-trying-out";

interface DevOptions extends CommonOptions {
  readonly data: string;
}

/** `rowhouse dev` */
export function addDev(root: Command, program: Program): void {
  const dev = describe(root.command("dev"), "Serve two tenants to try out, with users and applications, until Ctrl-C", [
    "rowhouse dev",
    "PORT=8080 rowhouse dev",
    'rowhouse dev --data "$(mktemp -d)"',
  ]).option("--data <directory>", "where its databases are; without the directory, everything is new", "./data/dev");
  does(dev, program, async ({ out }, { data }: DevOptions) => {
    const config = devSettings(resolve(data));
    await takeDirectory(config.DATA_DIR);
    await serveDemo(out, config);
  });
}

/** On this machine only, on files, with mail kept for reading. */
function devSettings(DATA_DIR: string): Config {
  const given = valuesOf(SETTINGS, processVariables());
  const { ISSUER } = given;
  if (ISSUER !== undefined && URL.canParse(ISSUER) && !isLocalhost(new URL(ISSUER).hostname)) {
    const message =
      "rowhouse dev makes users whose passwords everybody knows, hence on this machine only: ISSUER must be on localhost, like http://localhost:3000/, or not be set";
    throw wrongUse("issuer_not_local", message);
  }
  return loadConfig({ LOG_LEVEL: "warn", ...given, DATA_DIR, HOST: "127.0.0.1", DEV_MAILBOX: "1" });
}

async function takeDirectory(directory: string): Promise<void> {
  const mark = join(directory, MARK);
  if (existsSync(mark)) return;
  if (existsSync(join(directory, "control-plane.db"))) {
    const message = `${directory} holds a house that rowhouse dev has not made, and is left as it is. Name another directory: --data`;
    throw new PlatformError("conflict", "not_for_trying_out", message);
  }
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeFile(mark, "Made by rowhouse dev: remove this directory to begin anew.\n");
}

async function serveDemo(out: Output, config: Config): Promise<void> {
  const [{ serveHouse }, { createLogger }, { seedDemo }, { withDemoApps }, { originOf }, { hostRules }] =
    await Promise.all([
      import("../wiring/serve.ts"),
      import("../log/logger.ts"),
      import("./demo.ts"),
      import("../http/demo-app.ts"),
      import("../tenancy/hosts.ts"),
      import("../wiring/host-rules.ts"),
    ]);
  const output = { write: (line: string) => void process.stderr.write(line) };
  const log = createLogger({ level: config.LOG_LEVEL, output });
  const { ISSUER: url } = config;
  let homes: readonly DemoHome[] = [];
  const { ended } = await serveHouse(config, log, async ({ fetch }) => {
    const credentials = firstLogin(config.DATA_DIR);
    if (!credentials)
      throw new PlatformError("conflict", "no_first_login", `${config.DATA_DIR} has no first-login.txt`);
    const api = createApi({ url, credentials }, (to, init) => fetch(new Request(to, init)));
    homes = await seedDemo(api, url, (id) => originOf(id, hostRules(config)).href);
    return withDemoApps(fetch, url, homes);
  });
  await show(out, config, homes);
  await ended;
}

async function show(out: Output, { ISSUER, DATA_DIR }: Config, homes: readonly DemoHome[]): Promise<void> {
  const { demoLoginUrl } = await import("../http/demo-app.ts");
  const at = (path: string) => new URL(path, ISSUER).href;
  const told = {
    data: DATA_DIR,
    tenants: homes.map((home) => ({
      id: home.id,
      login: demoLoginUrl(ISSUER, home),
      email: home.email,
      password: home.password,
    })),
    mailbox: at("/dev/mailbox"),
    docs: at("/docs"),
    management: at("/api/v2/"),
    first_login: join(DATA_DIR, "first-login.txt"),
  };
  if (out.json(told)) return;
  out.line(`Rowhouse to try out, in ${told.data}`);
  for (const { id, login, email, password } of told.tenants) {
    out.line("");
    out.line(`${id}: sign in as ${email} with the password ${password}`);
    out.line(`  ${login}`);
  }
  out.line("");
  out.line(`mailbox     ${told.mailbox}`);
  out.line(`reference   ${told.docs}`);
  out.line(`management  ${told.management}`);
  out.line(`            its client, and an administrator, are in ${told.first_login}`);
  out.line("");
  out.line("Ctrl-C ends it. The next time goes on with what is there.");
}
