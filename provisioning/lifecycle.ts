import type { Statement } from "../src/db/database.ts";
import type { Clock } from "../src/domain/clock.ts";
import { PlatformError } from "../src/domain/errors.ts";
import { timeId } from "../src/domain/ids.ts";
import { type DeletionNeeds, deletionSteps, MARK_DELETING } from "./deletion.ts";
import type { Journal, Operation, OperationKind } from "./journal.ts";
import { execute } from "./operation.ts";
import type { Providers } from "./ownership.ts";
import type { Placement } from "./placements.ts";
import type { Pool } from "./pool.ts";
import { CLAIM, createWorkbench, type ProvisionSteps, provisionSteps } from "./provision.ts";
import type { Registry } from "./registry.ts";
import type { Template } from "./template.ts";

export interface LifecycleOptions {
  readonly registry: Registry;
  readonly journal: Journal;
  readonly providers: Providers;
  readonly pool: Pick<Pool<unknown>, "evict">;
  readonly template: Template;
  readonly steps: ProvisionSteps;
  /** What is removed with a tenant's placement: its row, its keys. Must name the tenant in every statement. */
  readonly purgeStatements: DeletionNeeds["purgeStatements"];
  /** How long a deletion waits for calls that are under way, in milliseconds. */
  readonly fenceMs?: number;
  readonly clock: Clock;
}

export interface CreateTenant {
  readonly tenantId: string;
  /** Where its database is to be. */
  readonly provider: string;
  /** Runs with the claim or not at all: the tenant's own row. */
  readonly claimStatements: readonly Statement[];
  /** Who asked for it, for the journal. */
  readonly initiator: string;
}

export interface Resumed {
  readonly tenantId: string;
  readonly kind: OperationKind;
  /** Undefined when it is done. */
  readonly error?: unknown;
}

/**
 * Makes and deletes tenants, as operations that a crash interrupts and nothing undoes. Two calls for one tenant in
 * this process never run beside each other.
 */
export function createLifecycle(options: LifecycleOptions) {
  const { registry, journal, clock } = options;
  const runs = createRuns();
  const attempt = createAttempt(options, runs.settled);

  const beginning = (tenantId: string, tag: string, kind: OperationKind, initiator: string) => {
    const id = timeId(clock());
    const firstStep = kind === "provision" ? CLAIM : MARK_DELETING;
    return { id, statements: journal.begin({ id, tenantId, tag, kind, initiator }, firstStep) };
  };

  const resume = async (tenantId: string): Promise<Placement | null> => {
    await runs.settled(tenantId);
    const operation = await findUnfinished(options, tenantId);
    if (operation) await runs.run(tenantId, operation.kind, () => attempt(operation));
    return await registry.read(tenantId);
  };

  return {
    /**
     * Makes a tenant and returns its placement, `ready`. `conflict` (`tenant_exists`) when the id is taken, and
     * then nothing has changed. Whatever else goes wrong leaves it `failed`, to be resumed, and is thrown.
     */
    async create({ tenantId, provider, claimStatements, initiator }: CreateTenant): Promise<Placement> {
      let id = "";
      const alongside = ({ tag }: Placement) => {
        const begun = beginning(tenantId, tag, "provision", initiator);
        id = begun.id;
        return [...claimStatements, ...begun.statements];
      };
      const { tag } = await registry.claim({ tenantId, provider, alongside });
      await runs.run(tenantId, "provision", () => attempt({ id, tenantId, tag, kind: "provision" }));
      return requirePlacement(tenantId, await registry.read(tenantId));
    },

    /**
     * Deletes a tenant for ever: its database, and every row `purgeStatements` names. `not_found`
     * (`tenant_not_found`); `unavailable` (`database_in_use`) when calls under way do not end in time. Whatever goes
     * wrong leaves it `deleting`, to be resumed; calling again resumes.
     */
    async remove(tenantId: string, { initiator }: { readonly initiator: string }): Promise<void> {
      const placement = requirePlacement(tenantId, await registry.read(tenantId));
      if (placement.state === "deleting") {
        await resume(tenantId);
        return;
      }
      const { id, statements } = beginning(tenantId, placement.tag, "delete", initiator);
      await registry.transition(placement, "deleting", statements);
      await runs.run(tenantId, "delete", () => attempt({ id, tenantId, tag: placement.tag, kind: "delete" }));
    },

    /** Goes on with what was interrupted or has failed; null when the tenant is gone (then or before). */
    resume,

    /** The same for every tenant, one after the other, as a start does. A failure of one does not stop the rest. */
    async resumeAll(): Promise<readonly Resumed[]> {
      const resumed: Resumed[] = [];
      for await (const { tenantId, kind } of everyUnfinished(journal)) {
        if (resumed.some((other) => other.tenantId === tenantId)) continue;
        const outcome = await resume(tenantId).then(
          () => ({}),
          (error: unknown) => ({ error }),
        );
        resumed.push({ tenantId, kind, ...outcome });
      }
      return resumed;
    },
  };
}

export type Lifecycle = ReturnType<typeof createLifecycle>;

type Run = Pick<Operation, "id" | "tenantId" | "tag" | "kind">;

/** One attempt at an operation, from its first unfinished step. */
function createAttempt(options: LifecycleOptions, settled: (tenantId: string, kind: OperationKind) => Promise<void>) {
  const { registry, journal, providers, pool } = options;
  const provision = provisionSteps(options);
  const deletion = deletionSteps({
    ...options,
    // A creation under way stops at its next step, and until then it may still be writing.
    quiesce: (tenantId) => Promise.all([settled(tenantId, "provision"), pool.evict(tenantId)]),
  });

  return async ({ id, tenantId, tag, kind }: Run): Promise<void> => {
    if (kind === "delete") return await execute(deletion, { tenantId, tag }, journal, id);
    const workbench = createWorkbench(providers);
    try {
      await moveOn(registry, { tenantId, tag }, "provisioning", ["pending", "failed"]);
      await execute(provision, { tenantId, tag, database: workbench.database }, journal, id);
    } catch (error) {
      // Should this fail too, the operation is still unfinished and resumed all the same.
      await moveOn(registry, { tenantId, tag }, "failed", ["pending", "provisioning"]).catch(() => {});
      throw error;
    } finally {
      await workbench.close();
    }
  };
}

/** Moves the placement if it is in one of the states; whoever was faster has decided otherwise. */
async function moveOn(
  registry: Registry,
  { tenantId, tag }: Pick<Run, "tenantId" | "tag">,
  to: "provisioning" | "failed",
  from: readonly Placement["state"][],
): Promise<void> {
  const placement = await registry.read(tenantId);
  if (placement?.tag === tag && from.includes(placement.state)) await registry.transition(placement, to);
}

/** The operation that is to go on; those that another has overtaken are put away. */
async function findUnfinished({ registry, journal }: LifecycleOptions, tenantId: string): Promise<Operation | null> {
  const placement = await registry.read(tenantId);
  const wanted = placement?.state === "deleting" ? "delete" : "provision";
  let found: Operation | null = null;
  for (const operation of await journal.list(tenantId)) {
    if (operation.state !== "running" && operation.state !== "failed") continue;
    const isCurrent = operation.tag === placement?.tag && operation.kind === wanted;
    if (isCurrent && !found) found = operation;
    else await journal.finish(operation.id, isGone(operation, placement) ? "done" : "abandoned");
  }
  return found;
}

/** A deletion whose tenant is gone has done all it had to. */
function isGone(operation: Operation, placement: Placement | null): boolean {
  return operation.kind === "delete" && operation.tag !== placement?.tag;
}

async function* everyUnfinished(journal: Journal): AsyncIterable<Operation> {
  let page = await journal.unfinished();
  while (page.length > 0) {
    yield* page;
    page = await journal.unfinished(page.at(-1)?.number);
  }
}

function requirePlacement(tenantId: string, placement: Placement | null): Placement {
  if (placement) return placement;
  throw new PlatformError("not_found", "tenant_not_found", `There is no tenant ${tenantId}`);
}

/** What runs in this process, by tenant and kind. A second run of the same joins the first. */
function createRuns() {
  const running = new Map<string, Promise<void>>();
  const keyOf = (tenantId: string, kind: OperationKind) => `${kind} ${tenantId}`;

  return {
    run(tenantId: string, kind: OperationKind, work: () => Promise<void>): Promise<void> {
      const key = keyOf(tenantId, kind);
      const joined = running.get(key);
      if (joined) return joined;
      const run = work().finally(() => running.delete(key));
      running.set(key, run);
      return run;
    },

    /** Settles when nothing of the kind (of any kind) runs for the tenant, however it ended. */
    async settled(tenantId: string, kind?: OperationKind): Promise<void> {
      const kinds: readonly OperationKind[] = kind ? [kind] : ["provision", "delete"];
      await Promise.allSettled(kinds.map((one) => running.get(keyOf(tenantId, one)) ?? Promise.resolve()));
    },
  };
}
