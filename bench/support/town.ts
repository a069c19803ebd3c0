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

/** Its data, made once in a run: the directory. */
export async function ensureTown(bench: Bench): Promise<string> {
  const directory = join(bench.directory, "town");
  const made = join(directory, "made");
  if (existsSync(made)) return directory;
  const estate = await openEstate(directory);
  await estate.create(ACME);
  await estate.pool.use(ACME, (data) => furnish({ ...data, tenants: estate.adapters.tenants }, ACME));
  await estate.close();
  writeFileSync(made, "");
  return directory;
}

export async function openTown(bench: Bench): Promise<Town> {
  const server = await startOurs(await ensureTown(bench));
  return { ...server, host: `${ACME}.localhost:${server.port}` };
}
