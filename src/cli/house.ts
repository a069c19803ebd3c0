import { join } from "node:path";
import type { Command } from "commander";
import * as z from "zod";
import type { Config } from "../config.ts";
import { PlatformError } from "../domain/errors.ts";
import type { FleetOperation } from "../http/operations/fleet-schemas.ts";
import { createApi } from "./api.ts";
import { type CommonOptions, describe, does, type Program, type ServerOptions, withServer } from "./command.ts";
import { EXIT, type Exit } from "./failures.ts";
import { openHouse, requireAlone, visited } from "./offline.ts";
import type { Output } from "./output.ts";
import { givenUrl, serverOf, serviceSettings } from "./settings.ts";
import { everyTenant } from "./tenants.ts";

/** Somebody waits for it; a server that takes longer is not well. */
const PROBE_MS = 3_000;

/** What makes a house, opens it, and looks at it. */
export function addHouseCommands(root: Command, program: Program): void {
  const start = root
    .command("start")
    .summary("Serve the control plane and its tenants, until Ctrl-C")
    .description("Serve the control plane and its tenants, until Ctrl-C. The first start makes what is missing.")
    .addHelpText("after", "\nExamples:\n  $ rowhouse start\n  $ PORT=8080 DATA_DIR=/var/lib/rowhouse rowhouse start");
  start.action(async () => (await import("../wiring/serve.ts")).runService());

  const init = describe(root.command("init"), "Make the control plane, or bring it up to date, and serve nothing", [
    "rowhouse init",
    "DATA_DIR=/var/lib/rowhouse rowhouse init --json",
  ]);
  does(init, program, async ({ out }, _options: CommonOptions) => makeHouse(out));

  const status = describe(root.command("status"), "Show how the house is: in its database, or at a running server", [
    "rowhouse status",
    "rowhouse status --url https://auth.example.com/ --json",
  ]);
  does(withServer(status), program, async ({ out }, { url }: ServerOptions) => {
    const given = givenUrl(url);
    if (given !== undefined) return await showServer(out, given);
    await showDatabase(out, serviceSettings());
    return EXIT.done;
  });
}

/** Makes, or brings up to date, what a start would, and nothing of what a start begins behind the requests. */
async function makeHouse(out: Output): Promise<void> {
  const config = serviceSettings();
  const before = await standOf(config);
  const house = before === "up to date" ? null : await openHouse(config);
  await house?.close();
  const { ISSUER: url, DATA_DIR: data } = config;
  const control_plane = before ?? "made";
  if (out.isTerminal && house?.firstLogin) return out.text(house.firstLogin);
  const first_login = house?.firstLogin ? join(data, "first-login.txt") : null;
  out.fields(
    { url, data, "control plane": control_plane, "first login": first_login },
    {
      ...{ url, data, control_plane, first_login },
    },
  );
}

/** Null when there is no control plane. One that others use is left to them. */
async function standOf(config: Config): Promise<"up to date" | "brought up to date" | null> {
  try {
    return await visited(config, async (visit) => {
      if (visit.pending.length === 0) return "up to date";
      await requireAlone(visit, config);
      return "brought up to date";
    });
  } catch (error) {
    if (error instanceof PlatformError && error.reason === "no_control_plane") return null;
    throw error;
  }
}

async function showDatabase(out: Output, config: Config): Promise<void> {
  const { readOverview } = await import("../../provisioning/overview.ts");
  const status = await visited(config, async ({ database, pending, schemaVersion, processes }) => ({
    url: config.ISSUER,
    control_plane: { pending: pending.map(({ set, id }) => `${set}/${id}`) },
    processes: await processes(),
    ...(await readOverview({ database, schemaVersion })),
  }));
  const { control_plane, processes, tenants, behind, operations, jobs } = status;
  const fields = {
    url: status.url,
    server: processes.length === 0 ? "none runs" : processes.join(", "),
    "control plane": control_plane.pending.length === 0 ? "up to date" : `lacks ${control_plane.pending.join(", ")}`,
    tenants: countsOf(tenants),
    "with an older schema": behind,
    operations: `${operations.running} running, ${operations.failed} failed`,
    "on many tenants": jobs.length === 0 ? "none running" : `${jobs.join(", ")} running`,
  };
  out.fields(fields, status);
}

/** What a server says of itself to everybody, and to those it knows. One that is not well is asked for no more. */
async function showServer(out: Output, url: string): Promise<Exit> {
  const { status: server, checks } = await readinessOf(url);
  const words = Object.entries(checks).map(([name, word]) => [name.replaceAll("_", " "), word]);
  const shown = { url, server, ...Object.fromEntries(words) };
  if (server !== "ok") {
    out.fields(shown, { url, server, checks });
    return server === "degraded" ? EXIT.partial : EXIT.failed;
  }
  const api = apiFor(url);
  if (!api) {
    out.note("Without a token or a client (ROWHOUSE_TOKEN, ROWHOUSE_CLIENT_ID) a server says no more.");
    out.fields(shown, { url, server, checks });
    return EXIT.done;
  }
  const query = { take: 100 };
  const [tenants, { operations }] = await Promise.all([
    everyTenant(api),
    api.get<{ operations: FleetOperation[] }>("/operations", { query }),
  ]);
  const states: Record<string, number> = {};
  for (const { state } of tenants) states[state] = (states[state] ?? 0) + 1;
  const jobs = operations.filter(({ status }) => status === "running").map(({ kind }) => kind);
  const fields = {
    ...{ ...shown, tenants: countsOf(states) },
    "on many tenants": jobs.length === 0 ? "none running" : `${jobs.join(", ")} running`,
  };
  out.fields(fields, { url, server, checks, tenants: states, jobs });
  return EXIT.done;
}

function apiFor(url: string) {
  try {
    return createApi(serverOf(url));
  } catch (error) {
    if (error instanceof PlatformError && error.reason === "credentials_missing") return null;
    throw error;
  }
}

/** What `/readyz` answers; see `src/http/front/probes.ts`. */
const Readiness = z.object({
  status: z.enum(["ok", "degraded", "unavailable"]),
  checks: z.record(z.string(), z.string()),
});

async function readinessOf(url: string): Promise<z.infer<typeof Readiness>> {
  const init = { signal: AbortSignal.timeout(PROBE_MS) };
  const answer = await fetch(new URL("/readyz", url), init).catch((cause: unknown) => {
    throw new PlatformError("unavailable", "no_answer", `No server answers at ${url}`, { cause });
  });
  const { success, data } = Readiness.safeParse(await answer.json().catch(() => null));
  if (success) return data;
  const message = `What is at ${url} answers ${answer.status} to /readyz, and is no Rowhouse`;
  throw new PlatformError("unavailable", "not_well", message);
}

function countsOf(counts: Readonly<Record<string, number>>): string {
  const all = Object.entries(counts);
  const total = all.reduce((sum, [, count]) => sum + count, 0);
  const states = all.map(([state, count]) => `${count} ${state}`).join(", ");
  return total === 0 ? "none" : `${total} (${states})`;
}
