import type { Case } from "../case.ts";
import { atOnce, inTurn } from "../rounds.ts";
import { openEstate } from "../support/estate.ts";
import { openFiles } from "../support/memory.ts";
import { estateOf, TENANTS } from "./create-tenants.ts";

/** A fifth of the tenants: four of five reads find their database closed. */
const POOL = 200;

const READERS = 16;

const ROUNDS = 5;

export const readTenants: Case = {
  about: "reads from 1,000 tenants in random order under a pool of 200, against as many from one tenant",

  async run(bench) {
    const estate = await openEstate(estateOf(bench), { maxOpen: POOL });
    const ids = await estate.fill(TENANTS);
    const one = ids.slice(0, 1);
    const readAll = async (among: readonly string[]) => {
      const began = performance.now();
      await atOnce(READERS, inRandomOrder(TENANTS, among), (id) =>
        estate.pool.use(id, ({ connections }) => connections.list(id)),
      );
      return (performance.now() - began) / TENANTS;
    };
    const most = { files: 0, kiB: 0 };

    const { ours, baseline, ratio } = await inTurn({
      rounds: ROUNDS,
      async ours() {
        const ms = await readAll(ids);
        most.files = Math.max(most.files, openFiles());
        most.kiB = Math.max(most.kiB, process.memoryUsage.rss() / 1_024);
        return ms;
      },
      baseline: () => readAll(one),
    });

    await estate.close();
    return [
      { what: "a read, spread", unit: "ms", ours, against: { what: "from one tenant", value: baseline }, ratio },
      { what: "memory of the process, most", unit: "MiB", ours: most.kiB / 1_024 },
      { what: "open files after a round, most", unit: "open files", ours: most.files, goal: { atMost: 4_000 } },
    ];
  },
};

function* inRandomOrder(count: number, among: readonly string[]): Iterable<string> {
  const order = Array.from({ length: count }, (_, index) => among[index % among.length] ?? "");
  for (let left = order.length; left > 0; left -= 1) {
    const chosen = Math.floor(Math.random() * left);
    yield order[chosen] ?? "";
    order[chosen] = order[left - 1] ?? "";
  }
}
