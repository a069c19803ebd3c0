import { fork } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runnable } from "../support/compiled.ts";
import type { Errand } from "./mortal-process.ts";
import { expectOrder, isTemplate } from "./order.ts";
import { SITES, type Site, streetAt } from "./sites.ts";
import { STEPS } from "./steps.ts";
import { ask, openStreet, type Street, streets } from "./street.ts";

const { restart } = streets();

const run = (errand: Errand) => {
  const { options, module } = runnable("test/provisioning/mortal-process.ts");
  return fork(module, [JSON.stringify(errand)], { execArgv: [...options] });
};

/** A street whose process has been closed, so that the next one has it for itself. */
async function prepared({ address }: Site, prepare: (made: Street) => Promise<unknown>): Promise<Street> {
  const made = await openStreet(streetAt(address));
  await prepare(made);
  await made.close();
  return made;
}

const nothing = () => Promise.resolve();
const create = (made: Street) => made.create("acme");
const remove = async (made: Street) => {
  await made.create("acme");
  await made.remove("acme");
};

const RUNNING = "select count(*) as n from rh_operations where state = 'running'";

const MATRIX = [
  { verb: "create", of: "of a tenant", prepare: nothing, ends: "ready" },
  { verb: "remove", of: "of a tenant", prepare: create, ends: "deleted" },
  { verb: "undelete", of: "of a deleted tenant", prepare: remove, ends: "ready" },
  { verb: "purge", of: "of a tenant", prepare: create, ends: undefined },
  { verb: "purge", of: "of a deleted tenant", prepare: remove, ends: undefined },
] as const;

describe.each(SITES)("processes that are killed, on $kind", ({ start }) => {
  let site: Site;
  /** What the tenants of all streets here live in. */
  const homes: string[] = [];

  beforeAll(async () => {
    if (start) site = await start();
  });
  afterAll(() => site?.stop());

  const order = async (street: Street) => {
    await expectOrder(street, site.names() ?? undefined);
    homes.push(...(await street.registry.list({ take: 100 })).map(({ database }) => database));
  };

  describe.skipIf(!start).each(MATRIX)("during the $verb $of", ({ verb, prepare, ends }) => {
    const moments = STEPS[verb].flatMap((step) => [["before", step] as const, ["after", step] as const]);
    let before: readonly Street[];
    let exit: unknown[];

    beforeAll(async () => {
      before = await Promise.all(moments.map(() => prepared(site, prepare)));
      const deaths = moments.map(([moment, step], at) => ({ directory: before[at]?.directory ?? "", step, moment }));
      exit = await once(run({ address: site.address, verb, deaths }), "exit");
    });

    it.each(moments)("%s %s leave nothing that the next start does not put in order", async (moment, step) => {
      const street = before[moments.findIndex(([when, which]) => when === moment && which === step)];
      if (!street) throw new Error(`no street for ${moment} ${step}`);
      expect(exit).toEqual([null, "SIGKILL"]);
      const after = await restart(street, streetAt(site.address));
      const [{ n: unfinished } = {}] = await ask(after.database, RUNNING);
      // The last step ends the operation in its own batch.
      expect(unfinished).toBe(moment === "after" && step === STEPS[verb].at(-1) ? 0 : 1);

      for (const { error } of await after.lifecycle.resumeAll()) expect(error).toBeUndefined();

      await order(after);
      expect((await after.registry.read("acme"))?.state).toBe(ends);
      expect(await after.lifecycle.resumeAll()).toEqual([]);
      const [{ n } = {}] = await ask(after.database, "select count(*) as n from rh_operations where state = 'done'");
      expect(n).toBe((await after.journal.list("acme")).length);
    });
  });

  it.skipIf(!start)("create one tenant twenty times at once from two, make it once, and refuse the rest", async () => {
    const made = await prepared(site, nothing);
    const errand = { address: site.address, verb: "race", directory: made.directory, count: 10 } as const;
    const racers = [run(errand), run(errand)];
    await Promise.all(racers.map((racer) => once(racer, "message")));

    for (const racer of racers) racer.send("go");
    const outcomes = await Promise.all(racers.map(async (racer) => (await once(racer, "message"))[0] as string[]));
    await Promise.all(racers.map((racer) => (racer.connected ? once(racer, "exit") : undefined)));

    expect(outcomes.flat().toSorted()).toEqual(["created", ...Array.from({ length: 19 }, () => "tenant_exists")]);
    const after = await restart(made, streetAt(site.address));
    await order(after);
    expect(await after.journal.list("acme")).toMatchObject([{ state: "done", kind: "provision" }]);
    expect(await ask(after.database, "select count(*) as n from rh_retired_tags")).toEqual([{ n: 1 }]);
  });

  it.skipIf(!start)("leave no database that is nobody's", () => {
    const names = site.names();
    if (names) expect(names.filter((name) => !isTemplate(name)).toSorted()).toEqual(homes.toSorted());
  });
});
