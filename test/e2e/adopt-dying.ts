import { openSource, type Source } from "../../src/adopt/source.ts";
import { loadConfig } from "../../src/config.ts";
import { createLogger } from "../../src/log/logger.ts";
import { adoptFrom, runAdoptions } from "../../src/wiring/adopting.ts";
import { createRowhouse } from "../../src/wiring/rowhouse.ts";

/** What the process is told, as JSON in its one argument. */
export interface Errand {
  readonly database: string;
  /** It dies before the first row of this table. */
  readonly table: string;
}

// What `rowhouse adopt` does, in a process that dies as a machine does: with one tenant's rows half copied.
const { database, table } = JSON.parse(process.argv[2] ?? "") as Errand;
const source = await openSource(database);
const mortal: Source = {
  ...source,
  pages(name, tenantId) {
    if (name === table) process.kill(process.pid, "SIGKILL");
    return source.pages(name, tenantId);
  },
};
const config = loadConfig(process.env);
const rowhouse = await createRowhouse({
  config,
  log: createLogger({ level: "error" }),
  background: false,
  adopt: adoptFrom(mortal),
});
for await (const { state } of runAdoptions({ source, config, tenantIds: ["acme"] }, rowhouse.adoption)) {
  throw new Error(`it came to its end: ${state}`);
}
