import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PlatformError } from "../../src/domain/errors.ts";
import { WITH_ACTIVATION } from "./crash.ts";
import { ask, filesOf, notesOf, openStreet, type Street, stepsOf, streets } from "./street.ts";

const { street, restart } = streets();

describe("creating a tenant", () => {
  it("runs its steps in order and ends ready, on a database of its own", async () => {
    const made = await street();

    const placement = await made.create("acme");

    expect(placement).toMatchObject({ tenantId: "acme", state: "ready", generation: 1, provider: "file" });
    expect(placement.database).toBe(`t-${placement.tag}-1`);
    expect(placement.schemaVersion).toBe(made.template.schemaVersion);
    expect(filesOf(made)).toEqual([`${placement.database}.db`]);
    expect(await made.pool.use("acme", notesOf)).toEqual(["seeded"]);
    expect(await stepsOf(made, "acme")).toEqual(
      [
        "claim",
        "create-database",
        "verify-schema",
        "write-identity",
        "signing-key",
        "seed-defaults",
        "sync-entities",
        "organization",
        "verify",
        "invitation",
        "activate",
      ].map((step) => `${step} done`),
    );
    expect(await made.journal.list("acme")).toMatchObject([{ state: "done", kind: "provision", initiator: "test" }]);
  });

  it("has one winner among twenty, and changes nothing for the others", async () => {
    const made = await street();

    const results = await Promise.allSettled(Array.from({ length: 20 }, () => made.create("acme")));

    const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    expect(refused).toHaveLength(19);
    for (const error of refused) expect(error).toMatchObject({ code: "conflict", reason: "tenant_exists" });
    expect(filesOf(made)).toHaveLength(1);
    expect(await ask(made.database, "select count(*) as n from rh_operations")).toEqual([{ n: 1 }]);
    expect(await ask(made.database, "select count(*) as n from rh_retired_tags")).toEqual([{ n: 1 }]);
  });

  it("has one winner among two processes", async () => {
    const one = await street();
    const other = await restart(one);

    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => (index % 2 ? one : other).create("acme")),
    );

    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(filesOf(one)).toHaveLength(1);
  });

  it("makes many tenants at once, each in its own database", async () => {
    const made = await street();
    const ids = Array.from({ length: 12 }, (_, index) => `tenant-${index}`);

    const placements = await Promise.all(ids.map(made.create));

    expect(new Set(placements.map(({ database }) => database)).size).toBe(12);
    expect((await made.registry.list({ take: 5, from: "tenant-10" })).map(({ tenantId }) => tenantId)).toEqual([
      "tenant-11",
      "tenant-2",
      "tenant-3",
      "tenant-4",
      "tenant-5",
    ]);
  });

  it("leaves an id alone whose row was there without a placement", async () => {
    const made = await street();
    await ask(made.database, "insert into tenants (id) values ('acme')");

    await expect(made.create("acme")).rejects.toMatchObject({ code: "conflict", reason: "tenant_exists" });

    expect(await made.registry.read("acme")).toBeNull();
    expect(await ask(made.database, "select count(*) as n from rh_retired_tags")).toEqual([{ n: 0 }]);
  });
});

describe("a creation that is interrupted", () => {
  const failing = (error: Error) => () => Promise.reject(error);

  it.each(["signingKey", "seedDefaults", "syncEntities", "verify"] as const)(
    "ends failed with its reason when %s throws, and goes on from there",
    async (step) => {
      const broken = new PlatformError("unavailable", "power_cut", "The lights went out");
      const made = await street({ attemptsMax: 1, steps: { [step]: failing(broken) } });
      await expect(made.create("acme")).rejects.toBe(broken);
      const failed = await made.registry.read("acme");
      expect(failed?.state).toBe("failed");
      expect(await made.journal.list("acme")).toMatchObject([
        { state: "failed", error: "power_cut: The lights went out" },
      ]);
      await expect(made.pool.lease("acme")).rejects.toMatchObject({ reason: "tenant_not_ready" });

      const again = await restart(made);
      expect(await again.lifecycle.resumeAll()).toEqual([]);
      const resumed = await again.resume("acme");

      expect(resumed).toMatchObject({ state: "ready", tag: failed?.tag });
      expect(await again.pool.use("acme", notesOf)).toEqual(["seeded"]);
      expect(filesOf(again)).toHaveLength(1);
      expect((await stepsOf(again, "acme")).filter((entry) => entry.startsWith("create-database"))).toHaveLength(1);
    },
  );

  it("keeps what a foreign error says out of the journal", async () => {
    const made = await street({ steps: { signingKey: failing(new TypeError("secret s3cr3t")) } });

    await expect(made.create("acme")).rejects.toThrow("s3cr3t");

    expect(await made.journal.list("acme")).toMatchObject([{ error: "internal: TypeError" }]);
  });

  const names = [
    "claim",
    "create-database",
    "verify-schema",
    "write-identity",
    "signing-key",
    "seed-defaults",
    "sync-entities",
    "organization",
    "verify",
    "invitation",
    "activate",
  ];

  it.each(names)("is finished at the next start when the crash came right after %s", async (last) => {
    const made = await street({ crash: { step: last, written: true } });
    await expect(made.create("acme")).rejects.toThrow("crash");

    const again = await restart(made);
    const resumed = await again.lifecycle.resumeAll();

    const isOver = WITH_ACTIVATION.includes(last) || last === "activate";
    expect(resumed).toEqual(isOver ? [] : [{ tenantId: "acme", kind: "provision" }]);
    expect(await again.registry.read("acme")).toMatchObject({ state: "ready" });
    expect(await again.pool.use("acme", notesOf)).toEqual(["seeded"]);
    expect(filesOf(again)).toHaveLength(1);
    expect(await again.lifecycle.resumeAll()).toEqual([]);
  });

  it.each(names.slice(1, -1))(
    "is finished at the next start when %s was done but not written down",
    async (unwritten) => {
      const made = await street({ crash: { step: unwritten, written: false } });
      await expect(made.create("acme")).rejects.toThrow("crash");

      const again = await restart(made);
      await again.lifecycle.resumeAll();

      expect(await again.registry.read("acme")).toMatchObject({ state: "ready" });
      expect(await again.pool.use("acme", notesOf)).toEqual(["seeded"]);
      expect(filesOf(again)).toHaveLength(1);
      expect(await again.lifecycle.resumeAll()).toEqual([]);
    },
  );

  it("does not stop the others from being resumed", async () => {
    const made = await street({ steps: { seedDefaults: failing(new Error("broken")) } });
    await Promise.allSettled(["acme", "beta"].map(made.create));
    const onlyBeta = ({ placement }: { placement: { tenantId: string } }) =>
      placement.tenantId === "acme" ? Promise.reject(new Error("still broken")) : Promise.resolve();

    const again = await restart(made, { steps: { seedDefaults: onlyBeta } });
    const resumed = await again.lifecycle.resumeAll();

    expect(resumed).toHaveLength(2);
    expect((await again.registry.read("acme"))?.state).toBe("provisioning");
    expect((await again.registry.read("beta"))?.state).toBe("ready");
  });

  it("never adopts a database that says it is somebody else's", async () => {
    const made = await street({ crash: { step: "create-database", written: true } });
    await expect(made.create("acme")).rejects.toThrow("crash");
    const placement = await made.registry.read("acme");
    const stranger = await made.provider.open(placement?.database ?? never(), { locator: "" });
    await ask(stranger, "insert into database_identity values (1, 'other', 'tag', 1, 'nonce')");
    await stranger.close();

    const again = await restart(made);

    await expect(again.resume("acme")).rejects.toMatchObject({ reason: "database_mismatch" });
    expect((await again.registry.read("acme"))?.state).toBe("provisioning");
  });
});

describe("the template", () => {
  it("is made once, however many ask, and finished when a crash left it half made", async () => {
    const made = await street();
    const half = await made.provider.ensure(await nameOfTemplate(made));
    expect(half.locator).toContain("template-");

    await Promise.all(["acme", "beta"].map(made.create));

    expect(await made.pool.use("acme", notesOf)).toEqual(["seeded"]);
    const templates = readdirSync(join(made.directory, "tenants")).filter((name) => /^template-\w{16}\.db$/.test(name));
    expect(templates).toEqual([`template-${made.template.schemaVersion.slice(0, 16)}.db`]);
  });

  const nameOfTemplate = async ({ provider, template }: Street) => {
    const other = await openStreet();
    const name = await other.template.at(other.provider);
    await other.close();
    expect(name).toBe(`template-${template.schemaVersion.slice(0, 16)}`);
    expect(provider.name).toBe("file");
    return name;
  };
});

function never(): never {
  throw new Error("there should be a placement");
}
