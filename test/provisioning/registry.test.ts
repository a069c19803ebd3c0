import { describe, expect, it } from "vitest";
import { createRegistry } from "../../provisioning/registry.ts";
import { createKeyRing } from "../../src/db/seal.ts";
import { Tag } from "../../src/domain/names.ts";
import { ask, type Street, streets } from "./street.ts";

const { street } = streets();

const keyRing = createKeyRing({ current: { id: "k1", key: new Uint8Array(32).fill(1) } });

/** A registry like another process has: with a cache of its own. */
const another = ({ database, clock }: Street) => createRegistry({ database, keyRing, clock });

describe("the registry", () => {
  it("shows this process its own changes at once, and other processes within a second", async () => {
    const made = await street();
    const other = another(made);
    const pending = await made.registry.claim({ tenantId: "acme", provider: "file" });
    expect((await other.get("acme"))?.state).toBe("pending");

    await made.registry.transition(pending, "provisioning");

    expect((await made.registry.get("acme"))?.state).toBe("provisioning");
    expect((await other.get("acme"))?.state).toBe("pending");
    made.time.ms += 1_000;
    expect((await other.get("acme"))?.state).toBe("provisioning");
  });

  it("forgets sooner that a tenant is not there", async () => {
    const made = await street();
    const other = another(made);
    expect(await other.get("acme")).toBeNull();

    await made.registry.claim({ tenantId: "acme", provider: "file" });

    expect(await other.get("acme")).toBeNull();
    made.time.ms += 250;
    expect(await other.get("acme")).not.toBeNull();
  });

  it("answers nobody with what it was reading while the placement changed", async () => {
    const made = await street();
    let placement = await made.registry.claim({ tenantId: "acme", provider: "file" });

    for (const state of ["provisioning", "ready", "suspended", "ready", "read_only"] as const) {
      const before = made.registry.get("acme");
      const change = made.registry.transition(placement, state);
      const during = made.registry.get("acme");
      placement = await change;

      expect((await made.registry.get("acme"))?.state).toBe(state);
      await Promise.all([before, during]);
      made.time.ms += 2_000;
    }
  });

  it("moves a placement only from where it was read, once", async () => {
    const made = await street();
    const pending = await made.registry.claim({ tenantId: "acme", provider: "file" });
    const illegal = { code: "conflict", reason: "illegal_transition" };

    await expect(made.registry.transition(pending, "ready")).rejects.toMatchObject(illegal);
    const moves = await Promise.allSettled([
      made.registry.transition(pending, "provisioning"),
      made.registry.transition(pending, "provisioning"),
      made.registry.transition(pending, "deleting"),
    ]);

    expect(moves.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const move of moves) if (move.status === "rejected") expect(move.reason).toMatchObject(illegal);
    expect((await made.registry.read("acme"))?.epoch).toBe(2);
  });

  it("does nothing of what goes along with a refused change", async () => {
    const made = await street();
    const pending = await made.registry.claim({ tenantId: "acme", provider: "file" });
    await made.registry.transition(pending, "provisioning");
    const alongside = [{ sql: "insert into tenants (id) values ('extra')", parameters: [] }];

    await expect(made.registry.transition(pending, "deleting", alongside)).rejects.toMatchObject({ code: "conflict" });

    expect(await ask(made.database, "select id from tenants")).toEqual([]);
  });

  it("does not remove a tenant that is not being deleted, nor its next incarnation", async () => {
    const made = await street();
    const first = await made.registry.claim({ tenantId: "acme", provider: "file" });
    await expect(made.registry.remove(first)).rejects.toMatchObject({ reason: "illegal_transition" });
    const deleting = await made.registry.transition(first, "deleting");
    await made.registry.remove(deleting);
    await made.registry.claim({ tenantId: "acme", provider: "file" });

    await expect(made.registry.remove(deleting)).rejects.toMatchObject({ reason: "illegal_transition" });

    expect(await made.registry.read("acme")).not.toBeNull();
  });

  it("never gives out a tag twice, not even after its tenant is gone", async () => {
    const made = await street();
    const tags = ["0000000000", "0000000000", "1111111111"].map((tag) => Tag.parse(tag));
    const { database, clock } = made;
    const registry = createRegistry({
      database,
      keyRing,
      clock,
      newTag: () => tags.shift() ?? Tag.parse("zzzzzzzzzz"),
    });
    const first = await registry.claim({ tenantId: "acme", provider: "file" });
    await registry.remove(await registry.transition(first, "deleting"));

    const second = await registry.claim({ tenantId: "acme", provider: "file" });

    expect([first.tag, second.tag]).toEqual(["0000000000", "1111111111"]);
  });

  it("keeps the credentials of a database sealed, for this incarnation only", async () => {
    const made = await street();
    const pending = await made.registry.claim({ tenantId: "acme", provider: "file" });

    await made.registry.recordDatabase(pending, { locator: "libsql://acme.example", secret: "t0ken" }, "hash");

    expect((await made.registry.read("acme"))?.location).toEqual({ locator: "libsql://acme.example", secret: "t0ken" });
    const [row] = await ask(made.database, "select secret from rh_placements");
    expect(String(row?.secret)).not.toContain("t0ken");
    await ask(made.database, "update rh_placements set tenant_id = 'beta'");
    await expect(made.registry.read("beta")).rejects.toMatchObject({ reason: "unseal_failed" });
  });

  it("lists page by page, and by prefix whatever characters it has", async () => {
    const made = await street();
    for (const tenantId of ["acme", "acme-2", "acm", "beta", "a_me"]) {
      await made.registry.claim({ tenantId, provider: "file" });
    }
    const ids = async (page: { from?: string; take: number; prefix?: string }) =>
      (await made.registry.list(page)).map(({ tenantId }) => tenantId);

    expect(await ids({ take: 2 })).toEqual(["a_me", "acm"]);
    expect(await ids({ take: 2, from: "acm" })).toEqual(["acme", "acme-2"]);
    expect(await ids({ take: 10, prefix: "acme" })).toEqual(["acme", "acme-2"]);
    expect(await ids({ take: 10, prefix: "a_" })).toEqual(["a_me"]);
    expect(await ids({ take: 10, prefix: "%" })).toEqual([]);
  });

  it("raises the epoch of one tenant", async () => {
    const made = await street();
    await made.registry.claim({ tenantId: "acme", provider: "file" });
    await made.registry.claim({ tenantId: "beta", provider: "file" });

    await made.registry.raiseEpoch("acme");
    await made.registry.raiseEpoch("nobody");

    expect((await made.registry.get("acme"))?.epoch).toBe(2);
    expect((await made.registry.get("beta"))?.epoch).toBe(1);
  });
});

describe("the outbox marks", () => {
  it("name the tenants to relay, until the mark that led there is cleared", async () => {
    const { registry, time } = await street();
    for (const tenantId of ["acme", "beta", "gamma"]) await registry.claim({ tenantId, provider: "file" });
    await registry.outboxMarks.set("beta");
    time.ms += 1;
    await registry.outboxMarks.set("acme");
    await registry.outboxMarks.set("beta");
    const [first, second] = await registry.outboxMarks.list();
    expect([first?.tenantId, second?.tenantId]).toEqual(["beta", "acme"]);

    if (first) await registry.outboxMarks.clear(first);
    time.ms += 1;
    await registry.outboxMarks.set("beta");
    if (first) await registry.outboxMarks.clear(first);

    expect((await registry.outboxMarks.list()).map(({ tenantId }) => tenantId)).toEqual(["acme", "beta"]);
  });
});

describe("the directories", () => {
  it("say which tenants have a client, however often it is added", async () => {
    const { registry } = await street();
    const { addClient, removeClient, tenantsOfClient } = registry.directories;

    await addClient("acme", "default");
    await addClient("acme", "default");
    await addClient("beta", "default");
    expect(await tenantsOfClient("default")).toEqual(["acme", "beta"]);

    await removeClient("acme", "default");
    await removeClient("acme", "default");
    expect(await tenantsOfClient("default")).toEqual(["beta"]);
    expect(await tenantsOfClient("other")).toEqual([]);
  });

  it("say whose a state is until it expires", async () => {
    const { registry, time } = await street();
    const { addState, tenantOfState, sweepStates } = registry.directories;
    const inMinutes = (minutes: number) => new Date(time.ms + minutes * 60_000).toISOString();

    await addState("acme", "s1", inMinutes(10));
    await addState("acme", "s1", inMinutes(20));
    expect(await tenantOfState("s1")).toBe("acme");
    await expect(addState("beta", "s1", inMinutes(30))).rejects.toMatchObject({ reason: "state_taken" });

    time.ms += 20 * 60_000;
    expect(await tenantOfState("s1")).toBeNull();
    expect(await sweepStates()).toBe(1);
  });
});
