import type { AuditEventInsert } from "@authhero/adapter-interfaces";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createOutbox } from "../../src/entities/outbox.ts";
import { type FreshStore, freshStore } from "../support/store.ts";

let fresh: FreshStore;
let outbox: ReturnType<typeof createOutbox>;
let now: Date;

beforeEach(async () => {
  now = new Date("2026-01-01T12:00:00.000Z");
  fresh = await freshStore({ clock: () => now });
  outbox = createOutbox(fresh.store);
});

afterEach(() => fresh.close());

const later = (seconds: number) => {
  now = new Date(now.getTime() + seconds * 1000);
};

const inSeconds = (seconds: number) => new Date(now.getTime() + seconds * 1000).toISOString();

const event: AuditEventInsert = {
  tenant_id: "somebody-else",
  event_type: "user.created",
  log_type: "ss",
  category: "user_action",
  actor: { type: "user", id: "auth2|a" },
  target: { type: "user", id: "auth2|a", after: { email: null } },
  request: { method: "POST", path: "/", ip: "127.0.0.1" },
  hostname: "localhost",
  timestamp: "2026-01-01T12:00:00.000Z",
};

/** The ids that are waiting, in their order. */
const waiting = async () => (await outbox.getUnprocessed(50)).map(({ id }) => id);

describe("an event", () => {
  it("comes back as it was told, of the tenant it was told by", async () => {
    const id = await outbox.create("acme", event);

    expect(await outbox.getByIds([id, "unknown"])).toEqual([
      {
        ...event,
        tenant_id: "acme",
        id,
        created_at: "2026-01-01T12:00:00.000Z",
        processed_at: null,
        retry_count: 0,
        next_retry_at: null,
        error: null,
        dead_lettered_at: null,
        final_error: null,
      },
    ]);
    expect(await outbox.getByIds([])).toEqual([]);
  });

  it("is kept also when nobody knows yet whose it is", async () => {
    const id = await outbox.create(undefined as unknown as string, event);

    expect(await outbox.getByIds([id])).toMatchObject([{ tenant_id: "" }]);
  });

  it("waits in the order of creation until it is processed", async () => {
    const first = await outbox.create("acme", event);
    later(1);
    const second = await outbox.create("other", event);
    expect(await waiting()).toEqual([first, second]);
    expect(await outbox.getUnprocessed(1)).toHaveLength(1);

    await outbox.markProcessed([first]);
    await outbox.markProcessed([]);

    expect(await waiting()).toEqual([second]);
  });

  it("is claimed by one worker, however many try", async () => {
    const ids = await Promise.all([1, 2, 3, 4].map(() => outbox.create("acme", event)));

    const claims = await Promise.all(["a", "b", "c"].map((worker) => outbox.claimEvents(ids, worker, 30_000)));

    expect(claims.flat().sort()).toEqual([...ids].sort());
    expect(await waiting()).toEqual([]);
    expect(await outbox.claimEvents([], "d", 30_000)).toEqual([]);
  });

  it("is anybody's again when the lease is over", async () => {
    const id = await outbox.create("acme", event);
    await outbox.claimEvents([id], "a", 30_000);

    later(29);
    expect(await outbox.claimEvents([id], "b", 30_000)).toEqual([]);
    later(1);
    expect(await waiting()).toEqual([id]);
    expect(await outbox.claimEvents([id], "b", 30_000)).toEqual([id]);
  });

  it("comes back after a failed delivery, when its time has come", async () => {
    const id = await outbox.create("acme", event);
    await outbox.claimEvents([id], "a", 30_000);

    await outbox.markRetry(id, "logs: out of order", inSeconds(5));

    expect(await waiting()).toEqual([]);
    later(5);
    expect(await outbox.getUnprocessed(50)).toMatchObject([{ id, retry_count: 1, error: "logs: out of order" }]);
  });

  it("is listed among the failed of its tenant when it is given up, and can be played again", async () => {
    const id = await outbox.create("acme", event);
    await outbox.markRetry(id, "once", inSeconds(0));
    await outbox.claimEvents([id], "a", 30_000);

    await outbox.deadLetter(id, "for good");

    expect(await waiting()).toEqual([]);
    expect(await outbox.listFailed("other")).toMatchObject({ events: [], length: 0 });
    expect(await outbox.listFailed("acme", { include_totals: true })).toMatchObject({
      events: [{ id, final_error: "for good", dead_lettered_at: "2026-01-01T12:00:00.000Z" }],
      start: 0,
      limit: 50,
      length: 1,
    });

    expect(await outbox.replay(id, "other")).toBe(false);
    expect(await outbox.replay(id, "acme")).toBe(true);
    expect(await outbox.replay(id, "acme")).toBe(false);
    expect(await outbox.claimEvents([id], "b", 30_000)).toEqual([id]);
    expect(await outbox.getByIds([id])).toMatchObject([{ retry_count: 0, error: null, final_error: null }]);
  });

  it("that cannot be read does not stop the others", async () => {
    const id = await outbox.create("acme", event);
    const broken = await outbox.create("acme", event);
    await fresh.store.db.updateTable("outbox_events").set({ payload: "{" }).where("id", "=", broken).execute();

    expect(await waiting()).toEqual([id]);
    await outbox.deadLetter(broken, "unreadable");
    expect((await outbox.listFailed("acme")).events).toEqual([]);
  });

  it("is swept when it was processed long enough ago, dead or delivered", async () => {
    const [delivered = "", dead = ""] = await Promise.all([1, 2].map(() => outbox.create("acme", event)));
    const open = await outbox.create("acme", event);
    await outbox.markProcessed([delivered]);
    await outbox.deadLetter(dead, "for good");

    expect(await outbox.cleanup(now.toISOString())).toBe(0);
    expect(await outbox.cleanup(inSeconds(1))).toBe(2);

    expect(await waiting()).toEqual([open]);
    await expect(outbox.cleanup("some day")).rejects.toMatchObject({ reason: "invalid_date" });
  });
});
