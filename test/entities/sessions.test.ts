import {
  type LoginSessionInsert,
  LoginSessionState,
  type RefreshTokenInsert,
  type SessionInsert,
} from "@authhero/adapter-interfaces";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Tag } from "../../src/domain/names.ts";
import { createLoginSessions } from "../../src/entities/login-sessions.ts";
import { createRefreshTokens } from "../../src/entities/refresh-tokens.ts";
import { createSessionCleanup } from "../../src/entities/session-cleanup.ts";
import { createSessions } from "../../src/entities/sessions.ts";
import type { Store } from "../../src/entities/store.ts";
import { type FreshStore, freshStore } from "../support/store.ts";

const NOON = "2026-01-01T12:00:00.000Z";
const ONE = "2026-01-01T13:00:00.000Z";
const TWO = "2026-01-01T14:00:00.000Z";
const THREE = "2026-01-01T15:00:00.000Z";

let fresh: FreshStore;
let now: Date;

beforeEach(async () => {
  now = new Date(NOON);
  fresh = await freshStore({ clock: () => now });
});

afterEach(() => fresh.close());

const loginSessions = () => createLoginSessions(fresh.store);
const sessions = () => createSessions(fresh.store);
const refreshTokens = () => createRefreshTokens(fresh.store);

const login = (rest: Partial<LoginSessionInsert> = {}): LoginSessionInsert => ({
  csrf_token: "csrf",
  expires_at: ONE,
  authParams: { client_id: "web", scope: "openid" },
  ...rest,
});

const device = {
  last_ip: "127.0.0.1",
  last_user_agent: "curl",
  initial_ip: "127.0.0.1",
  initial_user_agent: "curl",
  initial_asn: "",
  last_asn: "",
};

const session = (id: string, rest: Partial<SessionInsert> = {}): SessionInsert => ({
  id,
  user_id: "auth2|ann",
  login_session_id: "",
  clients: ["web"],
  device,
  ...rest,
});

const token = (id: string, rest: Partial<RefreshTokenInsert> = {}): RefreshTokenInsert => ({
  id,
  login_id: "login",
  user_id: "auth2|ann",
  client_id: "web",
  resource_servers: [{ audience: "https://api", scopes: "read" }],
  rotating: true,
  device,
  ...rest,
});

/** A store whose every statement is refused: what still answers has asked nobody. */
const unreachable = (store: Store): Store => ({
  ...store,
  get db(): Store["db"] {
    throw new Error("a statement was made");
  },
});

describe("a login session", () => {
  it("comes back as it was created, pending and with an id that sorts by time", async () => {
    const created = await loginSessions().create("acme", login({ ip: "127.0.0.1", auth0Client: "x" }));

    const found = await loginSessions().get("acme", created.id);

    expect(created.id).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(created).toMatchObject({ state: "pending", created_at: NOON, updated_at: NOON, expires_at: ONE });
    expect(found).toEqual(created);
  });

  it("is found without a tenant, and not under another tenant's name", async () => {
    const { id } = await loginSessions().create("acme", login());

    expect(await loginSessions().get("", id)).toMatchObject({ id });
    expect(await loginSessions().get(undefined as unknown as string, id)).toMatchObject({ id });
    expect(await loginSessions().get("other", id)).toBeNull();
    expect(await loginSessions().update("other", id, { state: LoginSessionState.COMPLETED })).toBe(false);
    expect(await loginSessions().remove("other", id)).toBe(false);
    expect(await loginSessions().remove("acme", id)).toBe(true);
  });

  it("carries the tag of its tenant's life, and an id without it costs no statement", async () => {
    const tagged = { ...fresh.store, tag: Tag.parse("0123456789") };
    const { id } = await createLoginSessions(tagged).create("acme", login());

    const unasked = createLoginSessions(unreachable(tagged));

    expect(id).toMatch(/^0123456789~[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(await createLoginSessions(tagged).get("acme", id)).toMatchObject({ id });
    expect(await unasked.get("acme", id.replace("0123456789", "9876543210"))).toBeNull();
    expect(await unasked.get("acme", id.split("~")[1] ?? "")).toBeNull();
    expect(await unasked.get("acme", "0123456789~whatever the client calls its state")).toBeNull();
  });

  it("merges authParams one level deep and keeps nulls", async () => {
    const { id } = await loginSessions().create(
      "acme",
      login({ authParams: { client_id: "web", scope: "openid", claims: { id_token: { email: null } } } }),
    );
    const patch = { username: "ann", claims: { userinfo: { name: null } }, nonce: null, scope: undefined };

    await loginSessions().update("acme", id, { authParams: patch as never });

    expect((await loginSessions().get("acme", id))?.authParams).toEqual({
      client_id: "web",
      scope: "openid",
      username: "ann",
      claims: { userinfo: { name: null } },
      nonce: null,
    });
  });

  it("loses neither of two updates at the same time", async () => {
    const { id } = await loginSessions().create("acme", login());

    await Promise.all([
      loginSessions().update("acme", id, {
        authParams: { username: "ann" } as never,
        state: LoginSessionState.AUTHENTICATED,
      }),
      loginSessions().update("acme", id, { authParams: { ui_locales: "sv" } as never, user_id: "auth2|ann" }),
    ]);

    expect(await loginSessions().get("acme", id)).toMatchObject({
      state: "authenticated",
      user_id: "auth2|ann",
      authParams: { client_id: "web", username: "ann", ui_locales: "sv" },
    });
  });

  it("keeps the first 1024 characters of the URL it came from, and forgets it when told to", async () => {
    const { id } = await loginSessions().create("acme", login({ authorization_url: "x".repeat(3000) }));
    expect((await loginSessions().get("acme", id))?.authorization_url).toHaveLength(1024);

    await loginSessions().update("acme", id, { authorization_url: "y".repeat(2000) });
    expect((await loginSessions().get("acme", id))?.authorization_url).toBe("y".repeat(1024));

    await loginSessions().update("acme", id, { authorization_url: null as never });
    expect(await loginSessions().get("acme", id)).not.toHaveProperty("authorization_url");
  });
});

describe("a session", () => {
  it("comes back as it was created, is listed by user, and belongs to one tenant", async () => {
    const created = await sessions().create("acme", session("s1", { expires_at: TWO }));
    await sessions().create("acme", session("s2", { user_id: "auth2|bob" }));

    const listed = await sessions().list("acme", { q: "user_id:auth2|ann", include_totals: true });

    expect(created).toMatchObject({ authenticated_at: NOON, last_interaction_at: NOON, created_at: NOON });
    expect(await sessions().get("acme", "s1")).toEqual(created);
    expect(listed).toMatchObject({ sessions: [created], start: 0, limit: 50, length: 1 });
    expect(await sessions().get("other", "s1")).toBeNull();
    expect((await sessions().list("other")).sessions).toEqual([]);
    expect(await sessions().update("other", "s1", { revoked_at: ONE })).toBe(false);
    expect(await sessions().remove("other", "s1")).toBe(false);
  });

  it("keeps its login session alive, and never shortens its life", async () => {
    const { id } = await loginSessions().create("acme", login());
    const expiry = async () => (await loginSessions().get("acme", id))?.expires_at;

    await sessions().create("acme", session("s1", { login_session_id: id, expires_at: NOON, idle_expires_at: TWO }));
    expect(await expiry()).toBe(TWO);

    await sessions().update("acme", "s1", { expires_at: ONE });
    expect(await expiry()).toBe(TWO);

    expect(await sessions().update("acme", "s1", { expires_at: THREE, used_at: ONE })).toBe(true);
    expect(await expiry()).toBe(THREE);
    expect(await sessions().get("acme", "s1")).toMatchObject({ expires_at: THREE, idle_expires_at: TWO, used_at: ONE });
  });

  it("extends the login session it is moved to", async () => {
    const first = await loginSessions().create("acme", login());
    const second = await loginSessions().create("acme", login());
    await sessions().create("acme", session("s1", { login_session_id: first.id }));

    await sessions().update("acme", "s1", { login_session_id: second.id, expires_at: TWO });

    expect((await loginSessions().get("acme", first.id))?.expires_at).toBe(ONE);
    expect((await loginSessions().get("acme", second.id))?.expires_at).toBe(TWO);
  });

  it("takes its login sessions with it", async () => {
    const { id } = await loginSessions().create("acme", login({ session_id: "s1" }));
    await sessions().create("acme", session("s1", { login_session_id: id }));

    expect(await sessions().remove("acme", "s1")).toBe(true);

    expect(await loginSessions().get("acme", id)).toBeNull();
    expect(await sessions().remove("acme", "s1")).toBe(false);
  });

  it("can be created inside a transaction, and is gone when that rolls back", async () => {
    const { id } = await loginSessions().create("acme", login());

    const failing = fresh.store.transaction(async (inside) => {
      await createSessions(inside).create("acme", session("s1", { login_session_id: id, expires_at: TWO }));
      throw new Error("changed my mind");
    });

    await expect(failing).rejects.toThrow("changed my mind");
    expect(await sessions().get("acme", "s1")).toBeNull();
    expect((await loginSessions().get("acme", id))?.expires_at).toBe(ONE);
  });

  it("says conflict for an id that is taken, and then leaves the login session alone", async () => {
    const { id } = await loginSessions().create("acme", login());
    await sessions().create("acme", session("s1"));

    const again = sessions().create("acme", session("s1", { login_session_id: id, expires_at: TWO }));

    await expect(again).rejects.toMatchObject({ code: "conflict", status: 409 });
    expect((await loginSessions().get("acme", id))?.expires_at).toBe(ONE);
  });
});

describe("a refresh token", () => {
  it("comes back as it was created, by id and by its public half, in its own tenant only", async () => {
    const created = await refreshTokens().create("acme", token("t1", { token_lookup: "abc", token_hash: "hash" }));

    expect(await refreshTokens().get("acme", "t1")).toEqual(created);
    expect(await refreshTokens().getByLookup("acme", "abc")).toEqual(created);
    expect(created).toMatchObject({ rotating: true, created_at: NOON, device });
    expect(await refreshTokens().getByLookup("other", "abc")).toBeNull();
    expect((await refreshTokens().list("acme", { q: "client_id:web" })).refresh_tokens).toEqual([created]);
    expect((await refreshTokens().list("other")).refresh_tokens).toEqual([]);
    expect(await refreshTokens().remove("other", "t1")).toBe(false);
    expect(await refreshTokens().remove("acme", "t1")).toBe(true);
  });

  it("has a public half of its own", async () => {
    await refreshTokens().create("acme", token("t1", { token_lookup: "abc" }));
    await refreshTokens().create("other", token("t1", { token_lookup: "abc" }));
    await refreshTokens().create("acme", token("t2"));
    await refreshTokens().create("acme", token("t3"));

    const taken = refreshTokens().create("acme", token("t4", { token_lookup: "abc" }));

    await expect(taken).rejects.toMatchObject({ code: "conflict", status: 409 });
  });

  it("keeps its login session alive at creation, later only when asked", async () => {
    const { id } = await loginSessions().create("acme", login());
    const expiry = async () => (await loginSessions().get("acme", id))?.expires_at;

    await refreshTokens().create("acme", token("t1", { login_id: id, expires_at: TWO, idle_expires_at: ONE }));
    expect(await expiry()).toBe(TWO);

    await refreshTokens().update("acme", "t1", { idle_expires_at: THREE });
    expect(await expiry()).toBe(TWO);

    const loginSessionBump = { login_id: id, expires_at: THREE };
    await refreshTokens().update("acme", "t1", { last_exchanged_at: ONE }, { loginSessionBump });
    expect(await expiry()).toBe(THREE);

    const shorter = { login_id: id, expires_at: ONE };
    await refreshTokens().update("acme", "t1", {}, { loginSessionBump: shorter });
    expect(await expiry()).toBe(THREE);
  });

  it("remembers its first rotation only", async () => {
    await refreshTokens().create("acme", token("t1"));

    await refreshTokens().update("acme", "t1", { rotated_at: ONE, rotated_to: "t2" });
    await refreshTokens().update("acme", "t1", { rotated_at: TWO, rotated_to: "t3" });

    expect(await refreshTokens().get("acme", "t1")).toMatchObject({ rotated_at: ONE, rotated_to: "t3" });
  });

  it("answers an empty update with whether it exists", async () => {
    await refreshTokens().create("acme", token("t1"));

    expect(await refreshTokens().update("acme", "t1", {})).toBe(true);
    expect(await refreshTokens().update("acme", "t2", {})).toBe(false);
  });

  it("is revoked with its family and with its login session, and counted once", async () => {
    await refreshTokens().create("acme", token("t1", { family_id: "f", login_id: "l1" }));
    await refreshTokens().create("acme", token("t2", { family_id: "f", login_id: "l1" }));
    await refreshTokens().create("acme", token("t3", { family_id: "g", login_id: "l1" }));
    await refreshTokens().create("other", token("t1", { family_id: "f", login_id: "l1" }));
    await refreshTokens().update("acme", "t1", { revoked_at: ONE });

    expect(await refreshTokens().revokeFamily("acme", "f", TWO)).toBe(1);
    expect(await refreshTokens().revokeFamily("acme", "f", TWO)).toBe(0);
    expect(await refreshTokens().revokeByLoginSession("acme", "l1", THREE)).toBe(1);

    expect((await refreshTokens().get("acme", "t1"))?.revoked_at).toBe(ONE);
    expect((await refreshTokens().get("acme", "t2"))?.revoked_at).toBe(TWO);
    expect((await refreshTokens().get("acme", "t3"))?.revoked_at).toBe(THREE);
    expect(await refreshTokens().get("other", "t1")).not.toHaveProperty("revoked_at");
  });
});

describe("the sweep of sessions", () => {
  const LONG_AGO = "2025-10-01T00:00:00.000Z";
  const LATELY = "2025-12-26T00:00:00.000Z";

  const fill = async (tenantId: string, userId: string) => {
    const old = await loginSessions().create(tenantId, login({ expires_at: LONG_AGO, user_id: userId }));
    await loginSessions().create(tenantId, login({ expires_at: LATELY, user_id: userId }));
    const of = { user_id: userId };
    await sessions().create(tenantId, session(`${userId} expired`, { ...of, expires_at: LONG_AGO }));
    await sessions().create(tenantId, session(`${userId} idle`, { ...of, idle_expires_at: LONG_AGO, expires_at: TWO }));
    await sessions().create(tenantId, session(`${userId} lately`, { ...of, expires_at: LATELY }));
    await sessions().create(tenantId, session(`${userId} for ever`, of));
    await refreshTokens().create(tenantId, token(`${userId} expired`, { ...of, expires_at: LONG_AGO }));
    await refreshTokens().create(tenantId, token(`${userId} for ever`, of));
    return old.id;
  };

  const left = () => {
    const count = async (table: string) => {
      const rows = await fresh.store.db.selectFrom(table).select("id").execute();
      return rows.length;
    };
    return Promise.all(["login_sessions", "sessions", "refresh_tokens"].map(count));
  };

  it("removes what ended more than a week ago, each kind by its own expiry", async () => {
    const id = await fill("acme", "ann");

    await createSessionCleanup(fresh.store)();

    expect(await loginSessions().get("acme", id)).toBeNull();
    expect(await sessions().get("acme", "ann expired")).toBeNull();
    expect(await sessions().get("acme", "ann idle")).toBeNull();
    expect(await refreshTokens().get("acme", "ann expired")).toBeNull();
    expect(await left()).toEqual([1, 2, 1]);
  });

  it("keeps to the tenant and the user it is given", async () => {
    await fill("acme", "ann");
    await fill("acme", "bob");
    await fill("other", "ann");
    const cleanup = createSessionCleanup(fresh.store);

    await cleanup({ tenant_id: "acme", user_id: "ann" });
    expect(await left()).toEqual([5, 10, 5]);

    await cleanup({ tenant_id: "acme" });
    expect(await left()).toEqual([4, 8, 4]);

    await cleanup({ user_id: "ann" });
    expect(await left()).toEqual([3, 6, 3]);
  });

  it("removes more rows than fit into one chunk", async () => {
    const many = Array.from({ length: 1203 }, (_, index) => ({
      tenant_id: "acme",
      id: `t${index}`,
      login_id: "l",
      user_id: "u",
      client_id: "c",
      rotating: 0,
      expires_at: Date.parse(LONG_AGO),
      created_at: 0,
    }));
    await fresh.store.batch(many.map((row) => fresh.store.db.insertInto("refresh_tokens").values(row)));

    await createSessionCleanup(fresh.store)();

    expect(await left()).toEqual([0, 0, 0]);
  });

  it("does not keep a failure to itself", async () => {
    await fresh.database.close();

    await expect(createSessionCleanup(fresh.store)()).rejects.toMatchObject({ code: "unavailable" });
  });
});
