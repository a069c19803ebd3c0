import { rmSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TenantState } from "../../src/domain/tenants.ts";
import { expectOrder } from "./order.ts";
import { every, reconcilerOf } from "./reconciling.ts";
import { STEPS } from "./steps.ts";
import { ask as query, type Street, streets } from "./street.ts";

const { street, restart } = streets();

const DAY_MS = 86_400_000;
const RUNS = 100;
/** A hundred histories of a dozen starts each, and looks at everything: a busy machine needs minutes for that. */
const TIMEOUT_MS = 600_000;

const VERBS = ["create", "suspend", "reactivate", "makeReadOnly", "remove", "undelete", "purge"] as const;
type Verb = (typeof VERBS)[number];

/** What ought to be known of one id. */
interface Life {
  readonly state: TenantState;
  /** Where a deleted tenant goes back to. */
  readonly from: TenantState;
  readonly deletedMs: number;
}

/** Where each may crash. Changes of one statement have no inside. */
const CRASHES: Readonly<Record<Verb, readonly string[]>> = {
  create: ["claim", ...STEPS.create],
  remove: ["mark-deleting", ...STEPS.remove],
  undelete: STEPS.undelete,
  purge: ["mark-deleting", ...STEPS.purge],
  suspend: ["none"],
  reactivate: ["none"],
  makeReadOnly: ["none"],
};

/** What makes sense to ask for. Anything else is asked for too, now and then. */
function sensible(life: Life | undefined): readonly Verb[] {
  if (!life) return ["create"];
  if (life.state === "deleted") return ["undelete", "undelete", "undelete", "purge", "create"];
  if (life.state === "ready") return ["suspend", "makeReadOnly", "remove", "remove", "purge"];
  return ["reactivate", "remove", "remove", "purge"];
}

const asked = fc.record({
  kind: fc.constant("asked" as const),
  tenantId: fc.constantFrom("acme", "acme", "beta"),
  isSensible: fc.integer({ min: 0, max: 9 }).map((roll) => roll > 1),
  which: fc.nat(),
  crash: fc.option(fc.record({ where: fc.nat(), written: fc.boolean(), isGivenUp: fc.boolean() }), { freq: 2 }),
});
const waited = fc.record({ kind: fc.constant("waited" as const), days: fc.integer({ min: 1, max: 8 }) });

/** What may happen on a street, in any order. */
const happening = fc.oneof({ weight: 9, arbitrary: asked }, { weight: 1, arbitrary: waited });
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

function pick<T>(among: readonly T[], which: number): T {
  const picked = among[which % among.length];
  if (picked === undefined) throw new Error("there should be something to pick");
  return picked;
}

const SERVED: readonly (TenantState | undefined)[] = ["ready", "suspended", "read_only"];
const TARGETS = { suspend: "suspended", reactivate: "ready", makeReadOnly: "read_only" } as const;

/** What a request ought to lead to: another life, or a refusal. */
function expected(life: Life | undefined, asked: Verb, nowMs: number): { life: Life | undefined; refused: boolean } {
  const stays = (refused: boolean) => ({ life, refused });
  const becomes = (state: TenantState) => ({ life: { state, from: state, deletedMs: 0 }, refused: false });
  if (asked === "create") return life ? stays(true) : becomes("ready");
  if (!life) return stays(true);
  switch (asked) {
    case "remove":
      if (life.state === "deleted") return stays(false);
      return { life: { state: "deleted", from: life.state, deletedMs: nowMs }, refused: false };
    case "purge":
      return { life: undefined, refused: false };
    case "undelete":
      return life.state === "deleted" ? becomes(life.from) : stays(true);
    default: {
      const to = TARGETS[asked];
      if (!SERVED.includes(life.state)) return stays(true);
      if (life.state === to) return stays(false);
      return life.state === "ready" || to === "ready" ? becomes(to) : stays(true);
    }
  }
}

function ask(made: Street, asked: Verb, id: string): Promise<unknown> {
  const request = { initiator: "test" };
  switch (asked) {
    case "suspend":
    case "reactivate":
    case "makeReadOnly":
      return made.lifecycle[asked](id, request);
    default:
      return made[asked](id);
  }
}

/** What a crash has left is nobody's disagreement: it goes on by itself, or, when that was given up, by a repair. */
async function putInOrder(made: Street, isGivenUp: boolean): Promise<void> {
  const { report, repair } = reconcilerOf(made);
  expect(await every(report())).toEqual([]);
  if (isGivenUp) {
    await query(made.database, "update rh_operations set state = 'failed' where state = 'running'");
    for (const found of await every(report())) {
      expect(found.kind).toBe("operation_stalled");
      expect(await repair(found, { initiator: "test" })).toEqual({ outcome: "repaired", reason: null });
    }
  }
}

/** A street through its history: every restart takes the clock along. */
async function live(happenings: readonly Happening[]): Promise<void> {
  const lives = new Map<string, Life>();
  let made = await street();
  const startAgain = async (options: Parameters<typeof restart>[1] = {}) => {
    const { ms } = made.time;
    await made.close();
    made = await restart(made, options);
    made.time.ms = ms;
  };

  for (const happened of happenings) {
    if (happened.kind === "waited") {
      made.time.ms += happened.days * DAY_MS;
      for (const { error } of await made.lifecycle.work()) expect(error).toBeUndefined();
      for (const [id, { state, deletedMs }] of lives) {
        if (state === "deleted" && deletedMs + 7 * DAY_MS <= made.time.ms) lives.delete(id);
      }
      await expectOrder(made);
      continue;
    }
    const { tenantId, isSensible, which, crash } = happened;
    const verb = pick(isSensible ? sensible(lives.get(tenantId)) : VERBS, which);
    const { life, refused } = expected(lives.get(tenantId), verb, made.time.ms);
    const step = crash && pick(CRASHES[verb], crash.where);
    if (crash && step) await startAgain({ crash: { step, written: crash.written } });
    const error = await ask(made, verb, tenantId).then(() => undefined, String);
    if (crash) await startAgain();
    const what = { verb, tenantId, step, crash };
    if (!error?.includes("crash")) expect({ ...what, refused: error !== undefined }).toEqual({ ...what, refused });
    if (crash) await putInOrder(made, crash.isGivenUp);
    for (const resumed of await made.lifecycle.resumeAll()) expect(resumed.error).toBeUndefined();
    if (life) lives.set(tenantId, life);
    else lives.delete(tenantId);
    for (const id of ["acme", "beta"]) {
      expect({ ...what, id, state: (await made.registry.read(id))?.state }).toEqual({
        ...what,
        id,
        state: lives.get(id)?.state,
      });
    }
    await expectOrder(made);
  }
  await made.close();
  rmSync(made.directory, { recursive: true });
}

describe("whatever happens to tenants, crashes included", () => {
  it(
    "each is where it was asked to be, with one database, and nothing is left over",
    async () => {
      await fc.assert(fc.asyncProperty(fc.array(happening, { minLength: 5, maxLength: 16 }), live), { numRuns: RUNS });
    },
    TIMEOUT_MS,
  );
});
