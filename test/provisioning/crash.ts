import type { Journal } from "../../provisioning/journal.ts";
import type { Registry } from "../../provisioning/registry.ts";
import { STEPS } from "./steps.ts";

/** The moment the process is gone: when the step is written down, or when it is done and not yet written down. */
export interface CrashPoint {
  readonly step: string;
  readonly written: boolean;
}

/** What is written down in the batches of two steps of a creation. */
const WITH_ORGANIZATION = after("create-database", "organization");
export const WITH_ACTIVATION = after("organization", "invitation");

function after(step: Created, last: Created): readonly string[] {
  const { create } = STEPS;
  return create.slice(create.indexOf(step) + 1, create.indexOf(last) + 1);
}

type Created = (typeof STEPS.create)[number];

/** A journal and a registry of a process that dies at a point: from then on nothing is written any more. */
export function mortal(journal: Journal, registry: Registry, point: CrashPoint | undefined) {
  let dead = false;
  const die = () => {
    dead = true;
    return new Error("crash");
  };
  const dieIf = (steps: readonly string[]) => {
    if (point?.written && steps.includes(point.step)) throw die();
  };
  const alive =
    <A extends unknown[], R>(write: (...input: A) => Promise<R>) =>
    async (...input: A): Promise<R> => {
      if (dead) throw new Error("crash");
      return await write(...input);
    };

  return {
    journal: {
      ...journal,
      recordFailed: alive(journal.recordFailed),
      release: alive(journal.release),
      renew: alive(journal.renew),
      recordDone: alive(async (...done: Parameters<Journal["recordDone"]>) => {
        const [, steps] = done;
        if (point && steps.includes(point.step) && !point.written) throw die();
        await journal.recordDone(...done);
        dieIf(steps);
      }),
    },
    registry: {
      ...registry,
      // These write down what was done before them and themselves.
      recordDatabase: alive(async (...record: Parameters<Registry["recordDatabase"]>) => {
        if (point && !point.written && point.step === "create-database") throw die();
        const placement = await registry.recordDatabase(...record);
        dieIf(["create-database"]);
        return placement;
      }),
      recordOrganization: alive(async (...record: Parameters<Registry["recordOrganization"]>) => {
        if (point && !point.written && WITH_ORGANIZATION.includes(point.step)) throw die();
        const placement = await registry.recordOrganization(...record);
        dieIf(WITH_ORGANIZATION);
        return placement;
      }),
      // The first step of an operation is written in the batch that claims or marks the tenant.
      claim: alive(async (...claim: Parameters<Registry["claim"]>) => {
        const placement = await registry.claim(...claim);
        dieIf(["claim"]);
        return placement;
      }),
      transition: alive(async (...change: Parameters<Registry["transition"]>) => {
        if (point && !point.written && change[1] === "ready" && WITH_ACTIVATION.includes(point.step)) throw die();
        const placement = await registry.transition(...change);
        if (placement.state === "deleting") dieIf(["mark-deleting"]);
        if (placement.state === "ready") dieIf([...WITH_ACTIVATION, "activate"]);
        return placement;
      }),
      tombstone: alive(async (...change: Parameters<Registry["tombstone"]>) => {
        const placement = await registry.tombstone(...change);
        dieIf(["tombstone"]);
        return placement;
      }),
      remove: alive(async (...change: Parameters<Registry["remove"]>) => {
        await registry.remove(...change);
        dieIf(["remove-records"]);
      }),
    },
  };
}
