import type { UserInsert } from "@authhero/adapter-interfaces";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createPasswords } from "../../src/entities/passwords.ts";
import { createUserActivity } from "../../src/entities/user-activity.ts";
import { createUsers } from "../../src/entities/users.ts";
import { type FreshStore, freshStore } from "../support/store.ts";

let fresh: FreshStore;
let users: ReturnType<typeof createUsers>;
let now: Date;

beforeEach(async () => {
  now = new Date("2026-01-01T00:00:00.000Z");
  fresh = await freshStore({ clock: () => now });
  users = createUsers(fresh.store);
});

afterEach(() => fresh.close());

const userOf = (user_id: string, rest: Partial<UserInsert> = {}): UserInsert => ({
  user_id,
  provider: user_id.split("|")[0] ?? "",
  connection: "Username-Password-Authentication",
  email_verified: false,
  ...rest,
});
const create = (user_id: string, rest?: Partial<UserInsert>) => users.create("acme", userOf(user_id, rest));
const idsFor = async (q: string) => (await users.list("acme", { q })).users.map(({ user_id }) => user_id);
const later = () => {
  now = new Date(now.getTime() + 1000);
};

describe("a user", () => {
  it("comes back as it was created, with what is kept elsewhere and what AuthHero sends besides", async () => {
    const given = {
      ...userOf("auth2|a", {
        email: "Ann@Example.com",
        address: { country: "SE" },
        app_metadata: { plan: "pro", nothing: null },
        gender: "female",
        last_ip: "127.0.0.1",
        last_login: "2025-12-31T10:00:00.000Z",
        profileData: '{"raw":1}',
        registration_completed_at: "2025-12-31T10:00:00Z",
      }),
      verify_email: false,
      login_count: 3,
      identities: [],
      invented: true,
    };

    const created = await users.create("acme", given);

    expect(created).toEqual(await users.get("acme", "auth2|a"));
    expect(created).toEqual({
      user_id: "auth2|a",
      provider: "auth2",
      connection: "Username-Password-Authentication",
      email: "ann@example.com",
      email_verified: false,
      is_social: false,
      blocked: false,
      address: { country: "SE" },
      app_metadata: { plan: "pro", nothing: null },
      user_metadata: {},
      gender: "female",
      last_ip: "127.0.0.1",
      last_login: "2025-12-31T10:00:00.000Z",
      login_count: 3,
      profileData: '{"raw":1}',
      registration_completed_at: "2025-12-31T10:00:00Z",
      created_at: "2026-01-01T00:00:00.000Z",
      updated_at: "2026-01-01T00:00:00.000Z",
      identities: [
        {
          connection: "Username-Password-Authentication",
          provider: "auth2",
          user_id: "a",
          isSocial: false,
          email: "ann@example.com",
          email_verified: false,
        },
      ],
    });
  });

  it("belongs to its tenant alone", async () => {
    await create("auth2|a", { email: "a@x.io" });

    expect(await users.get("other", "auth2|a")).toBeNull();
    expect(await users.update("other", "auth2|a", { name: "Eve" })).toBe(false);
    expect(await users.remove("other", "auth2|a")).toBe(false);
    expect((await users.list("other", { q: "tenant_id:acme" })).users).toEqual([]);
    expect(await users.get("acme", "auth2|a")).not.toBeNull();
  });

  it.each([
    ["the same id", { user_id: "auth2|a", email: "b@x.io" }],
    ["the same e-mail in other letters at one provider", { user_id: "auth2|b", email: "A@X.io" }],
    ["the same user name at one provider", { user_id: "auth2|b", username: "ann" }],
  ])("is a conflict with %s", async (_what, { user_id, ...rest }) => {
    await create("auth2|a", { email: "a@x.io", username: "ann" });

    await expect(create(user_id, rest)).rejects.toMatchObject({ status: 409 });
  });

  it("may share its e-mail across providers, and lack one beside others that lack it", async () => {
    await create("auth2|a", { email: "a@x.io" });
    await create("google|a", { email: "a@x.io" });
    await create("sms|b", { email: "" });
    await create("sms|c", { email: "" });

    expect(await idsFor("email:a@x.io")).toEqual(["auth2|a", "google|a"]);
    expect(await users.get("acme", "sms|b")).not.toHaveProperty("email");
  });

  it("keeps the id and the times of an import", async () => {
    const importMetadata = { id: "auth2|old", created_at: "2020-01-01T00:00:00.000Z" };

    const imported = await users.create("acme", userOf("auth2|a"), { importMetadata });

    expect(imported).toMatchObject({
      user_id: "auth2|old",
      created_at: importMetadata.created_at,
      updated_at: importMetadata.created_at,
    });
  });

  it("is refused without an id, because ids are never made here", async () => {
    const { user_id: _id, ...nameless } = userOf("auth2|a");

    await expect(users.create("acme", nameless)).rejects.toMatchObject({ code: "invalid", reason: "user_id_missing" });
  });

  it("brings its password along, or neither exists", async () => {
    const passwords = createPasswords(fresh.store);
    const password = { hash: "$2b$10$hash", algorithm: "bcrypt" };
    await create("auth2|a", { email: "a@x.io", password });

    await expect(create("auth2|b", { email: "a@x.io", password })).rejects.toMatchObject({ status: 409 });

    expect(await passwords.get("acme", "auth2|a")).toMatchObject({ password: "$2b$10$hash", is_current: true });
    expect(await passwords.get("acme", "auth2|b")).toBeNull();
  });
});

describe("updating a user", () => {
  it("leaves alone what is undefined, clears what is null, replaces metadata whole, moves updated_at", async () => {
    await create("auth2|a", { name: "Ann", nickname: "A", blocked: true, gender: "f", app_metadata: { a: 1, b: 2 } });
    later();
    const patch = { name: undefined, nickname: null, blocked: null, gender: null, app_metadata: { b: 3 } };

    const updated = await users.update("acme", "auth2|a", patch as never);

    const user = await users.get("acme", "auth2|a");
    expect(updated).toBe(true);
    expect(user).toMatchObject({ name: "Ann", blocked: false, app_metadata: { b: 3 }, updated_at: now.toISOString() });
    expect(user).not.toHaveProperty("nickname");
    expect(user).not.toHaveProperty("gender");
  });

  it("sends activity where it belongs, but never for a user who is not there", async () => {
    const activity = createUserActivity(fresh.store);
    await create("auth2|a");

    await users.update("acme", "auth2|a", { login_count: 2, last_ip: "10.0.0.1" });
    const missing = await users.update("acme", "auth2|nobody", { login_count: 2 });

    expect(missing).toBe(false);
    expect(await users.get("acme", "auth2|a")).toMatchObject({ login_count: 2, last_ip: "10.0.0.1" });
    expect(await activity.get("acme", "auth2|nobody")).toBeNull();
  });

  it("takes a whole user back as it was read, and a lower-case e-mail out of any", async () => {
    await create("auth2|a", { email: "a@x.io" });
    const read = await users.get("acme", "auth2|a");

    const updated = await users.update("acme", "auth2|a", { ...read, email: "B@X.io" });

    expect(updated).toBe(true);
    expect(await users.get("acme", "auth2|a")).toMatchObject({ email: "b@x.io" });
  });

  it("is a conflict when it takes another's e-mail", async () => {
    await create("auth2|a", { email: "a@x.io" });
    await create("auth2|b", { email: "b@x.io" });

    await expect(users.update("acme", "auth2|b", { email: "a@x.io" })).rejects.toMatchObject({ status: 409 });
  });
});

describe("identities", () => {
  it("are the user, then the linked ones oldest first with their profiles", async () => {
    await create("auth2|a", { email: "a@x.io" });
    later();
    await create("sms|c", { phone_number: "+46", phone_verified: true, linked_to: "auth2|a" });
    now = new Date("2025-01-01T00:00:00.000Z");
    await create("google|b|x", {
      email: "b@x.io",
      email_verified: true,
      is_social: true,
      linked_to: "auth2|a",
      profileData: '{"email":"other@x.io","picture":"p"}',
    });

    const user = await users.get("acme", "auth2|a");

    expect(user?.identities).toEqual([
      expect.objectContaining({ provider: "auth2", user_id: "a" }),
      {
        connection: "Username-Password-Authentication",
        provider: "google",
        user_id: "b|x",
        isSocial: true,
        email: "b@x.io",
        email_verified: true,
        profileData: { email: "other@x.io", email_verified: true, picture: "p" },
      },
      expect.objectContaining({ user_id: "c", phone_number: "+46", phone_verified: true }),
    ]);
    expect(user?.identities?.[0]).not.toHaveProperty("profileData");
    expect((await users.get("acme", "sms|c"))?.identities).toHaveLength(1);
  });

  it("survive an id without a provider and a profile that is no JSON", async () => {
    await create("user-00");
    await create("sms|c", { linked_to: "user-00", profileData: "not json" });

    const { users: found } = await users.list("acme", { q: "-_exists_:linked_to" });

    expect(found[0]?.identities?.map(({ user_id }) => user_id)).toEqual(["user-00", "c"]);
  });

  it("are parted by unlink, which tells whether there was a link", async () => {
    await create("auth2|a");
    await create("google|b", { linked_to: "auth2|a" });

    expect(await users.unlink("acme", "auth2|other", "google", "b")).toBe(false);
    expect(await users.unlink("acme", "auth2|a", "google", "b")).toBe(true);
    expect(await users.unlink("acme", "auth2|a", "google", "b")).toBe(false);
    expect(await users.get("acme", "google|b")).not.toHaveProperty("linked_to");
  });
});

describe("listing users", () => {
  beforeEach(async () => {
    await create("auth2|a", { email: "ann@x.io", email_verified: true, name: "Ann", login_count: 7 } as never);
    later();
    await create("google|b", { email: "bob@x.io", phone_number: "+1-555-123-4567", linked_to: "auth2|a" });
    later();
    await create("auth2|c", { email: "cid@x.io", username: "cid", last_login: "2025-06-01T00:00:00.000Z" });
  });

  it.each([
    ["email:ann@x.io", ["auth2|a"]],
    ["ann", ["auth2|a"]],
    ["ANN", ["auth2|a"]],
    ["555", ["google|b"]],
    ["auth2|c", ["auth2|c"]],
    ["auth2", []],
    ['user_id:"auth2|c"', ["auth2|c"]],
    ['phone_number:"+1-555-123-4567"', ["google|b"]],
    ["email_verified:true", ["auth2|a"]],
    ["email_verified:0", ["google|b", "auth2|c"]],
    ["linked_to:auth2|a", ["google|b"]],
    ["-_exists_:linked_to", ["auth2|a", "auth2|c"]],
    ["provider:auth2 username:cid", ["auth2|c"]],
    ["login_count:0", ["google|b", "auth2|c"]],
    ["login_count:<5", ["google|b", "auth2|c"]],
    ["login_count:>0", ["auth2|a"]],
    ["last_login:>2025-01-01", ["auth2|c"]],
    ["created_at:>2026-01-01T00:00:01.000Z", ["auth2|c"]],
    ["tenant_id:other", ["auth2|a", "google|b", "auth2|c"]],
    ["email:ann@x.io OR email:cid@x.io", ["auth2|a", "auth2|c"]],
  ])("finds by %s", async (q, expected) => {
    expect(await idsFor(q)).toEqual(expected);
  });

  it("sorts by activity, and ignores a field nobody may sort by", async () => {
    const by = async (sort_by: string, sort_order: "asc" | "desc") =>
      (await users.list("acme", { sort: { sort_by, sort_order } })).users.map(({ user_id }) => user_id);

    expect((await by("login_count", "desc"))[0]).toBe("auth2|a");
    expect((await by("last_login", "desc"))[0]).toBe("auth2|c");
    expect(await by("app_metadata", "desc")).toEqual(["auth2|a", "google|b", "auth2|c"]);
  });

  it("counts only when asked", async () => {
    expect(await users.list("acme", { per_page: 1 })).toMatchObject({ start: 0, limit: 0, length: 0 });
    expect(await users.list("acme", { page: 1, per_page: 1, include_totals: true })).toMatchObject({
      start: 1,
      limit: 1,
      length: 3,
      users: [{ user_id: "google|b" }],
    });
  });

  it("walks every person once by checkpoint, linked ones folded in", async () => {
    const first = await users.list("acme", { take: 1 });
    const second = await users.list("acme", { take: 1, ...(first.next && { from: first.next }) });

    expect([first, second].map(({ users: [user] }) => user?.user_id)).toEqual(["auth2|c", "auth2|a"]);
    expect(second.users[0]?.identities).toHaveLength(2);
    expect(second).not.toHaveProperty("next");
  });

  it("refuses to walk in another order than it can keep", async () => {
    const { next = "" } = await users.list("acme", { take: 1 });
    const otherOrder = { sort_by: "created_at", sort_order: "asc" } as const;

    await expect(users.list("acme", { take: 1, sort: { sort_by: "email", sort_order: "asc" } })).rejects.toMatchObject({
      status: 400,
    });
    await expect(users.list("acme", { take: 1, from: next, sort: otherOrder })).rejects.toMatchObject({ status: 400 });
  });
});
