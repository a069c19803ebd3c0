import { Kysely, sql } from "kysely";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { DatabaseProvider, Location } from "../../provisioning/providers/provider.ts";
import { tursoProvider } from "../../provisioning/providers/turso.ts";
import { PlatformError } from "../../src/domain/errors.ts";
import { DatabaseName } from "../../src/domain/names.ts";
import { sqldMissing } from "../support/sqld.ts";
import { startTurso, type Turso } from "../support/turso.ts";
import { type Call, FAULTS } from "../support/turso-faults.ts";
import { createTestTime } from "../support/turso-time.ts";

const template = DatabaseName.parse("template-1");
const subject = DatabaseName.parse("t-subject-1");

/** While all is well, time does not run out: a busy machine may be slow. */
const PATIENT_MS = 30_000;
/** Long enough for a busy machine to answer; what hangs on purpose hangs this long. */
const TIMEOUT_MS = 1_000;
/** Where every attempt hangs, and none could succeed. */
const HOPELESS_MS = 60;

const { time } = createTestTime();
let turso: Turso;

function provide(timeoutMs = PATIENT_MS, more: object = {}) {
  return tursoProvider({ ...turso.options, ...time, timeoutMs, ...more });
}

interface Scene {
  /** What this verb asks of Turso. */
  readonly calls: readonly Call[];
  readonly options?: object;
  /** Brings about the state the verb starts from, while all is well. */
  readonly before: (provider: DatabaseProvider) => Promise<unknown>;
  readonly act: (provider: DatabaseProvider) => Promise<unknown>;
  /** Calls it can do without. */
  readonly spares?: readonly Call[];
  /** The databases there must be afterwards, besides the template. */
  readonly left: readonly string[];
  /** Looks at the result of a successful act. */
  readonly check?: (provider: DatabaseProvider, result: unknown) => Promise<unknown>;
}

let remembered: Location;

const makeSubject = async (provider: DatabaseProvider) => {
  remembered = await provider.ensure(subject, { from: template });
};

const isWhole = async (provider: DatabaseProvider, result: unknown) =>
  expect(await notes(provider, subject, result as Location)).toEqual(["from the template"]);

const isOpen = (provider: DatabaseProvider) => isWhole(provider, remembered);

const isShut = async (provider: DatabaseProvider) => {
  const opened = await provider.open(subject, remembered).catch((error: unknown) => error);
  if (opened instanceof PlatformError && opened.code === "unavailable") throw opened;
  expect(opened).toMatchObject({ code: "not_found", reason: "database_missing" });
};

const SCENES: Record<string, Scene> = {
  "making a database as a copy": {
    calls: ["get", "create", "token", "data"],
    before: () => Promise.resolve(),
    act: (provider) => provider.ensure(subject, { from: template }),
    left: [subject],
    check: isWhole,
  },
  "making a database that is there": {
    calls: ["create", "get", "token", "data"],
    before: makeSubject,
    act: (provider) => provider.ensure(subject),
    left: [subject],
    check: isWhole,
  },
  "making a protected database in a group that is missing": {
    calls: ["create", "group", "configure", "token", "data"],
    options: { group: "tenants", location: "aws-eu-west-1", deleteProtection: true },
    before: async () => turso.groups.delete("tenants"),
    act: (provider) => provider.ensure(subject),
    left: [subject],
  },
  "opening a database": {
    calls: ["data"],
    before: makeSubject,
    act: async (provider) => (await provider.open(subject, remembered)).close(),
    left: [subject],
  },
  "opening a database that is gone": {
    calls: ["data", "get"],
    before: async (provider) => {
      await makeSubject(provider);
      await provider.destroy(subject);
    },
    act: isShut,
    spares: ["data"],
    left: [],
  },
  "retaining a database": {
    calls: ["get", "token", "data", "configure"],
    before: makeSubject,
    act: (provider) => provider.retain(subject),
    // The lock is better, but waiting will do.
    spares: ["data"],
    left: [subject],
    check: isShut,
  },
  "releasing a database": {
    calls: ["configure"],
    before: async (provider) => {
      await makeSubject(provider);
      await provider.retain(subject);
    },
    act: (provider) => provider.release(subject),
    left: [subject],
    check: isOpen,
  },
  "destroying a database": {
    calls: ["delete"],
    before: makeSubject,
    act: (provider) => provider.destroy(subject),
    left: [],
    check: isShut,
  },
  "destroying a protected database": {
    calls: ["delete", "settings", "configure"],
    options: { deleteProtection: true },
    before: makeSubject,
    act: (provider) => provider.destroy(subject),
    left: [],
    check: isShut,
  },
  "rotating the credentials of a database": {
    calls: ["get", "rotate", "token", "data"],
    before: makeSubject,
    act: async (provider) => {
      remembered = (await provider.rotateCredentials?.(subject)) ?? remembered;
    },
    left: [subject],
    check: isOpen,
  },
  "listing databases": {
    calls: ["list"],
    before: makeSubject,
    act: async (provider) => {
      for await (const _name of provider.list());
    },
    left: [subject],
  },
};

const cases = Object.entries(SCENES).flatMap(([title, { calls }]) =>
  calls.flatMap((call) => Object.entries(FAULTS).map(([name, fault]) => [title, name, call, fault] as const)),
);

/** One of each kind; how the others end is no different. */
const LASTING = ["429 with Retry-After", "a 502 in HTML", "no answer"];

describe.skipIf(sqldMissing)("the turso provider, when a call goes wrong", () => {
  beforeAll(async () => {
    turso = await startTurso();
    turso.behaviour.clock = time.clock;
    const provider = provide();
    const location = await provider.ensure(template);
    await run(provider, template, location, sql`create table note (body text)`);
    await run(provider, template, location, sql`insert into note values ('from the template')`);
  });
  afterAll(() => turso.stop());
  afterEach(async () => {
    turso.faults.clear();
    const provider = provide(PATIENT_MS, { deleteProtection: true });
    await provider.destroy(subject);
  });

  // A fault that comes once: the verb gets over it, or says that waiting may help and then works.
  it.each(cases)("%s: gets over %s to %s", async (title, _name, call, fault) => {
    const scene = sceneOf(title);
    const provider = provide(PATIENT_MS, scene.options);
    await scene.before(provider);
    turso.faults.add(call, fault);

    const first = await attempt(() => scene.act(provide(TIMEOUT_MS, scene.options)));
    const met = turso.faults.met();
    const result = "value" in first ? first.value : await scene.act(provider);

    expect(met, "the call was made").toBe(1);
    expect("value" in first ? "done" : first.code).toMatch(/^(?:done|unavailable)$/);
    expect(turso.names()).toEqual([...scene.left, template]);
    await scene.check?.(provider, result);
    // Once more, as an operation does that could not write down that it was done.
    await scene.check?.(provider, await scene.act(provider));
    expect(turso.names()).toEqual([...scene.left, template]);
  });

  // A fault that stays: the verb ends, says that waiting may help, and works when the fault has gone.
  const lasting = cases.filter(([, name]) => LASTING.includes(name));
  it.each(lasting)("%s: ends under lasting %s to %s, and can be repeated", async (title, _name, call, fault) => {
    const scene = sceneOf(title);
    const well = provide(PATIENT_MS, scene.options);
    await scene.before(well);
    turso.faults.add(call, fault, Number.POSITIVE_INFINITY);

    const isSpared = scene.spares?.includes(call) ?? false;
    const limitMs = isSpared ? TIMEOUT_MS : HOPELESS_MS;
    const outcome = await attempt(() => scene.act(provide(limitMs, scene.options)));
    turso.faults.clear();
    const result = await scene.act(well);

    expect("value" in outcome ? "done" : outcome.code).toBe(isSpared ? "done" : "unavailable");
    expect(turso.names()).toEqual([...scene.left, template]);
    await scene.check?.(provide(), result);
  });
});

function sceneOf(title: string): Scene {
  const scene = SCENES[title];
  if (!scene) throw new Error(`no scene ${title}`);
  return scene;
}

async function attempt(work: () => Promise<unknown>): Promise<{ value: unknown } | { code: unknown }> {
  try {
    return { value: await work() };
  } catch (error) {
    return { code: error instanceof Error && "code" in error ? error.code : error };
  }
}

async function run<T>(
  provider: DatabaseProvider,
  name: DatabaseName,
  location: Location,
  query: ReturnType<typeof sql<T>>,
): Promise<readonly T[]> {
  const database = await provider.open(name, location);
  try {
    return (await query.execute(new Kysely<unknown>({ dialect: database.dialect }))).rows;
  } finally {
    await database.close();
  }
}

async function notes(provider: DatabaseProvider, name: DatabaseName, location: Location): Promise<string[]> {
  const rows = await run(provider, name, location, sql<{ body: string }>`select body from note`);
  return rows.map(({ body }) => body);
}
