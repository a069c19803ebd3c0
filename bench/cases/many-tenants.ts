import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Bench, Case, Finding } from "../case.ts";
import { allInTurn, atOnce, median } from "../rounds.ts";
import { AUDIENCE, furnishMachine, MACHINE } from "../support/acme.ts";
import { type Ask, expected } from "../support/ask.ts";
import { openEstate } from "../support/estate.ts";
import { steadily } from "../support/load.ts";
import { type Server, startOurs } from "../support/servers.ts";
import { estateOf, TENANTS } from "./create-tenants.ts";

const ROUNDS = 5;

/** Tenants whose first request counts; as many before them bring what the first of all bring along. */
const COLD = 200;

const FURNISHED_AT_ONCE = 8;

export const manyTenants: Case = {
  about: "tokens of 1,000 tenants in turn against as many of one, and the first request to a cold tenant",

  async run(bench) {
    const ids = await furnishedTenants(bench);
    // Room for all of them: what is measured is isolation, not the opening of databases.
    const env = { POOL_MAX_OPEN: String(TENANTS + 100), POOL_IDLE_MS: "600000" };
    const server = await startOurs(estateOf(bench), env);
    const asks = ids.map((id) => tokenAsk(server, id));
    const findings = [...(await coldRequests(asks)), await spreadRequests(asks)];
    const memory = {
      what: `memory of our server, ${TENANTS} tenants open`,
      unit: "MiB",
      ours: server.memoryMiB(),
    } as const;
    await server.stop();
    return [...findings, memory];
  },
};

async function furnishedTenants(bench: Bench): Promise<readonly string[]> {
  const estate = await openEstate(estateOf(bench), { maxOpen: 2 * FURNISHED_AT_ONCE });
  const ids = await estate.fill(TENANTS);
  const marker = join(estateOf(bench), "furnished");
  if (!existsSync(marker)) {
    await atOnce(FURNISHED_AT_ONCE, ids, (id) =>
      estate.pool.use(id, (data) => data.transaction((inside) => furnishMachine(inside, id))),
    );
    writeFileSync(marker, "");
  }
  await estate.close();
  return ids;
}

const tokenAsk = ({ port }: Server, tenantId: string): Ask => ({
  port,
  host: `${tenantId}.localhost:${port}`,
  path: "/oauth/token",
  form: {
    grant_type: "client_credentials",
    client_id: MACHINE.clientId,
    client_secret: MACHINE.clientSecret,
    audience: AUDIENCE,
  },
});

/** One after the other, because what counts is how long one visitor waits; the load generator would ask 32 at once. */
async function coldRequests(asks: readonly Ask[]): Promise<readonly Finding[]> {
  const first: number[] = [];
  const second: number[] = [];
  for (const ask of asks.slice(0, 2 * COLD)) {
    first.push(await msOf(ask));
    second.push(await msOf(ask));
  }
  const counted = (values: readonly number[]) => values.slice(COLD);
  const more = counted(first).map((ms, index) => ms - (counted(second)[index] ?? Number.NaN));
  return [
    { what: "first request to a cold tenant", unit: "ms", ours: median(counted(first)) },
    { what: "the same again", unit: "ms", ours: median(counted(second)) },
    { what: "what the first takes more", unit: "ms", ours: median(more), goal: { atMost: 5 } },
  ];
}

async function msOf(ask: Ask): Promise<number> {
  const began = performance.now();
  await expected(200, ask);
  return performance.now() - began;
}

async function spreadRequests(asks: readonly Ask[]): Promise<Finding> {
  await atOnce(FURNISHED_AT_ONCE, asks, (ask) => expected(200, ask));
  const { medians, ratios } = await allInTurn(
    {
      ours: await steadily({ asks, status: 200 }),
      one: await steadily({ asks: asks.slice(0, 1), status: 200 }),
    },
    { rounds: ROUNDS, warmUp: 0 },
  );
  return {
    what: `tokens of ${TENANTS} tenants in turn`,
    unit: "per second",
    ours: medians.ours,
    against: { what: "of one tenant", value: medians.one },
    ratio: ratios.one,
    goal: { atLeast: 0.8 },
  };
}
