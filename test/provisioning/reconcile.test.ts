import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FINDINGS, type Finding, type FindingKind } from "../../provisioning/reconcile/findings.ts";
import { PlatformError } from "../../src/domain/errors.ts";
import { DatabaseName } from "../../src/domain/names.ts";
import { CASES } from "./reconcile-cases.ts";
import type { Case, Scene } from "./reconcile-scene.ts";
import { every, reconcilerOf, shown } from "./reconciling.ts";
import { SITES, type Site, streetAt } from "./sites.ts";
import { ask, streets } from "./street.ts";

const { street } = streets();
const asked = { initiator: "operator" };

/** Tenants in order, at a site that other streets use, too. */
async function sceneAt({ address }: Site): Promise<Scene> {
  const broken = new Set<string>();
  const isUnlistable = { now: false };
  const placed = await street(streetAt(address));
  const { provider } = placed;
  const made = await street({
    directory: placed.directory,
    attemptsMax: 1,
    provider: {
      ...provider,
      async *list() {
        if (isUnlistable.now) throw new PlatformError("unavailable", "platform_failed", "no answer");
        yield* provider.list();
      },
    },
    steps: {
      verify: ({ placement }) =>
        broken.has(placement.tenantId) ? Promise.reject(new Error("broken")) : Promise.resolve(),
    },
  });
  const acme = await made.create("acme");
  await made.create("beta");
  return { street: made, kind: address.kind, broken, isUnlistable, madeAt: new Map(), acme };
}

/** What concerns this street: another one's databases are unknown here, and no business of this test. */
async function reportOf(scene: Scene): Promise<readonly Finding[]> {
  const isOurs = ({ kind, subject }: Finding) =>
    kind !== "database_unknown" || !subject.startsWith("t-") || subject === "t-0000000000-1";
  return (await every(reconcilerOf(scene.street, scene).report())).filter(isOurs);
}

const cases = (Object.keys(FINDINGS) as FindingKind[]).flatMap((kind) => CASES[kind].map((one) => ({ kind, ...one })));

describe.each(SITES)("reconciling, on $kind", ({ kind: siteKind, start }) => {
  let site: Site;
  beforeAll(async () => {
    if (start) site = await start();
  });
  afterAll(() => site?.stop());

  const here = cases.filter(({ on }) => !on || on.includes(siteKind));

  it.skipIf(!start).each(here)("$kind: $what", async (one) => {
    const scene = await sceneAt(site);
    const { repair } = reconcilerOf(scene.street, scene);
    expect(await reportOf(scene)).toEqual([]);

    const planted = await one.plant(scene);

    const found = await reportOf(scene);
    expect(found.map(shown).toSorted()).toEqual(planted.toSorted());
    // Looking changes nothing.
    expect(await reportOf(scene)).toEqual(found);

    const outcomes: string[] = [];
    for (const each of found) outcomes.push((await repair(each, asked)).outcome);

    const after = (await reportOf(scene)).map(shown).toSorted();
    expect(after.map(loosely(one, scene))).toEqual(expectedAfter(one, scene, planted));
    expect(outcomes).toEqual(found.map((each) => outcomeOf(each, after)));
    for (const each of found) {
      const again = await repair(each, asked);
      expect(again.outcome).toBe(outcomeOf(each, after) === "repaired" ? "gone" : outcomeOf(each, after));
    }
    expect((await reportOf(scene)).map(shown).toSorted()).toEqual(after);
    await expectServed(scene);
    // Other streets are at this site, too.
    for (const { kind, subject } of found) {
      if (kind === "database_unknown") await scene.street.provider.destroy(DatabaseName.parse(subject));
    }
  });
});

const isRepairedKind = (line: string) => FINDINGS[line.split(" ")[0] as FindingKind].repair !== null;

const expectedAfter = ({ left }: Case, scene: Scene, planted: readonly string[]) =>
  (left?.(scene) ?? planted.filter((line) => !isRepairedKind(line))).toSorted();

/** A case may leave out the subject of what stays. */
const loosely =
  ({ left }: Case, scene: Scene) =>
  (line: string) =>
    left?.(scene).find((wanted) => line.startsWith(wanted)) ?? line;

function outcomeOf(each: Finding, after: readonly string[]): string {
  if (FINDINGS[each.kind].repair === null || each.detail === "may_hold_data") return "left";
  return after.includes(shown(each)) ? "failed" : "repaired";
}

/** Whatever was wrong with one tenant, the other has nothing to do with it. */
async function expectServed({ street: made }: Scene): Promise<void> {
  if (!(await made.registry.read("beta"))) return;
  expect(await made.pool.use("beta", (database) => ask(database, "select body from notes"))).toEqual([
    { body: "seeded" },
  ]);
}
