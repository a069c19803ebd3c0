import type { Bench, Finding, Goal } from "../case.ts";
import { allInTurn } from "../rounds.ts";
import { expected } from "./ask.ts";
import type { Round } from "./load.ts";
import { type Server, startBaseline } from "./servers.ts";
import { openTown, type Town } from "./town.ts";

/** Who is measured beside ours: programs of `bench/servers`. */
export type BaselineName = "floor" | "oidc-provider" | "signer";

/** Where somebody answers. */
export interface Side {
  readonly name: "ours" | BaselineName;
  readonly port: number;
  readonly host: string;
}

export interface Contest {
  readonly what: string;
  readonly against: Partial<Readonly<Record<BaselineName, Goal | null>>>;
  /** Makes sure that the side answers rightly, warms it up, and says how a round of it is measured. */
  prepare(side: Side): Promise<Round>;
}

/** As many rounds as a slow machine needs to be believed. */
const ROUNDS = 5;

const NAMES: Readonly<Record<BaselineName, string>> = {
  floor: "the floor",
  "oidc-provider": "oidc-provider",
  signer: "a bare signer",
};

/** Sets one question to our service and to baselines, each a process of its own, in turn. `after` looks at ours then. */
export async function contest(
  bench: Bench,
  contests: readonly Contest[],
  after: (town: Town) => readonly Finding[] = () => [],
): Promise<readonly Finding[]> {
  const town = await openTown(bench);
  const names = [...new Set(contests.flatMap(({ against }) => Object.keys(against) as BaselineName[]))];
  const servers = new Map<BaselineName, Server>();
  for (const name of names) servers.set(name, await startBaseline(name, bench.directory));
  const sides = new Map<string, Side>([["ours", { name: "ours", port: town.port, host: town.host }]]);
  for (const [name, { port }] of servers) sides.set(name, { name, port, host: `127.0.0.1:${port}` });
  const findings: Finding[] = [];
  for (const each of contests) findings.push(...(await held(each, sides)));
  findings.push(...after(town));
  await town.stop();
  for (const server of servers.values()) await server.stop();
  return findings;
}

/** How often the floor's memory had no answer. */
async function askedOf(sides: ReadonlyMap<string, Side>): Promise<string> {
  const floor = sides.get("floor");
  return floor ? (await expected(200, { port: floor.port, path: "/asked" })).text : "";
}

async function held({ what, against, prepare }: Contest, sides: ReadonlyMap<string, Side>): Promise<Finding[]> {
  const names = ["ours", ...Object.keys(against)] as ("ours" | BaselineName)[];
  const measures: Record<string, Round> = {};
  for (const name of names) {
    const side = sides.get(name);
    if (!side) throw new Error(`${name} was not started`);
    measures[name] = await prepare(side);
  }
  const asked = await askedOf(sides);
  const { medians, ratios } = await allInTurn(measures as Record<"ours", Round>, {
    rounds: ROUNDS,
    warmUp: 0,
  });
  if ((await askedOf(sides)) !== asked) throw new Error(`${what}: the floor did not answer from memory alone`);
  return Object.entries(against).map(([name, goal]) => ({
    what,
    unit: "per second",
    ours: medians.ours,
    against: { what: NAMES[name as BaselineName], value: (medians as Record<string, number>)[name] ?? Number.NaN },
    ratio: (ratios as Record<string, number>)[name] ?? Number.NaN,
    ...(goal && { goal }),
  }));
}
