import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Bench } from "../case.ts";
import { ACME, furnish } from "./acme.ts";
import { openEstate } from "./estate.ts";
import { type Server, startOurs } from "./servers.ts";

/** Our service with the tenant that is measured, in a process of its own. */
export interface Town extends Server {
  /** The tenant's host. */
  readonly host: string;
}

/** Starts it over data that are made once in a run. */
export async function openTown(bench: Bench): Promise<Town> {
  const directory = join(bench.directory, "town");
  const made = join(directory, "made");
  if (!existsSync(made)) {
    const estate = await openEstate(directory);
    await estate.create(ACME);
    await estate.pool.use(ACME, (data) => furnish({ ...data, tenants: estate.adapters.tenants }, ACME));
    await estate.close();
    writeFileSync(made, "");
  }
  const server = await startOurs(directory);
  return { ...server, host: `${ACME}.localhost:${server.port}` };
}
