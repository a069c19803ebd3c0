import { setTimeout as sleep } from "node:timers/promises";
import { PlatformError } from "../domain/errors.ts";
import type { Operation } from "../http/operations/schemas.ts";
import type { Api } from "./api.ts";
import type { Output } from "./output.ts";

/** The slowest providers make a database within a minute; who waits longer should look at the operation. */
const PATIENCE_MS = 600_000;

/** Asked often at first, because on files it is over at once. */
const pauseMs = (asked: number) => Math.min(50 * 1.5 ** asked, 1_000);

/**
 * Waits until an operation on a tenant is over and names its steps meanwhile. Throws `unavailable`
 * (`operation_failed`) when it has failed: it is tried again by itself, or can be resumed.
 */
export async function followOperation(api: Api, out: Output, begun: Operation): Promise<Operation> {
  const deadline = Date.now() + PATIENCE_MS;
  const told = new Set<string>();
  let operation = begun;
  for (let asked = 0; ; asked += 1) {
    for (const { step, outcome, at } of operation.events) {
      if (told.has(`${step} ${at}`)) continue;
      told.add(`${step} ${at}`);
      out.note(`  ${step}${outcome === "done" ? "" : `: ${outcome}`}`);
    }
    if (operation.status === "done") return operation;
    if (operation.status !== "running") throw failed(operation);
    if (Date.now() > deadline) throw unfinished(operation);
    await sleep(pauseMs(asked));
    operation = await api.get<Operation>(`/operations/${encodeURIComponent(begun.id)}`);
  }
}

function failed({ id, kind, tenant_id, step, error, status }: Operation): PlatformError {
  const where = step === null ? "" : ` at ${step}`;
  const message = `${kind} of ${tenant_id} is ${status}${where}: ${error ?? "no reason was written down"}
Look at it: rowhouse operations show ${id}. Once it can go on: rowhouse operations resume ${id}`;
  return new PlatformError("unavailable", "operation_failed", message);
}

function unfinished({ id, kind, tenant_id }: Operation): PlatformError {
  const message = `${kind} of ${tenant_id} is not over, and goes on. See: rowhouse operations show ${id}`;
  return new PlatformError("unavailable", "operation_running", message);
}
