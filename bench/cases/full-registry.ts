import { join } from "node:path";
import type { Case, Finding } from "../case.ts";
import { inTurn, msEach } from "../rounds.ts";
import { type FullHouse, openFullHouse } from "../support/full-house.ts";

const FEW = 100;
const MANY = 10_000;
const REQUESTS = 10;
const ROUNDS = 5;

export const fullRegistry: Case = {
  about: "the tenants API of a house with 10,000 tenants, against one with 100",

  async run({ directory }) {
    const many = await openFullHouse(join(directory, "many"), MANY);
    const few = await openFullHouse(join(directory, "few"), FEW);
    const findings: Finding[] = [];
    for (const [what, ask] of Object.entries(requests())) {
      const { ours, baseline, ratio } = await inTurn({
        rounds: ROUNDS,
        ours: () => msEach(REQUESTS, () => ask(many)),
        baseline: () => msEach(REQUESTS, () => ask(few)),
      });
      const against = { what: `with ${FEW} tenants`, value: baseline };
      findings.push({ what: `${what}, ${MANY} tenants`, unit: "ms", ours, against, ratio, goal: { atMost: 2 } });
    }
    await few.close();
    await many.close();
    return findings;
  },
};

function requests(): Readonly<Record<string, (house: FullHouse) => Promise<unknown>>> {
  let made = 0;
  return {
    "a page of tenants": (house) => house.get("/tenants?per_page=50"),
    "a page with its total": (house) => house.get("/tenants?per_page=50&include_totals=true"),
    "a page by key": (house) => house.get("/tenants?take=50"),
    "a search": (house) => house.get("/tenants?q=name%200000"),
    "make a tenant by request": (house) => house.post("/tenants", { id: `made-${++made}`, friendly_name: "Made" }),
  };
}
