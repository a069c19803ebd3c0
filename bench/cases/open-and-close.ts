import { setFlagsFromString } from "node:v8";
import type { Placement } from "../../provisioning/placements.ts";
import type { Case } from "../case.ts";
import { median, msEach } from "../rounds.ts";
import { type Estate, openEstate } from "../support/estate.ts";
import { openFiles } from "../support/memory.ts";
import { estateOf, TENANTS } from "./create-tenants.ts";

const ROUNDS = 5;

/** Fewer than a process may have by default almost anywhere. */
const FILES_MAX = 4_000;

export const openAndClose: Case = {
  about: "opens and closes 5,000 databases one after the other, and counts what stays open",

  async run(bench) {
    // As the service runs: without the switch, and without collections that somebody asks for.
    setFlagsFromString("--no-expose-gc");
    const estate = await openEstate(estateOf(bench));
    const placements = await placementsOf(estate, await estate.fill(TENANTS));
    let filesMost = 0;

    const rounds: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const ms = await msEach(TENANTS, async (index) => {
        await openReadClose(estate, placements[index]);
        if (index % 50 === 0) filesMost = Math.max(filesMost, openFiles());
      });
      rounds.push(ms);
    }

    await estate.close();
    return [
      { what: "open, read, close", unit: "ms", ours: median(rounds) },
      { what: "files open meanwhile, most", unit: "open files", ours: filesMost, goal: { atMost: FILES_MAX } },
      { what: "memory of the process after them", unit: "MiB", ours: process.memoryUsage.rss() / 2 ** 20 },
    ];
  },
};

async function placementsOf({ registry }: Estate, ids: readonly string[]): Promise<readonly (Placement | null)[]> {
  return await Promise.all(ids.map((id) => registry.read(id)));
}

async function openReadClose({ provider }: Estate, placement: Placement | null | undefined): Promise<void> {
  if (!placement?.location) throw new Error("a tenant has no database");
  const database = await provider.open(placement.database, placement.location);
  await database.batch([{ sql: "select count(*) from users", parameters: [] }]);
  await database.close();
}
