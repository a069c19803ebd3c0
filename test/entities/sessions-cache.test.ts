import { isDeepStrictEqual } from "node:util";
import { describe, expect, it } from "vitest";
import { createCache } from "../../src/entities/cache.ts";

function startClock() {
  let now = Date.parse("2026-01-01T00:00:00.000Z");
  return {
    clock: () => new Date(now),
    pass: (seconds: number) => {
      now += seconds * 1000;
    },
  };
}

/** More than is read at once. */
const many = () => Array.from({ length: 200 }, (_, index) => ({ id: `element ${index}` }));

describe("the cache", () => {
  it("gives everybody a copy of their own", async () => {
    const cache = createCache({ clock: startClock().clock });
    const value = { list: [1], at: new Date(0), nothing: null };
    await cache.set("key", value);
    value.list.push(2);

    const first = await cache.get("key");
    first.list.push(3);

    expect(await cache.get("key")).toEqual({ list: [1], at: new Date(0), nothing: null });
    expect(await cache.get("other")).toBeNull();
  });

  it.each([
    ["a date", { at: new Date(0) }],
    ["a member that is undefined", { nothing: undefined }],
    ["undefined itself", undefined],
    ["a map", new Map([["a", { b: 1 }]])],
    ["numbers that JSON does not know", [Number.NaN, -0, Number.POSITIVE_INFINITY, 12n]],
    ["a key of the language's own", JSON.parse('{"__proto__": {"a": 1}}')],
    ["text beyond Latin-1", { name: "Ελένη 🗝" }],
    [
      "what is large, at every depth",
      { before: 1, large: many(), list: [many(), { deep: { more: many() } }], after: 2 },
    ],
    ["what is large under a key of the language's own", JSON.parse(`{"__proto__": ${JSON.stringify(many())}}`)],
  ])("gives %s back as it was", async (_, value) => {
    const cache = createCache({ clock: startClock().clock });

    await cache.set("key", value);

    expect(isDeepStrictEqual(await cache.get("key"), value)).toBe(true);
  });

  it("gives everybody large parts of their own, which behave like any other", async () => {
    const cache = createCache({ clock: startClock().clock });
    await cache.set("key", { large: many(), name: "a", inner: { large: many() } });
    const [first, second, third] = await Promise.all([1, 2, 3].map(() => cache.get("key")));

    first.large[0].id = "changed";
    first.inner.large.pop();
    first.inner.large.reverse();
    second.large = "replaced";
    delete second.inner.large;
    const spread = { ...third };
    spread.large.length = 0;

    expect(first.large[0]).toEqual({ id: "changed" });
    expect(second).toEqual({ large: "replaced", name: "a", inner: {} });
    expect(third.large).toEqual([]);
    expect(Object.keys(third)).toEqual(["large", "name", "inner"]);
    const untouched = { large: many(), name: "a", inner: { large: many() } };
    expect(await cache.get("key")).toEqual(untouched);
    expect(JSON.stringify(await cache.get("key"))).toBe(JSON.stringify(untouched));
    expect(structuredClone(await cache.get("key"))).toEqual(untouched);
    const frozen = Object.freeze(await cache.get("key"));
    expect(frozen.large).toEqual(many());
  });

  it("forgets a value when its time is over, and never later than its own limit", async () => {
    const { clock, pass } = startClock();
    const cache = createCache({ clock, ttlSecondsMax: 60 });
    await cache.set("short", 1, 10);
    await cache.set("long", 1, 3600);
    await cache.set("default", 1);
    await cache.set("none", 1, 0);

    pass(9);
    expect(await Promise.all(["short", "long", "default", "none"].map(cache.get))).toEqual([1, 1, 1, null]);
    pass(1);
    expect(await Promise.all(["short", "long", "default"].map(cache.get))).toEqual([null, 1, 1]);
    pass(50);
    expect(await Promise.all(["short", "long", "default"].map(cache.get))).toEqual([null, null, null]);
  });

  it("makes room by letting go what was used longest ago", async () => {
    const cache = createCache({ clock: startClock().clock, bytesMax: 3_000 });
    const value = "x".repeat(700);
    for (const key of ["a", "b", "c"]) await cache.set(key, value);
    await cache.get("a");

    await cache.set("d", value);

    expect(await cache.get("b")).toBeNull();
    expect(await Promise.all(["a", "c", "d"].map(cache.get))).toEqual([value, value, value]);
  });

  it("deletes by key, by prefix, and all, and says how much", async () => {
    const cache = createCache({ clock: startClock().clock });
    for (const key of ["acme:a", "acme:b", "acme-2:a", "other:a"]) await cache.set(key, 1);

    expect(await cache.delete("acme:a")).toBe(true);
    expect(await cache.delete("acme:a")).toBe(false);
    expect(await cache.deleteByPrefix("acme:")).toBe(1);
    expect(await cache.get("acme-2:a")).toBe(1);

    await cache.clear();
    expect(await cache.get("other:a")).toBeNull();
  });

  it("stays empty of what cannot be copied", async () => {
    const cache = createCache({ clock: startClock().clock });
    await cache.set("key", 1);

    await expect(cache.set("key", () => 1)).rejects.toThrow("could not be cloned");

    expect(await cache.get("key")).toBeNull();
  });
});
