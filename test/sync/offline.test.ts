import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openClient } from "../../src/db/client.ts";
import { migrate } from "../../src/db/migrate.ts";
import { type Line, startLine } from "../support/line.ts";
import { type Sqld, sqldMissing, startSqld } from "../support/sqld.ts";
import { CASES, type Case, furnish, furnishOwn, ownOf } from "./cases.ts";
import { type Estate, fingerprintOf, type House, openEstate, wantedFingerprint } from "./estate.ts";
import { openNeighbourhood } from "./neighbourhood.ts";

/** How it hears of what it has missed. */
const WAYS = ["when it is used", "by the job"] as const;

describe.skipIf(sqldMissing)("a child whose database did not answer when the change came", () => {
  let sqld: Sqld;
  let line: Line;
  let estate: Estate;
  let count = 0;

  beforeAll(async () => {
    sqld = await startSqld();
    line = await startLine(sqld.url);
    await sqld.createNamespace("template");
    const template = openClient({ url: sqld.url, fetch: sqld.fetchFor("template") });
    await migrate(template, ["tenant", "shared"]);
    await template.close();
  });
  afterEach(async () => {
    line.heal();
    await estate.close();
  });
  afterAll(async () => {
    await line?.stop();
    await sqld?.stop();
  });

  /** A child on the server, reached over a line that can be cut. */
  async function afar(tenantId: string): Promise<{ house: House; namespace: string }> {
    const namespace = `child-${++count}`;
    const forked = await fetch(`${sqld.adminUrl}/v1/namespaces/template/fork/${namespace}`, { method: "POST" });
    expect(forked.ok).toBe(true);
    const database = openClient({ url: line.url, fetch: sqld.fetchFor(namespace) });
    return { house: estate.adopt(tenantId, database), namespace };
  }

  const table = Object.keys(CASES).flatMap((name) => WAYS.map((way) => [name, way] as const));

  it.each(table)("has what the control plane has when %s, as soon as it is back: %s", async (name, way) => {
    const { change, options, before } = CASES[name] as Case;
    estate = await openEstate();
    await furnish(estate);
    const time = { ms: Date.parse("2026-01-01T00:00:00Z") };
    const { house, namespace } = await afar("acme");
    await furnishOwn(house);
    const own = await ownOf(house);
    await estate.sync(house, before);
    const { keeper, runJob } = await openNeighbourhood(estate, ["acme"], {
      clock: () => new Date(time.ms),
      readShared: () => estate.shared(options),
      open: () => Promise.resolve(house),
    });

    line.infect(namespace, "cut");
    await change(estate);
    await keeper.changed();
    const missed = line.met();
    line.heal();
    time.ms += 1_000;
    if (way === "by the job") expect(await runJob()).toMatchObject({ done: 1, failed: 0 });
    else await keeper.current("acme");

    expect(missed).toBeGreaterThan(0);
    expect(await fingerprintOf(estate, house, options)).toBe(await wantedFingerprint(estate, options));
    expect(await ownOf(house)).toEqual(own);
  });
});
