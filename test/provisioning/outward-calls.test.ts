import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { plainId } from "../../src/domain/ids.ts";
import type { TenantState } from "../../src/domain/tenants.ts";
import type { Disturbance, Trouble } from "../support/disturbance.ts";
import { FAULTS } from "../support/turso-faults.ts";
import { expectOrder, isTemplate } from "./order.ts";
import { SITES, type Site } from "./sites.ts";
import { openStreet, type Street } from "./street.ts";

/** Streets that have their troubles at the same time. */
const AT_ONCE = 6;

/** An operation gets over a hundred outages; every one here is over when it is tried again. */
const HOUR_MS = 3_600_000;

interface Operation {
  readonly prepare: (made: Street) => Promise<unknown>;
  readonly verb: "create" | "remove" | "undelete" | "purge" | "rotate";
  readonly ends: TenantState | undefined;
}

const create = (made: Street) => made.create("acme");
const remove = async (made: Street) => {
  await made.create("acme");
  await made.remove("acme");
};

/** With a schema that nobody has had: its template is made, too. */
const newRelease = ({ directory }: Street): Promise<void> => {
  const file = join(directory, "migrations/tenant/0003_release.sql");
  return writeFile(file, `-- A release of its own: ${plainId()}\ncreate table extra (id text) strict;\n`);
};

const OPERATIONS: Readonly<Record<string, Operation>> = {
  "making the first tenant of a release": { prepare: newRelease, verb: "create", ends: "ready" },
  "deleting a tenant": { prepare: create, verb: "remove", ends: "deleted" },
  "bringing a tenant back": { prepare: remove, verb: "undelete", ends: "ready" },
  "purging a tenant": { prepare: create, verb: "purge", ends: undefined },
  "purging a deleted tenant": { prepare: remove, verb: "purge", ends: undefined },
  "rotating a tenant's credentials": { prepare: create, verb: "rotate", ends: "ready" },
};

const HAPPENS = {
  "a 500": FAULTS["a 500"],
  "a 503 after it was carried out": FAULTS["a 503 after it was carried out"],
  "a 429": FAULTS["429 without a word"],
  "a cut connection": FAULTS["a cut connection"],
  "a cut connection after it was carried out": FAULTS["a cut connection after it was carried out"],
  "no answer after it was carried out": FAULTS["no answer after it was carried out"],
};

/** Each goes wrong once; this one also from then on until the operation has come to an end. */
const LASTING = "a 500";

describe.each(SITES.filter(({ kind }) => kind !== "file"))("every call to $kind may fail", ({ start }) => {
  let site: Site;
  /** What the tenants of all streets here live in. */
  const homes: string[] = [];

  beforeAll(async () => {
    if (start) site = await start();
  });
  afterAll(() => site?.stop());

  async function onStreet(work: (made: Street, disturbance: Disturbance) => Promise<void>, { prepare }: Operation) {
    const line = site.disturbed?.();
    if (!line) throw new Error("nothing is called here");
    let made = await openStreet({ provider: line.provider });
    try {
      await prepare(made);
      // As after a start: nothing is open, and the migrations are read again.
      await made.close();
      made = await openStreet({ provider: line.provider, directory: made.directory });
      await work(made, line.disturbance);
    } finally {
      await made.close();
    }
  }

  /** How many calls the undisturbed operation makes. */
  async function callsOf(operation: Operation): Promise<number> {
    let count = 0;
    await onStreet(async (made, disturbance) => {
      disturbance.begin();
      await made[operation.verb]("acme");
      count = disturbance.count();
      await expectOutcome(made, operation);
    }, operation);
    return count;
  }

  async function expectOutcome(made: Street, { ends }: Operation) {
    await expectOrder(made, site.names() ?? undefined);
    expect((await made.registry.read("acme"))?.state).toBe(ends);
    homes.push(...(await made.registry.list({ take: 100 })).map(({ database }) => database));
  }

  /** Whether the trouble came: how many calls there are may differ by one or two from run to run. */
  async function survive(operation: Operation, trouble: Trouble): Promise<boolean> {
    let came = false;
    await onStreet(async (made, disturbance) => {
      disturbance.begin(trouble);
      // It may get over it; otherwise it says that waiting may help, and is gone on with by itself.
      const error: unknown = await made[operation.verb]("acme").then(
        () => null,
        (thrown: unknown) => thrown,
      );
      came = disturbance.count() >= trouble.first;
      disturbance.end();
      if (error !== null) {
        expect(error).toMatchObject({ code: "unavailable" });
        made.time.ms += HOUR_MS;
        for (const resumed of await made.lifecycle.work()) expect(resumed.error).toBeUndefined();
      }
      await expectOutcome(made, operation);
    }, operation);
    return came;
  }

  it.skipIf(!start).each(Object.keys(OPERATIONS))(
    "while %s, and leaves nothing that is not put in order",
    { timeout: 600_000 },
    async (title) => {
      const operation = OPERATIONS[title];
      if (!operation) throw new Error(`no operation ${title}`);
      const calls = await callsOf(operation);
      expect(calls).toBeGreaterThan(0);
      const troubles = Array.from({ length: calls }, (_, index) => index + 1).flatMap((first) =>
        Object.entries(HAPPENS).flatMap(([name, fault]) => {
          const once = { what: `${name} at call ${first}`, fault, first, lasting: false };
          return name === LASTING ? [once, { ...once, what: `${once.what} and after`, lasting: true }] : [once];
        }),
      );
      const failures: string[] = [];
      let came = 0;
      const rest = troubles.values();
      const worker = async () => {
        for (const { what, ...trouble } of rest) {
          const isMet = await survive(operation, trouble).catch((error: unknown) => failures.push(`${what}: ${error}`));
          if (isMet) came += 1;
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
      expect(came).toBeGreaterThan(troubles.length / 2);
      expect(failures).toEqual([]);
    },
  );

  it.skipIf(!start)("and suspending, read-only and reactivating make none", async () => {
    await onStreet(
      async (made, disturbance) => {
        disturbance.begin({ fault: FAULTS["a 500"], first: 1, lasting: true });
        const asked = { initiator: "test" };
        for (const change of ["suspend", "reactivate", "makeReadOnly", "reactivate"] as const) {
          await made.lifecycle[change]("acme", asked);
        }
        expect(disturbance.count()).toBe(0);
        disturbance.end();
        await expectOutcome(made, { prepare: create, verb: "create", ends: "ready" });
      },
      { prepare: create, verb: "create", ends: "ready" },
    );
  });

  it.skipIf(!start)("and no database is left that is nobody's", () => {
    const names = site.names() ?? [];
    expect(names.filter((name) => !isTemplate(name)).toSorted()).toEqual(homes.toSorted());
  });
});
