import type { Command } from "commander";
import type { Source } from "../adopt/source.ts";
import type { Config } from "../config.ts";
import { PlatformError } from "../domain/errors.ts";
import type { Adoptee } from "../wiring/adopting.ts";
import { type CommonOptions, describe, does, type Program } from "./command.ts";
import { EXIT, type Exit } from "./failures.ts";
import { toIds } from "./fleet.ts";
import { openHouse, requireAlone, visited } from "./offline.ts";
import type { Output } from "./output.ts";
import { serviceSettings, sourceToken } from "./settings.ts";

interface AdoptOptions extends CommonOptions {
  readonly tenant?: readonly string[];
  readonly dryRun?: true;
}

/** `rowhouse adopt <database>` */
export function addAdopt(root: Command, program: Program): void {
  const adopt = describe(root.command("adopt <database>"), "Take in the tenants of a single-database AuthHero", [
    "rowhouse adopt old.db --dry-run",
    "rowhouse adopt old.db --tenant acme,globex",
    "ROWHOUSE_SOURCE_TOKEN_FILE=token rowhouse adopt libsql://old.example.turso.io --json",
  ])
    .option("--tenant <ids>", "only these, with commas between them", toIds)
    .option("--dry-run", "only say what would be taken, what is in the way, and what would stay behind");
  does(adopt, program, async ({ out }, database: string, options: AdoptOptions) => {
    const config = serviceSettings();
    const { openSource } = await import("../adopt/source.ts");
    const source = await openSource(database, sourceToken());
    try {
      return await (options.dryRun ? plan : run)(out, config, source, options.tenant ?? null);
    } finally {
      await source.close();
    }
  });
}

type TenantIds = readonly string[] | null;

/** What would be, at whatever control plane there is; a server may run meanwhile. */
async function plan(out: Output, config: Config, source: Source, tenantIds: TenantIds): Promise<Exit> {
  const { planAdoptions } = await import("../wiring/adopting.ts");
  return await visited(config, async ({ database, pending }) => {
    if (pending.length > 0) {
      const message = "The control plane is of an older version: bring it up to date first (rowhouse init)";
      throw new PlatformError("conflict", "control_plane_behind", message);
    }
    const adoptees = planAdoptions({ source, config, database, tenantIds });
    return await tell(out, { source: source.place, dry_run: true }, adoptees);
  });
}

async function run(out: Output, config: Config, source: Source, tenantIds: TenantIds): Promise<Exit> {
  const { adoptFrom, runAdoptions } = await import("../wiring/adopting.ts");
  await visited(config, (visit) => requireAlone(visit, config));
  const house = await openHouse(config, { adopt: adoptFrom(source) });
  try {
    const adoptees = runAdoptions({ source, config, tenantIds }, house.adoption);
    return await tell(out, { source: source.place, dry_run: false }, adoptees);
  } finally {
    await house.close();
  }
}

/** Each as soon as it is known; in JSON all together. */
async function tell(out: Output, head: object, adoptees: AsyncIterable<Adoptee>): Promise<Exit> {
  const tenants: Adoptee[] = [];
  for await (const adoptee of adoptees) {
    tenants.push(adoptee);
    for (const line of linesOf(adoptee)) out.line(line);
  }
  out.json({ ...head, tenants });
  return tenants.some(({ state }) => state === "hindered" || state === "failed") ? EXIT.partial : EXIT.done;
}

const STATES: Readonly<Record<Adoptee["state"], string>> = {
  adoptable: "can be adopted",
  hindered: "cannot be adopted",
  adopted: "adopted, and every row compared",
  there: "was adopted before",
  failed: "has failed, and is not served: run this again",
};

function linesOf({ id, state, taken, hindrances, changes, left, error }: Adoptee): string[] {
  const counts = Object.entries(taken).map(([kind, rows]) => `${kind} ${rows}`);
  return [
    `${id}: ${STATES[state]}`,
    ...(error === undefined ? [] : [`  error: ${error}`]),
    ...(counts.length > 0 ? [`  ${state === "adopted" ? "taken" : "takes"}: ${counts.join(", ")}`] : []),
    ...hindrances.map(({ of, key, message }) => `  in the way: ${of}${key === undefined ? "" : ` ${key}`}: ${message}`),
    ...changes.map(({ what, rows, why }) => `  note: ${what} (${rows}): ${why}`),
    ...left.map(({ what, rows, why }) => `  stays behind: ${what} (${rows}): ${why}`),
  ];
}
