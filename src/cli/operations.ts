import type { Command } from "commander";
import { PlatformError } from "../domain/errors.ts";
import type { FleetDetail, FleetOperation } from "../http/operations/fleet-schemas.ts";
import type { Operation } from "../http/operations/schemas.ts";
import { type Api, createApi } from "./api.ts";
import { type CommonOptions, describe, does, group, type Program, type ServerOptions, withServer } from "./command.ts";
import { EXIT, type Exit, wrongUse } from "./failures.ts";
import { deskAt } from "./fleet-desk.ts";
import { followJob, showJob } from "./fleet-follow.ts";
import { followOperation } from "./follow.ts";
import type { Column, Output } from "./output.ts";
import { serverOf } from "./settings.ts";

/** How many are listed; older ones by id. */
const LISTED = 50;

/** `rowhouse operations …` */
export function addOperations(root: Command, program: Program): void {
  const operations = group(root, "operations", "See what was done to tenants, and go on with what has failed");
  addList(operations, program);
  addShow(operations, program);
  addResume(operations, program);
}

function addList(operations: Command, program: Program): void {
  const list = describe(
    operations.command("list"),
    `List the latest ${LISTED} operations on many tenants, or on one, newest first`,
    ["rowhouse operations list", "rowhouse operations list --tenant acme", "rowhouse operations list --json"],
  ).option("--tenant <id>", "what was done to this tenant alone");
  does(withServer(list), program, async ({ out }, options: ServerOptions & { readonly tenant?: string }) => {
    const api = createApi(serverOf(options.url));
    if (options.tenant !== undefined) {
      const path = `/tenants/${encodeURIComponent(options.tenant)}/operations`;
      return out.rows(await api.get<Operation[]>(path), OF_ONE);
    }
    const page = await api.get<{ operations: FleetOperation[] }>("/operations", { query: { take: LISTED } });
    out.rows(page.operations, OF_MANY);
  });
}

const OF_ONE: readonly Column<Operation>[] = [
  ["id", ({ id }) => id],
  ["kind", ({ kind }) => kind],
  ["status", ({ status }) => status],
  ["step", ({ step }) => step],
  ["began", ({ created_at }) => created_at],
  ["by", ({ initiator }) => initiator],
];

const OF_MANY: readonly Column<FleetOperation>[] = [
  ["id", ({ id }) => id],
  ["kind", ({ kind }) => kind],
  ["status", ({ status }) => status],
  ["done", ({ counts }) => counts.done],
  ["failed", ({ counts }) => counts.failed],
  ["left", ({ counts }) => counts.left],
  ["began", ({ started_at }) => started_at],
  ["by", ({ initiator }) => initiator],
];

function addShow(operations: Command, program: Program): void {
  const show = describe(operations.command("show <operation>"), "Show an operation, step by step, and why it failed", [
    "rowhouse operations show 01JD8Z0K3T8Q4V5W6X7Y8Z9A0B",
    "rowhouse operations show 01JD8Z0K3T8Q4V5W6X7Y8Z9A0B --json",
  ]);
  does(withServer(show), program, async ({ out }, id: string, options: ServerOptions) => {
    const api = createApi(serverOf(options.url));
    const operation = await read(api, id);
    if (isOfOne(operation)) return showOperation(out, operation);
    await showJob(out, deskAt(api), id);
  });
}

const read = (api: Api, id: string) => api.get<Operation | FleetDetail>(`/operations/${encodeURIComponent(id)}`);

const isOfOne = (operation: Operation | FleetDetail): operation is Operation => "tenant_id" in operation;

function showOperation(out: Output, operation: Operation): void {
  const { id, tenant_id, kind, status, step, error, attempts, initiator } = operation;
  if (out.json(operation)) return;
  out.fields({
    ...{ operation: id, tenant: tenant_id, kind, status, step, error, attempts, by: initiator },
    ...{ began: operation.created_at, ended: operation.finished_at },
    ...(operation.next_attempt_at !== null && { "next attempt": operation.next_attempt_at }),
  });
  out.line("");
  out.rows(operation.events, [
    ["at", ({ at }) => at],
    ["step", (event) => event.step],
    ["outcome", ({ outcome }) => outcome],
    ["error", (event) => event.error],
  ]);
}

interface ResumeOptions extends ServerOptions, CommonOptions {
  readonly wait: boolean;
}

function addResume(operations: Command, program: Program): void {
  const resume = describe(
    operations.command("resume <operation>"),
    "Go on with an operation that has failed; one on many tenants begins anew, with those it is still about",
    ["rowhouse operations resume 01JD8Z0K3T8Q4V5W6X7Y8Z9A0B"],
  ).option("--no-wait", "answer as soon as it goes on");
  does(withServer(resume), program, async ({ out }, id: string, options: ResumeOptions): Promise<Exit> => {
    const api = createApi(serverOf(options.url));
    const operation = await read(api, id);
    if (operation.status === "done") throw wrongUse("operation_done", `The operation ${id} is done`);
    if (isOfOne(operation)) return await resumeOne(out, api, operation, options);
    if (operation.status === "running") return await followJob(out, deskAt(api), id, options);
    const desk = deskAt(api);
    const kind = operation.kind as Parameters<typeof desk.begin>[0]["kind"];
    return await followJob(out, desk, await desk.begin({ kind, dry_run: false }), options);
  });
}

async function resumeOne(out: Output, api: Api, { id, tenant_id, kind, status }: Operation, { wait }: ResumeOptions) {
  if (status === "abandoned") {
    throw new PlatformError("conflict", "operation_abandoned", `Another operation has taken the place of ${id}`);
  }
  const path = `/tenants/${encodeURIComponent(tenant_id)}/operations`;
  const request = { json: { kind }, headers: { prefer: "respond-async" } };
  const begun = await api.post<Operation>(path, request);
  showOperation(out, wait ? await followOperation(api, out, begun) : begun);
  return EXIT.done;
}
