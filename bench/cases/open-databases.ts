import type { DataAdapters } from "@authhero/adapter-interfaces";
import { plainId } from "../../src/domain/ids.ts";
import type { Case } from "../case.ts";
import { type Estate, openEstate } from "../support/estate.ts";
import { openFiles, residentKiB } from "../support/memory.ts";
import { estateOf, TENANTS } from "./create-tenants.ts";

const FIRST = 100;

/** As many as are open in `read-tenants`, by default. */
const POOL = 200;

export const openDatabases: Case = {
  about: "memory and open files that each open database costs: after reads, and after a write",

  async run(bench) {
    const estate = await openEstate(estateOf(bench), { maxOpen: TENANTS + 1 });
    const ids = await estate.fill(TENANTS);
    // What the first databases bring along for all of them is not the cost of one more.
    await use(estate, ids.slice(0, FIRST), read);
    await use(estate, ids.slice(0, FIRST), write);
    const before = await taken();

    await use(estate, ids.slice(FIRST, FIRST + POOL), read);
    const ofPool = await taken();
    await use(estate, ids.slice(FIRST + POOL), read);
    const afterReads = await taken();
    await use(estate, ids.slice(FIRST), write);
    const afterWrites = await taken();

    await estate.close();
    const each = (total: number) => total / (TENANTS - FIRST);
    return [
      {
        what: `memory per open database, read from, ${POOL} of them`,
        unit: "KiB",
        ours: (ofPool.kiB - before.kiB) / POOL,
        goal: { atMost: 350 },
      },
      {
        what: "memory per open database, read from",
        unit: "KiB",
        ours: each(afterReads.kiB - before.kiB),
        goal: { atMost: 350 },
      },
      {
        what: "memory per open database, written to",
        unit: "KiB",
        ours: each(afterWrites.kiB - before.kiB),
        goal: { atMost: 600 },
      },
      { what: "files per open database, read from", unit: "open files", ours: each(afterReads.files - before.files) },
      { what: "files per open database, written to", unit: "open files", ours: each(afterWrites.files - before.files) },
    ];
  },
};

const taken = async () => ({ kiB: await residentKiB(), files: openFiles() });

async function use(
  { pool }: Estate,
  ids: readonly string[],
  work: (adapters: DataAdapters, tenantId: string) => Promise<unknown>,
) {
  for (const id of ids) await pool.use(id, (adapters) => work(adapters, id));
}

/** What the first requests of a tenant ask for. */
const read = (data: DataAdapters, tenantId: string) =>
  Promise.all([
    data.clients.list(tenantId),
    data.connections.list(tenantId),
    data.resourceServers.list(tenantId),
    data.roles.list(tenantId),
    data.users.list(tenantId, { per_page: 10 }),
    data.branding.get(tenantId),
    data.themes.get(tenantId, "default"),
    data.hooks.list(tenantId),
  ]);

const write = (data: DataAdapters, tenantId: string) => data.roles.create(tenantId, { name: plainId() });
