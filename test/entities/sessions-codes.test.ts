import type { CodeInsert } from "@authhero/adapter-interfaces";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createCodes } from "../../src/entities/codes.ts";
import { type FreshStore, freshStore } from "../support/store.ts";

const NOON = "2026-01-01T12:00:00.000Z";
const ONE = "2026-01-01T13:00:00.000Z";

let fresh: FreshStore;
let codes: ReturnType<typeof createCodes>;

beforeEach(async () => {
  fresh = await freshStore({ clock: () => new Date(NOON) });
  codes = createCodes(fresh.store);
});

afterEach(() => fresh.close());

const code = (code_id: string, rest: Partial<CodeInsert> = {}): CodeInsert => ({
  code_id,
  code_type: "authorization_code",
  login_id: "login",
  expires_at: ONE,
  ...rest,
});

describe("a code", () => {
  it("comes back as it was created, for its type only", async () => {
    const given = code("c", {
      user_id: "auth2|ann",
      connection_id: "con",
      code_verifier: "verifier",
      code_challenge: "challenge",
      code_challenge_method: "S256",
      redirect_uri: "https://app/callback",
      otp: "123456",
      nonce: "nonce",
      state: "state",
    });

    const created = await codes.create("acme", given);

    expect(created).toEqual({ ...given, created_at: NOON });
    expect(await codes.get("acme", "c", "authorization_code")).toEqual(created);
    expect(await codes.get("acme", "c", "otp")).toBeNull();
    expect(await codes.list("acme", { q: "user_id:auth2|ann", include_totals: true })).toEqual({
      codes: [created],
      start: 0,
      limit: 50,
      length: 1,
    });
  });

  it("is found without a tenant, and not under another tenant's name", async () => {
    await codes.create("acme", code("c"));

    expect(await codes.get("", "c", "authorization_code")).toMatchObject({ code_id: "c" });
    expect(await codes.get("other", "c", "authorization_code")).toBeNull();
    expect(await codes.used("other", "c")).toBe(false);
    expect(await codes.consume("other", "c")).toBe(false);
    expect(await codes.remove("other", "c")).toBe(false);
    expect((await codes.list("other")).codes).toEqual([]);
    expect(await codes.remove("acme", "c")).toBe(true);
  });

  it("may have the id of a code of another type or tenant, not of the same", async () => {
    await codes.create("acme", code("c"));
    await codes.create("acme", code("c", { code_type: "otp" }));
    await codes.create("other", code("c"));

    await expect(codes.create("acme", code("c"))).rejects.toMatchObject({ code: "conflict", status: 409 });
  });

  it("is consumed once, however many ask", async () => {
    await codes.create("acme", code("c"));

    const answers = await Promise.all(Array.from({ length: 8 }, () => codes.consume("acme", "c")));

    expect(answers.filter(Boolean)).toHaveLength(1);
    expect((await codes.get("acme", "c", "authorization_code"))?.used_at).toBe(NOON);
  });

  it("is used once: whoever comes later hears an error instead of an answer nobody reads", async () => {
    await codes.create("acme", code("c"));

    const answers = await Promise.allSettled(Array.from({ length: 4 }, () => codes.used("acme", "c")));

    const [won, lost] = ["fulfilled", "rejected"].map((status) => answers.filter((answer) => answer.status === status));
    expect(won).toEqual([{ status: "fulfilled", value: true }]);
    expect(lost).toHaveLength(3);
    for (const answer of lost ?? [])
      expect(answer).toMatchObject({ reason: { code: "conflict", reason: "code_already_used" } });
  });

  it("that does not exist cannot be used", async () => {
    expect(await codes.used("acme", "c")).toBe(false);
    expect(await codes.consume("acme", "c")).toBe(false);
  });

  it("is used up for every type of its id", async () => {
    await codes.create("acme", code("c"));
    await codes.create("acme", code("c", { code_type: "otp" }));

    expect(await codes.consume("acme", "c")).toBe(true);

    expect(await codes.get("acme", "c", "otp")).toHaveProperty("used_at");
    expect(await codes.consume("acme", "c")).toBe(false);
  });
});

describe("the sweep of codes", () => {
  it("removes what has expired in every tenant, and what has no readable expiry", async () => {
    await codes.create("acme", code("over", { expires_at: "2025-12-30T00:00:00.000Z" }));
    await codes.create("other", code("over too", { expires_at: "2025-12-30T00:00:00.000Z" }));
    await codes.create("acme", code("unreadable", { expires_at: "next week" }));
    await codes.create("acme", code("good"));

    expect(await codes.cleanup("2025-12-31T00:00:00.000Z")).toBe(3);

    expect((await codes.list("acme")).codes).toMatchObject([{ code_id: "good" }]);
    expect(await codes.cleanup("2025-12-31T00:00:00.000Z")).toBe(0);
  });

  it("refuses a cutoff it cannot read", async () => {
    await expect(codes.cleanup("yesterday")).rejects.toMatchObject({ code: "invalid", reason: "invalid_date" });
  });
});
