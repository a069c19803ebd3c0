import { describe, expect, it } from "vitest";
import { createOutage, OUTAGE_MS, WARM_MS } from "../../provisioning/outage.ts";
import type { Placement } from "../../provisioning/placements.ts";
import { createReadCache } from "../../provisioning/read-cache.ts";
import { translate } from "../../src/db/errors.ts";
import { PlatformError } from "../../src/domain/errors.ts";
import { createLogger } from "../../src/log/logger.ts";
import { createLastKnown } from "../../src/wiring/last-known.ts";

const unreachable = () => translate(new TypeError("fetch failed"));
const refused = () => new PlatformError("unavailable", "database_refused", "The database refused our credentials");

/** Something to be read, which fails as long as there is something to fail with; and the time. */
function source() {
  const state = {
    ms: Date.parse("2026-01-01T00:00:00Z"),
    value: "first" as string | null,
    failure: null as (() => PlatformError) | null,
    asked: 0,
    events: [] as string[],
  };
  const clock = () => new Date(state.ms);
  const write = (line: string) => void state.events.push((JSON.parse(line) as { event: string }).event);
  const outage = createOutage(clock, createLogger({ level: "info", output: { write } }));
  const load = () => {
    state.asked += 1;
    return state.failure ? Promise.reject(state.failure()) : Promise.resolve(state.value);
  };
  return { state, clock, outage, load };
}

/** A read cache over it that is cold for the next one who asks, as after a few seconds. */
function cached() {
  const { state, clock, outage, load } = source();
  const cache = createReadCache(load, clock, outage);
  return {
    state,
    outage,
    cache,
    get: () => {
      state.ms += 2_000;
      return cache.get("acme");
    },
  };
}

describe("what was read before an outage", () => {
  it("is used while the database cannot be reached, which is asked once and told once", async () => {
    const { state, outage, get } = cached();
    await get();
    state.failure = unreachable;

    expect([await get(), await get(), await get()]).toEqual(["first", "first", "first"]);
    expect(state.asked).toBe(2);
    expect(state.events).toEqual(["control_plane.unreachable"]);
    expect(outage.since()?.getTime()).toBe(Date.parse("2026-01-01T00:00:04Z"));
    expect(() => outage.requireReachable()).toThrow(expect.objectContaining({ reason: "control_plane_unreachable" }));
  });

  it("is used no more when everything has been heard", async () => {
    const { state, outage, get } = cached();
    await get();
    state.failure = unreachable;
    await get();
    state.failure = null;
    state.value = "second";
    expect(await get()).toBe("first");

    outage.heard(state.ms);

    expect(await get()).toBe("second");
    expect(outage.since()).toBeNull();
    expect(state.events).toEqual(["control_plane.unreachable", "control_plane.reachable"]);
  });

  it("is not used where the database has said no, or says so in between", async () => {
    const { state, outage, get } = cached();
    await get();
    state.failure = refused;
    await expect(get()).rejects.toMatchObject({ reason: "database_refused" });
    state.failure = unreachable;
    expect(await get()).toBe("first");

    outage.missed(refused());

    state.failure = refused;
    await expect(get()).rejects.toMatchObject({ reason: "database_refused" });
    expect(outage.since()).toBeNull();
  });

  it("is not used for longer than an hour after everything was heard last", async () => {
    const { state, outage, get } = cached();
    await get();
    outage.heard(state.ms);
    state.failure = unreachable;
    state.ms += OUTAGE_MS - 3_000;
    expect(await get()).toBe("first");

    await expect(get()).rejects.toMatchObject({ reason: "database_unreachable" });
  });

  it("is not used when nobody had asked in the last minutes", async () => {
    const { state, outage, get } = cached();
    await get();
    state.ms += WARM_MS + 1;
    outage.heard(state.ms);
    state.failure = unreachable;

    await expect(get()).rejects.toMatchObject({ reason: "database_unreachable" });
  });

  it("is not used when it was nothing, or is known to have changed", async () => {
    const { state, cache, get } = cached();
    state.value = null;
    expect(await get()).toBeNull();
    state.failure = unreachable;
    await expect(get()).rejects.toMatchObject({ reason: "database_unreachable" });
    state.failure = null;
    state.value = "first";
    expect(await get()).toBe("first");
    state.failure = unreachable;

    cache.forget("acme");

    await expect(get()).rejects.toMatchObject({ reason: "database_unreachable" });
  });

  it("is not used when a change comes while the database does not answer", async () => {
    const { state, clock, outage, load } = source();
    let giveUp: (() => void) | undefined;
    const cache = createReadCache(
      async () => {
        if (state.failure) await new Promise<void>((resolve) => (giveUp = resolve));
        return await load();
      },
      clock,
      outage,
    );
    await cache.get("acme");
    state.failure = unreachable;
    state.ms += 2_000;
    const answer = cache.get("acme");
    await Promise.resolve();

    cache.forget("acme");
    giveUp?.();

    await expect(answer).rejects.toMatchObject({ reason: "database_unreachable" });
  });
});

describe("what was read of the control plane", () => {
  const known = () => {
    const { state, clock, outage, load } = source();
    const placement = { tag: "a", epoch: 1 };
    const registry = { get: () => Promise.resolve(placement as unknown as Placement) };
    const read = createLastKnown({ registry, outage, clock });
    return { state, placement, get: (owner = "acme") => read(owner, "keys", async () => ({ value: await load() })) };
  };

  it("is used in an outage, each time as it was read", async () => {
    const { state, get } = known();
    const first = await get();
    first.value = "changed by whoever read it";
    state.failure = unreachable;

    const again = await get();
    again.value = "changed again";

    expect(await get()).toEqual({ value: "first" });
  });

  it("is not used for another tenant, nor behind a change of its own", async () => {
    const { state, placement, get } = known();
    await get();
    state.failure = unreachable;
    await expect(get("beta")).rejects.toMatchObject({ reason: "database_unreachable" });
    expect(await get()).toEqual({ value: "first" });

    placement.epoch = 2;

    await expect(get()).rejects.toMatchObject({ reason: "database_unreachable" });
  });
});
