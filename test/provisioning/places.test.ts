import { afterAll, describe, expect, it } from "vitest";
import { inspectDatabase } from "../../provisioning/inspection.ts";
import type { Place } from "../../provisioning/providers/provider.ts";
import { tursoProvider } from "../../provisioning/providers/turso.ts";
import { sqldMissing } from "../support/sqld.ts";
import { startTurso } from "../support/turso.ts";
import { FAULTS } from "../support/turso-faults.ts";
import { createTestTime } from "../support/turso-time.ts";
import { notesOf, type Street, streets } from "./street.ts";

const turso = sqldMissing ? null : await startTurso();
afterAll(() => turso?.stop());

function provide(options: { group?: string; groups?: string[]; location?: string } = {}) {
  if (!turso) throw new Error("there is no double");
  const { time } = createTestTime();
  turso.behaviour.clock = time.clock;
  for (const [group, location] of [
    ["eu", "aws-eu-west-1"],
    ["us", "aws-us-east-1"],
    ["us-2", "aws-us-east-1"],
  ] as const) {
    turso.groups.add(group);
    turso.locations.set(group, location);
  }
  const provider = tursoProvider({ ...turso.options, ...time, group: "eu", groups: ["us", "us-2"], ...options });
  return { turso, provider };
}

const begin = async ({ lifecycle }: Street, tenantId: string, place: Place) =>
  await lifecycle.create({
    tenantId,
    provider: "turso",
    place,
    claimStatements: [{ sql: "insert into tenants (id) values (?)", parameters: [tenantId] }],
    initiator: "test",
  });

describe.skipIf(sqldMissing)("a place at Turso", () => {
  it("is the usual group, without a question to Turso", async () => {
    const { provider, turso } = provide();
    const before = turso.requests.length;

    expect(await provider.place?.({})).toEqual({ group: "eu" });
    expect(turso.requests).toHaveLength(before);
  });

  it("is the group that is wished, or the first one in the region that is wished", async () => {
    const { provider } = provide();

    expect(await provider.place?.({ group: "us-2" })).toEqual({ group: "us-2", region: "aws-us-east-1" });
    expect(await provider.place?.({ region: "aws-us-east-1" })).toEqual({ group: "us", region: "aws-us-east-1" });
    expect(await provider.place?.({ group: "eu", region: "aws-eu-west-1" })).toEqual({
      group: "eu",
      region: "aws-eu-west-1",
    });
  });

  it("may be a group that is still to be made", async () => {
    const { provider } = provide({ group: "new", location: "aws-ap-south-1" });

    expect(await provider.place?.({ region: "aws-ap-south-1" })).toEqual({ group: "new", region: "aws-ap-south-1" });
  });

  it.each<[Place, string]>([
    [{ group: "default" }, "group: must be one of eu, us, us-2"],
    [{ region: "mars" }, "region: must be one of aws-eu-west-1, aws-us-east-1"],
    [{ group: "eu", region: "aws-us-east-1" }, "region: must be one of aws-eu-west-1"],
    [{ group: "gone" }, "group: must be one of eu, us"],
  ])("is refused for %j, with what there is", async (wish, message) => {
    const { provider } = provide(wish.group === "gone" ? { groups: ["us", "gone"] } : {});

    await expect(provider.place?.(wish)).rejects.toMatchObject({ code: "invalid", message });
  });
});

describe.skipIf(sqldMissing)("a tenant in a group of its own choice", () => {
  const { street, restart } = streets();

  it("gets a copy of a template in that group, and the list shows both groups", async () => {
    const { provider, turso } = provide();
    const made = await street({ provider, undeleteDays: 0 });
    await (await begin(made, "acme", { group: "eu" })).ended;
    await (await begin(made, "beta", { group: "us", region: "aws-us-east-1" })).ended;

    const acme = await made.registry.read("acme");
    const beta = await made.registry.read("beta");

    expect(beta?.place).toEqual({ group: "us", region: "aws-us-east-1" });
    expect([acme, beta].map((placement) => turso.groupOf(placement?.database ?? ""))).toEqual(["eu", "us"]);
    expect(await made.pool.use("beta", notesOf)).toEqual(["seeded"]);
    const listed: string[] = [];
    for await (const name of provider.list()) listed.push(name);
    expect(
      listed
        .filter((name) => name.startsWith("template-"))
        .map(turso.groupOf)
        .toSorted(),
    ).toEqual(["eu", "us"]);
    expect(listed).toEqual(expect.arrayContaining([acme?.database, beta?.database]));
    for (const id of ["acme", "beta"]) await made.remove(id);
  });

  it("stays there over a crash, also when the usual group has become another", async () => {
    const { provider, turso } = provide();
    const made = await street({ provider, undeleteDays: 0, crash: { step: "claim", written: true } });
    await expect(begin(made, "acme", { group: "us", region: "aws-us-east-1" })).rejects.toThrow("crash");

    const other = provide({ group: "us-2", groups: ["eu", "us"] }).provider;
    const again = await restart(made, { provider: other, undeleteDays: 0 });
    again.time.ms += 3_600_000;
    await again.lifecycle.resumeAll();

    const placement = await again.registry.read("acme");
    expect(placement).toMatchObject({ state: "ready", place: { group: "us", region: "aws-us-east-1" } });
    expect(turso.groupOf(placement?.database ?? "")).toBe("us");
    await again.remove("acme");
  });
});

describe("looking at a tenant's database", () => {
  const { street } = streets();

  it("tells that it is well and how large it is, and that it is put away", async () => {
    const made = await street();
    const placement = await made.create("acme");

    expect(await inspectDatabase(made.providers, placement)).toEqual({
      health: "ok",
      problem: null,
      sizeBytes: expect.any(Number),
    });

    await made.remove("acme");
    const deleted = await made.registry.read("acme");
    if (!deleted) throw new Error("it is gone");
    expect(await inspectDatabase(made.providers, deleted)).toMatchObject({ health: "retained", problem: null });
  });

  it("tells why it is unreachable, also when it is not the tenant's", async () => {
    const made = await street();
    const acme = await made.create("acme");
    const beta = await made.create("beta");
    const stranger = { ...acme, database: beta.database };

    expect(await inspectDatabase(made.providers, stranger)).toMatchObject({ problem: "database_mismatch" });
    await made.provider.destroy(acme.database);
    expect(await inspectDatabase(made.providers, acme)).toEqual({
      health: "unreachable",
      problem: "database_missing",
      sizeBytes: null,
    });
    expect(await inspectDatabase({}, acme)).toMatchObject({ health: "unreachable", problem: "provider_unknown" });
  });

  it("does not wait for one that hangs", async () => {
    const made = await street();
    const placement = await made.create("acme");
    const hung = { ...made.provider, open: () => new Promise<never>(() => {}) };

    expect(await inspectDatabase({ file: hung }, placement, 20)).toMatchObject({
      health: "unreachable",
      problem: "timeout",
    });
  });

  it.skipIf(sqldMissing)("asks Turso for the size, and does without when it does not answer", async () => {
    const { provider, turso } = provide();
    const made = await street({ provider, undeleteDays: 0 });
    const placement = await made.create("acme");

    expect(await inspectDatabase(made.providers, placement)).toMatchObject({
      health: "ok",
      sizeBytes: expect.any(Number),
    });
    turso.faults.add("usage", FAULTS["a 500"], 100);
    expect(await inspectDatabase(made.providers, placement)).toEqual({ health: "ok", problem: null, sizeBytes: null });
    turso.faults.clear();
    await made.remove("acme");
  });
});
