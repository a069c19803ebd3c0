import { type Command, InvalidArgumentError } from "commander";
import type { NewFleetOperation } from "../http/operations/fleet-schemas.ts";
import { describe, does, group, type Program, type ServerOptions } from "./command.ts";
import { EXIT, type Exit, wrongUse } from "./failures.ts";
import { type FleetDesk, openDesk } from "./fleet-desk.ts";
import { followJob, showPending, showPlan } from "./fleet-follow.ts";
import type { Output } from "./output.ts";

/** What is done to many tenants at once. */
export function addFleetCommands(root: Command, program: Program): void {
  addMigrate(root, program);
  addSync(root, program);
  addReconcile(root, program);
  addKeys(root, program);
}

interface FleetOptions extends ServerOptions {
  readonly wait: boolean;
  readonly tenant?: readonly string[];
  readonly all?: true;
  readonly canary?: readonly string[];
  readonly dryRun?: true;
  readonly change?: Change;
}

type Change = NonNullable<NewFleetOperation["change"]>;

const withTenants = (command: Command): Command =>
  command
    .option("--tenant <ids>", "only these, with commas between them", toIds)
    .option("--all", "everybody it concerns, as without --tenant")
    .option("--canary <ids>", "who goes first, with commas between them; if one fails, nobody comes next", toIds);

const withDesk = (command: Command): Command =>
  command
    .option("--url <url>", "let a running server do it; default: ROWHOUSE_URL, else this process does it itself")
    .option("--no-wait", "answer as soon as it has begun; only with a server");

export function toIds(text: string): readonly string[] {
  const ids = text.split(",").map((id) => id.trim());
  if (ids.every((id) => id !== "")) return ids;
  throw new InvalidArgumentError("Ids with commas between them.");
}

/** Whether it is a change of something, the server says. */
function toChange(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new InvalidArgumentError('JSON, like {"entity": "roles", "set": {"name": "Editor"}}.');
  }
}

function addMigrate(root: Command, program: Program): void {
  const migrate = describe(root.command("migrate"), "Bring tenants' databases up to date, a few first", [
    "rowhouse migrate --dry-run",
    "rowhouse migrate --all --canary acme,globex",
    "rowhouse migrate --tenant acme --url https://auth.example.com/",
  ]).option("--dry-run", "only say whose turn would come when");
  does(withDesk(withTenants(migrate)), program, ({ out }, options: FleetOptions) => runKind(out, "migrate", options));
}

function addSync(root: Command, program: Program): void {
  const sync = group(root, "sync", "Compare what tenants have from the control plane with what they should have");
  const plan = describe(sync.command("plan"), "Say what a change on the control plane would do in each tenant", [
    "rowhouse sync plan",
    `rowhouse sync plan --change '{"entity": "roles", "set": {"name": "Editor"}}'`,
    "rowhouse sync plan --tenant acme --json",
  ]).option("--change <json>", "what is thought of: entity, id, set; default: what a sync would do now", toChange);
  does(withDesk(withTenants(plan)), program, ({ out }, options: FleetOptions) => runKind(out, "sync-plan", options));
  const verify = describe(sync.command("verify"), "Find what differs from the control plane, and change nothing", [
    "rowhouse sync verify",
    "rowhouse sync verify --tenant acme --json",
  ]);
  does(withDesk(withTenants(verify)), program, ({ out }, options: FleetOptions) =>
    runKind(out, "sync-verify", options),
  );
  const repair = describe(sync.command("repair"), "Find what differs from the control plane, and put it right", [
    "rowhouse sync repair",
    "rowhouse sync repair --tenant acme",
  ]);
  does(withDesk(withTenants(repair)), program, ({ out }, options: FleetOptions) =>
    runKind(out, "sync-repair", options),
  );
}

function addReconcile(root: Command, program: Program): void {
  const reconcile = describe(
    root.command("reconcile"),
    "Find where registry, providers, organizations and directories disagree",
    ["rowhouse reconcile", "rowhouse reconcile --repair", "rowhouse reconcile --json"],
  ).option("--repair", "put right what can be put right without a decision");
  does(withDesk(reconcile), program, ({ out }, options: FleetOptions & { readonly repair?: true }) =>
    begin(out, options, { kind: "reconcile", dry_run: options.repair !== true }),
  );
}

/** Everybody or nobody: a key that is still needed by somebody who was left out must not look as if it may go. */
function addKeys(root: Command, program: Program): void {
  const keys = group(root, "keys", "Replace the key that seals every secret");
  const rotate = describe(
    keys.command("rotate"),
    "Seal every secret with the first key of ENCRYPTION_KEY, so that the keys behind it may go",
    ["rowhouse keys rotate --dry-run", "rowhouse keys rotate", "rowhouse keys rotate --url https://auth.example.com/"],
  ).option("--dry-run", "only say whose turn would come");
  does(withDesk(rotate), program, ({ out }, options: FleetOptions) =>
    begin(out, options, { kind: "rotate-keys", dry_run: options.dryRun === true }),
  );
}

function runKind(out: Output, kind: NewFleetOperation["kind"], options: FleetOptions): Promise<Exit> {
  const { tenant: tenants, all, canary, dryRun = false } = options;
  if (tenants && all) throw wrongUse("tenant_and_all", "--tenant and --all: one of the two");
  const { change } = options;
  const chosen = {
    ...(tenants && { tenants: [...tenants] }),
    ...(canary && { canary: [...canary] }),
    ...(change && { change }),
  };
  return begin(out, options, { kind, ...chosen, dry_run: dryRun });
}

/** A dry run of these begins nothing; of others it is an operation that only looks. */
const PLANNED: readonly NewFleetOperation["kind"][] = ["migrate", "rotate-keys"];

async function begin(out: Output, options: FleetOptions, asked: NewFleetOperation): Promise<Exit> {
  const desk = await openDesk(options.url);
  try {
    if (!options.wait && desk.pending) throw wrongUse("no_server", "--no-wait: needs a server that goes on (--url)");
    if (asked.dry_run && PLANNED.includes(asked.kind)) return await plan(out, desk, asked);
    return await followJob(out, desk, await desk.begin(asked), options);
  } finally {
    await desk.close();
  }
}

/** A control plane that is behind stays so: a dry run changes nothing. */
async function plan(out: Output, desk: FleetDesk, asked: NewFleetOperation): Promise<Exit> {
  const { pending = [] } = desk;
  if (pending.length > 0) showPending(out, asked.kind, pending);
  else showPlan(out, await desk.plan(asked));
  return EXIT.done;
}
