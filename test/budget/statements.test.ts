import type { DataAdapters } from "@authhero/adapter-interfaces";
import { runOutboxRelay } from "authhero";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { deliveredBehind } from "../../src/auth/delivery.ts";
import { inRounds } from "../../src/db/rounds.ts";
import { systemClock } from "../../src/domain/clock.ts";
import { newTag } from "../../src/domain/names.ts";
import { createDataAdapters } from "../../src/entities/adapters.ts";
import { createCache } from "../../src/entities/cache.ts";
import { createStore } from "../../src/entities/store.ts";
import { type FreshStore, freshStore } from "../support/store.ts";
import { STEPS, type Step, walkThrough } from "./flows.ts";
import { type Answer, ISSUER, openHouse, TENANT } from "./house.ts";
import { createMeter, type Reading } from "./meter.ts";

interface Budget {
  readonly calls: number;
  /** Upstream's own adapter with a cache, without the outbox. */
  readonly upstream: number;
}

const BUDGETS: Readonly<Record<Step, Budget>> = {
  client_credentials: { calls: 2, upstream: 3 },
  "GET /authorize": { calls: 2, upstream: 2 },
  "POST /u/login/identifier": { calls: 6, upstream: 8 },
  "POST /u/enter-password": { calls: 17, upstream: 25 },
  authorization_code: { calls: 10, upstream: 13 },
  refresh_token: { calls: 7, upstream: 10 },
  "GET /userinfo": { calls: 3, upstream: 4 },
  "GET /api/v2/users": { calls: 2, upstream: 3 },
};

let fresh: FreshStore;
let adapters: DataAdapters;
/** The events that requests have left to the relay. */
const left: string[] = [];
const readings = new Map<Step, Reading<Answer>>();

beforeAll(async () => {
  fresh = await freshStore();
  const meter = createMeter();
  const database = inRounds(meter.database(fresh.database));
  adapters = createDataAdapters(createStore(database, { clock: systemClock, tag: newTag() }));
  const cached = { ...meter.named(adapters), cache: createCache({ clock: systemClock }) };
  const house = await openHouse(deliveredBehind(cached, (ids) => left.push(...ids)));
  // The first walk fills the cache; the second is what every later one costs.
  await walkThrough(house, house.login, (_step, path, ask) => house.ask(path, ask));
  await walkThrough(house, house.login, async (step, path, ask) => {
    const reading = await meter.measure(() => house.ask(path, ask));
    readings.set(step, reading);
    return reading.answer;
  });
  console.table(STEPS.map(lineOf));
});

afterAll(() => fresh.close());

describe("driver calls before the answer", () => {
  it.each(STEPS)("of %s stay within the budget", (step) => {
    const { calls } = readingOf(step);

    expect(calls.length, calls.join("\n")).toBeLessThanOrEqual(BUDGETS[step].calls);
  });
});

describe("what requests leave in the outbox", () => {
  it("is delivered by the relay, each event once", async () => {
    await runOutboxRelay({ dataAdapter: adapters, issuer: ISSUER });
    await runOutboxRelay({ dataAdapter: adapters, issuer: ISSUER });

    const events = (await adapters.outbox?.getByIds(left)) ?? [];
    expect(events.length).toBe(left.length);
    expect(events.filter(({ processed_at }) => processed_at === null)).toEqual([]);
    const { logs } = await adapters.logs.list(TENANT, { per_page: 100 });
    const times = (wanted: string) => logs.filter(({ type }) => type === wanted).length;
    // Two walks; each asks for a token of the management API twice, and furnishing did once.
    expect(["seccft", "s", "seacft", "sertft"].map(times)).toEqual([5, 2, 2, 2]);
  });
});

function readingOf(step: Step): Reading<Answer> {
  const reading = readings.get(step);
  if (!reading) throw new Error(`${step} was not measured`);
  return reading;
}

function lineOf(step: Step) {
  const { calls, depth, background } = readingOf(step);
  const { calls: budget, upstream } = BUDGETS[step];
  return { flow: step, budget, calls: calls.length, depth, background, upstream };
}
