import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { expectOrder } from "./order.ts";
import { ask, type Street, streets } from "./street.ts";

const { street, restart } = streets();

const run = (...args: string[]) =>
  fork(fileURLToPath(new URL("mortal-process.ts", import.meta.url)), args, { execArgv: ["--import", "tsx"] });

/** A street whose process has been closed, so that the next one has it for itself. */
async function prepared(prepare: (made: Street) => Promise<unknown>): Promise<Street> {
  const made = await street();
  await prepare(made);
  await made.close();
  return made;
}

const create = (made: Street) => made.create("acme");
const remove = async (made: Street) => {
  await made.create("acme");
  await made.remove("acme");
};

const MATRIX = [
  {
    verb: "create",
    of: "of a tenant",
    prepare: () => Promise.resolve(),
    steps: "create-database verify-schema write-identity signing-key seed-defaults organization verify activate",
    ends: "ready",
  },
  { verb: "remove", of: "of a tenant", prepare: create, steps: "fence retain tombstone", ends: "deleted" },
  { verb: "undelete", of: "of a deleted tenant", prepare: remove, steps: "release verify activate", ends: "ready" },
  {
    verb: "purge",
    of: "of a tenant",
    prepare: create,
    steps: "fence destroy-database remove-records",
    ends: undefined,
  },
  {
    verb: "purge",
    of: "of a deleted tenant",
    prepare: remove,
    steps: "fence destroy-database remove-records",
    ends: undefined,
  },
] as const;

describe.each(MATRIX)("a process that is killed during the $verb $of", ({ verb, prepare, steps, ends }) => {
  const moments = steps.split(" ").flatMap((step) => [["before", step] as const, ["after", step] as const]);

  it.each(moments)("%s %s leaves nothing that the next start does not put in order", async (moment, step) => {
    const before = await prepared(prepare);

    const [code, signal] = await once(run(before.directory, verb, step, moment), "exit");

    expect([code, signal]).toEqual([null, "SIGKILL"]);
    const after = await restart(before);
    for (const { error } of await after.lifecycle.resumeAll()) expect(error).toBeUndefined();
    await expectOrder(after);
    expect((await after.registry.read("acme"))?.state).toBe(ends);
    expect(await after.lifecycle.resumeAll()).toEqual([]);
    const [{ n } = {}] = await ask(after.database, "select count(*) as n from rh_operations where state = 'done'");
    expect(n).toBe((await after.journal.list("acme")).length);
  });
});

describe("two processes", () => {
  it("that create one tenant twenty times at once make it once, and refuse the rest without a trace", async () => {
    const made = await prepared(() => Promise.resolve());
    const racers = [run(made.directory, "race", "10"), run(made.directory, "race", "10")];
    await Promise.all(racers.map((racer) => once(racer, "message")));

    for (const racer of racers) racer.send("go");
    const outcomes = await Promise.all(racers.map(async (racer) => (await once(racer, "message"))[0] as string[]));
    await Promise.all(racers.map((racer) => (racer.connected ? once(racer, "exit") : undefined)));

    expect(outcomes.flat().toSorted()).toEqual(["created", ...Array.from({ length: 19 }, () => "tenant_exists")]);
    const after = await restart(made);
    await expectOrder(after);
    expect(await after.journal.list("acme")).toMatchObject([{ state: "done", kind: "provision" }]);
    expect(await ask(after.database, "select count(*) as n from rh_retired_tags")).toEqual([{ n: 1 }]);
  });
});
