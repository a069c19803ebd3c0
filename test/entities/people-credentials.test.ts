import { randomBytes } from "node:crypto";
import type { AuthenticationMethodInsert, PasswordInsert } from "@authhero/adapter-interfaces";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createKeyRing } from "../../src/db/seal.ts";
import { createAuthenticationMethods } from "../../src/entities/authentication-methods.ts";
import { createPasswords } from "../../src/entities/passwords.ts";
import { createUserActivity } from "../../src/entities/user-activity.ts";
import { type FreshStore, freshStore } from "../support/store.ts";

let fresh: FreshStore;
let now: Date;

beforeEach(async () => {
  now = new Date("2026-01-01T00:00:00.000Z");
  const keyRing = createKeyRing({ current: { id: "k1", key: randomBytes(32) } });
  fresh = await freshStore({ clock: () => now, keyRing });
});

afterEach(() => fresh.close());

describe("passwords", () => {
  const passwordOf = (password: string, rest: Partial<PasswordInsert> = {}): PasswordInsert => ({
    user_id: "auth2|a",
    password,
    algorithm: "bcrypt",
    is_current: true,
    ...rest,
  });
  const hashesOf = async (user = "auth2|a") =>
    (await createPasswords(fresh.store).list("acme", user)).map(({ password, is_current }) => [password, is_current]);

  it("have one current at most: a new one takes over, also among many at once", async () => {
    const passwords = createPasswords(fresh.store);

    await Promise.all(Array.from({ length: 10 }, (_, n) => passwords.create("acme", passwordOf(`h${n}`))));

    const current = (await hashesOf()).filter(([, isCurrent]) => isCurrent);
    expect(current).toHaveLength(1);
    expect(await passwords.get("acme", "auth2|a")).toMatchObject({ password: current[0]?.[0] });
  });

  it("stay as they are when the new one cannot be written", async () => {
    const passwords = createPasswords(fresh.store);
    await passwords.create("acme", passwordOf("h1", { id: "p1" }));

    await expect(passwords.create("acme", passwordOf("h2", { id: "p1" }))).rejects.toMatchObject({ status: 409 });

    expect(await hashesOf()).toEqual([["h1", true]]);
  });

  it("are a history, newest first, also within a millisecond; one may be written into the past", async () => {
    const passwords = createPasswords(fresh.store);
    await passwords.create("acme", passwordOf("h1"));
    await passwords.create("acme", passwordOf("h2"));
    await passwords.create("acme", passwordOf("h0", { is_current: false }), {
      importMetadata: { created_at: "2020-01-01T00:00:00.000Z" },
    });

    expect(await hashesOf()).toEqual([
      ["h2", true],
      ["h1", false],
      ["h0", false],
    ]);
    expect(await passwords.list("acme", "auth2|a", 1)).toHaveLength(1);
    expect(await passwords.get("other", "auth2|a")).toBeNull();
  });

  it("are updated by id, else the current one, and stay current unless told otherwise", async () => {
    const passwords = createPasswords(fresh.store);
    await passwords.create("acme", passwordOf("h1", { id: "p1" }));
    await passwords.create("acme", passwordOf("h2", { id: "p2" }));
    const { is_current: _current, ...silent } = passwordOf("h2b");

    expect(await passwords.update("acme", silent as PasswordInsert)).toBe(true);
    expect(await hashesOf()).toEqual([
      ["h2b", true],
      ["h1", false],
    ]);

    expect(await passwords.update("acme", passwordOf("h1b", { id: "p1" }))).toBe(true);
    expect(await hashesOf()).toEqual([
      ["h2b", false],
      ["h1b", true],
    ]);
  });

  it("are not changed by an update of one that is another's or not there", async () => {
    const passwords = createPasswords(fresh.store);
    await passwords.create("acme", passwordOf("h1", { id: "p1" }));
    await passwords.create("acme", passwordOf("b1", { id: "p2", user_id: "auth2|b" }));

    expect(await passwords.update("acme", passwordOf("stolen", { id: "p2" }))).toBe(false);
    expect(await passwords.update("acme", passwordOf("h2", { user_id: "auth2|nobody" }))).toBe(false);
    expect(await hashesOf()).toEqual([["h1", true]]);
    expect(await hashesOf("auth2|b")).toEqual([["b1", true]]);
  });
});

describe("user activity", () => {
  it("merges: only what is given is written, and an empty list is a value", async () => {
    const activity = createUserActivity(fresh.store);
    await activity.upsert("acme", "auth2|a", { last_ip: "10.0.0.1" });
    await activity.upsert("acme", "auth2|a", { login_count: 2, failed_logins: ["2026-01-01T00:00:00.000Z"] });
    await activity.upsert("acme", "auth2|a", { failed_logins: [], last_ip: undefined });
    await activity.upsert("acme", "auth2|a", {});

    expect(await activity.get("acme", "auth2|a")).toEqual({
      user_id: "auth2|a",
      last_ip: "10.0.0.1",
      login_count: 2,
      failed_logins: [],
    });
    expect(await activity.get("other", "auth2|a")).toBeNull();
  });

  it("starts with no logins", async () => {
    const activity = createUserActivity(fresh.store);

    await activity.upsert("acme", "auth2|a", { last_password_reset: "2026-01-01T00:00:00.000Z" });

    expect(await activity.get("acme", "auth2|a")).toMatchObject({ login_count: 0 });
  });
});

describe("authentication methods", () => {
  const totp: AuthenticationMethodInsert = {
    user_id: "auth2|a",
    type: "totp",
    totp_secret: "JBSWY3DPEHPK3PXP",
    confirmed: false,
  };
  const passkey = (credential_id: string): AuthenticationMethodInsert => ({
    user_id: "auth2|a",
    type: "passkey",
    credential_id,
    public_key: "key",
    sign_count: 0,
    transports: ["internal", "hybrid"],
    credential_backed_up: false,
    confirmed: true,
  });

  it("keep a TOTP secret sealed, and give it to who may ask", async () => {
    const methods = createAuthenticationMethods(fresh.store);

    const { id } = await methods.create("acme", totp);

    const stored = await fresh.store.db.selectFrom("authentication_methods").selectAll().execute();
    expect(JSON.stringify(stored)).not.toContain(totp.totp_secret);
    expect(await methods.get("acme", id)).toEqual({
      ...totp,
      id,
      created_at: now.toISOString(),
      updated_at: now.toISOString(),
    });
  });

  it("are listed per user in the order they were added, and found by credential", async () => {
    const methods = createAuthenticationMethods(fresh.store);
    const first = await methods.create("acme", totp);
    now = new Date(now.getTime() + 1000);
    const second = await methods.create("acme", passkey("cred"));

    expect(await methods.list("acme", "auth2|a")).toEqual([first, second]);
    expect(await methods.getByCredentialId("acme", "cred")).toEqual(second);
    expect(await methods.getByCredentialId("other", "cred")).toBeNull();
  });

  it("belong to one user per credential", async () => {
    const methods = createAuthenticationMethods(fresh.store);
    await methods.create("acme", passkey("cred"));

    const again = methods.create("acme", { ...passkey("cred"), user_id: "auth2|b" });

    await expect(again).rejects.toMatchObject({ status: 409 });
  });

  it("come back from an update, which throws when there is none", async () => {
    const methods = createAuthenticationMethods(fresh.store);
    const { id } = await methods.create("acme", passkey("cred"));

    const updated = await methods.update("acme", id, { sign_count: 5, confirmed: true });

    expect(updated).toMatchObject({ id, sign_count: 5, transports: ["internal", "hybrid"] });
    await expect(methods.update("other", id, { sign_count: 6 })).rejects.toMatchObject({ code: "not_found" });
    expect(await methods.remove("acme", id)).toBe(true);
    expect(await methods.remove("acme", id)).toBe(false);
  });
});
