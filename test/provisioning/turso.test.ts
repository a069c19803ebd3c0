import { Kysely, sql } from "kysely";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { tursoProvider } from "../../provisioning/providers/turso.ts";
import { testProvider } from "../../src/conformance/index.ts";
import { DatabaseName } from "../../src/domain/names.ts";
import { sqldMissing } from "../support/sqld.ts";
import { startTurso, type Turso } from "../support/turso.ts";
import { type Call, FAULTS } from "../support/turso-faults.ts";
import { createTestTime } from "../support/turso-time.ts";

const alpha = DatabaseName.parse("t-alpha-1");
const beta = DatabaseName.parse("t-beta-1");

type Options = Partial<Parameters<typeof tursoProvider>[0]>;
type Provider = ReturnType<typeof tursoProvider>;

async function ask(provider: Provider, name: DatabaseName, location: Parameters<Provider["open"]>[1]) {
  const database = await provider.open(name, location);
  try {
    return (await sql`select 1 as one`.execute(new Kysely({ dialect: database.dialect }))).rows;
  } finally {
    await database.close();
  }
}

async function namesOf(provider: Provider): Promise<string[]> {
  const names: string[] = [];
  for await (const name of provider.list()) names.push(name);
  return names;
}

describe.skipIf(sqldMissing)("the turso provider, on a double of its platform over a real libSQL server", () => {
  let turso: Turso;
  beforeAll(async () => {
    turso = await startTurso();
  });
  afterAll(() => turso.stop());

  testProvider(() => tursoProvider(turso.options));

  describe("itself", () => {
    beforeEach(async () => {
      turso.faults.clear();
      Object.assign(turso.behaviour, { taken: 400, readyAfterMs: 0, pageRows: 100 });
      turso.requests.length = 0;
      const provider = provide({ deleteProtection: true }).provider;
      for (const name of turso.names()) await provider.destroy(DatabaseName.parse(name));
    });

    function provide(options: Options = {}) {
      const { time, slept } = createTestTime();
      turso.behaviour.clock = time.clock;
      return { provider: tursoProvider({ ...turso.options, ...time, ...options }), slept, time };
    }

    it.each([400, 409, 422] as const)("adopts a database whose name is taken, told by a %i", async (taken) => {
      const { provider } = provide();
      const first = await provider.ensure(alpha);
      turso.behaviour.taken = taken;

      const second = await provider.ensure(alpha);

      expect(second.locator).toBe(first.locator);
      expect(turso.names()).toEqual([alpha]);
    });

    it("keeps the host name that the platform gave, and a token for this database only", async () => {
      const { provider } = provide();

      const one = await provider.ensure(alpha);
      const two = await provider.ensure(beta);

      expect(one.locator).toMatch(/^t-alpha-1-\d+-acme\.aws-eu-west-1\.turso\.test$/);
      expect(one.secret).not.toContain(turso.options.apiToken);
      const stranger = provider.open(beta, { locator: two.locator, secret: one.secret ?? "" });
      await expect(stranger).rejects.toMatchObject({ code: "unavailable" });
    });

    it("waits for a new database that does not answer yet, ever longer but never long", async () => {
      const { provider, slept } = provide();
      turso.behaviour.readyAfterMs = 15_000;

      const location = await provider.ensure(alpha);

      expect(slept.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThanOrEqual(15_000);
      expect(Math.max(...slept)).toBeLessThanOrEqual(4_000);
      expect(await ask(provider, alpha, location)).toEqual([{ one: 1 }]);
    });

    it("gives up on a new database after half a minute, and has the same one the next time", async () => {
      const { provider } = provide();
      turso.behaviour.readyAfterMs = 45_000;

      await expect(provider.ensure(alpha)).rejects.toMatchObject({ code: "unavailable", reason: "database_not_ready" });
      const location = await provider.ensure(alpha);

      expect(await ask(provider, alpha, location)).toEqual([{ one: 1 }]);
      expect(turso.names()).toEqual([alpha]);
    });

    it("waits for seconds, not for ever, for a database that the platform knows", async () => {
      const { provider, slept } = provide();
      const location = await provider.ensure(alpha);
      turso.faults.add("data", { carriedOut: false, answer: { status: 404 } }, Number.POSITIVE_INFINITY);

      await expect(provider.open(alpha, location)).rejects.toMatchObject({
        code: "unavailable",
        reason: "database_not_ready",
      });

      expect(slept.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(5_000);
    });

    it.each<[who: string, call: Call, act: (provider: Provider) => Promise<unknown>]>([
      ["the package", "create", (provider) => provider.ensure(alpha)],
      ["our own request", "list", namesOf],
    ])("waits as long as Retry-After says, when %s is told", async (_who, call, act) => {
      const { provider, slept } = provide();
      turso.faults.add(call, { carriedOut: false, answer: { status: 429, retryAfter: "17" } });

      await act(provider);

      expect(slept.some((ms) => ms > 16_000 && ms < 18_000)).toBe(true);
    });

    it("asks nothing before the platform's limit has passed, whoever ran into it", async () => {
      const { provider, time } = provide();
      turso.faults.add("create", { carriedOut: false, answer: { status: 429, retryAfter: "3600" } });
      await expect(provider.ensure(alpha)).rejects.toMatchObject({ code: "unavailable", reason: "rate_limited" });
      const asked = turso.requests.length;

      await expect(namesOf(provider)).rejects.toMatchObject({ code: "unavailable", reason: "rate_limited" });
      expect(turso.requests).toHaveLength(asked);

      await time.sleep(3_600_000);
      expect(await namesOf(provider)).toEqual([]);
    });

    it("lists every page, and only what could be ours", async () => {
      const { provider } = provide({ location: "aws-eu-west-1" });
      await provider.ensure(alpha);
      await provider.ensure(beta);
      await provider.ensure(DatabaseName.parse("t-gamma-1"));
      await provide({ group: "others", location: "aws-eu-west-1" }).provider.ensure(DatabaseName.parse("elsewhere"));
      turso.behaviour.pageRows = 1;

      expect(await namesOf(provider)).toEqual([alpha, beta, "t-gamma-1"]);
    });

    it("makes every token useless and gives a new one", async () => {
      const { provider } = provide();
      const before = await provider.ensure(alpha);

      const after = await provider.rotateCredentials?.(alpha);

      await expect(provider.open(alpha, before)).rejects.toMatchObject({
        code: "unavailable",
        reason: "database_refused",
      });
      expect(await ask(provider, alpha, after ?? before)).toEqual([{ one: 1 }]);
      await expect(provider.rotateCredentials?.(beta)).rejects.toMatchObject({ code: "not_found" });
    });

    it("says what a database has cost", async () => {
      const { provider } = provide();
      await provider.ensure(alpha);

      expect(await provider.usage?.(alpha)).toEqual({
        rowsRead: expect.any(Number),
        rowsWritten: expect.any(Number),
        storageBytes: expect.any(Number),
      });
      await expect(provider.usage?.(beta)).rejects.toMatchObject({ code: "not_found" });
    });

    it("protects databases against deletion by others when asked to, and lifts only that", async () => {
      const careful = provide({ deleteProtection: true }).provider;
      await careful.ensure(alpha);
      expect(turso.settingsOf(alpha)).toMatchObject({ delete_protection: true });

      await expect(provide().provider.destroy(alpha)).rejects.toMatchObject({
        code: "unavailable",
        reason: "delete_protected",
      });
      expect(turso.names()).toEqual([alpha]);

      await careful.destroy(alpha);
      expect(turso.names()).toEqual([]);
    });

    it("blocks reads and writes of a retained database at the platform", async () => {
      const { provider } = provide();
      await provider.ensure(alpha);

      await provider.retain(alpha);

      expect(turso.settingsOf(alpha)).toMatchObject({ block_reads: true, block_writes: true });
    });

    it("waits until nothing is open any more when it cannot take the write lock", async () => {
      const { provider, slept } = provide();
      await provider.ensure(alpha);
      turso.faults.add("data", FAULTS["a cut connection"]);

      await provider.retain(alpha);

      expect(slept).toContain(11_000);
      expect(turso.settingsOf(alpha)).toMatchObject({ block_reads: true, block_writes: true });
    });

    it("has nothing to keep where there is no database", async () => {
      const { provider } = provide();

      await provider.retain(alpha);
      await provider.release(alpha);

      expect(turso.names()).toEqual([]);
    });

    it("calls a group that is missing the request's fault, unless it may make it", async () => {
      const ensure = (options: Options) => provide({ group: "nowhere", ...options }).provider.ensure(alpha);

      await expect(ensure({})).rejects.toMatchObject({ code: "invalid", reason: "platform_rejected" });
      await ensure({ location: "aws-eu-west-1" });

      expect(turso.groups).toContain("nowhere");
    });

    it("says that its token is refused, without showing it", async () => {
      const { provider } = provide({ apiToken: "stolen-token" });

      const error = await provider.ensure(alpha).catch((thrown: unknown) => thrown);

      expect(error).toMatchObject({ code: "unavailable", reason: "platform_refused" });
      expect(String(error)).not.toContain("stolen-token");
    });
  });
});

describe("the options of the turso provider", () => {
  const options = { organization: "acme", apiToken: "secret-token" };

  it.each([
    ["organization", { organization: "../others" }],
    ["group", { group: "a/b" }],
    ["apiUrl", { apiUrl: "http://api.example.com/v1" }],
    ["apiToken", { apiToken: "" }],
    ["timeoutMs", { timeoutMs: 0 }],
  ])("refuse a bad %s by name and without its value", (name, wrong) => {
    const make = () => tursoProvider({ ...options, ...wrong });

    expect(make).toThrowError(expect.objectContaining({ code: "invalid", reason: "provider_options" }));
    expect(make).toThrowError(name);
    expect(make).not.toThrowError("secret-token");
  });

  it("are complete with an organization and a token", () => {
    expect(tursoProvider(options)).toMatchObject({
      name: "turso",
      supports: { list: true, retainBlocks: true },
    });
  });
});
