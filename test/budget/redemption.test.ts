import type { DataAdapters, RefreshTokenInsert } from "@authhero/adapter-interfaces";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { inRounds } from "../../src/db/rounds.ts";
import { systemClock } from "../../src/domain/clock.ts";
import { createDataAdapters } from "../../src/entities/adapters.ts";
import { createStore } from "../../src/entities/store.ts";
import { type FreshStore, freshStore } from "../support/store.ts";
import { logIn, redemption, refreshing, tokensOf } from "./flows.ts";
import { type Answer, type House, openHouse, TENANT } from "./house.ts";

let fresh: FreshStore;
let adapters: DataAdapters;
let house: House;

beforeEach(async () => {
  fresh = await freshStore();
  adapters = createDataAdapters(createStore(inRounds(fresh.database), { clock: systemClock }));
  house = await openHouse(adapters);
});

afterEach(() => fresh.close());

const ask = (form: Record<string, string>) => house.ask("/oauth/token", { form });
const refreshTokens = async () => (await adapters.refreshTokens.list(TENANT)).refresh_tokens;
const carriesTokens = ({ text }: Answer) => /"(?:access|refresh|id)_token"/.test(text);

describe("an authorization code", () => {
  it("is redeemed once, however many ask at the same time: nobody else gets tokens", async () => {
    const { code, verifier } = await logIn(house);
    const form = redemption(code, verifier);

    const answers = await Promise.all([ask(form), ask(form), ask(form), ask(form)]);

    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(carriesTokens)).toHaveLength(1);
    expect(answers.filter(({ status }) => status >= 400)).toHaveLength(3);
  });

  it("asked for by several at the same time gives the one who gets it nothing to refresh", async () => {
    const { code, verifier } = await logIn(house);
    const form = redemption(code, verifier);

    const answers = await Promise.all([ask(form), ask(form)]);

    const won = answers.find(({ status }) => status === 200);
    const { refresh_token = "" } = won ? tokensOf(won) : {};
    expect(await refreshTokens()).toMatchObject([{ revoked_at: expect.any(String) }]);
    expect((await ask(refreshing(refresh_token))).status).toBe(403);
    expect((await ask(form)).status).toBeGreaterThanOrEqual(400);
  });

  it("is refused afterwards, and what its first redemption gave is no longer refreshed", async () => {
    const { code, verifier } = await logIn(house);
    const { refresh_token = "" } = tokensOf(await ask(redemption(code, verifier)));
    tokensOf(await ask(refreshing(refresh_token)));

    const replay = await ask(redemption(code, verifier));

    expect(replay.status).toBeGreaterThanOrEqual(400);
    expect(replay.status).toBeLessThan(500);
    expect(carriesTokens(replay)).toBe(false);
    expect(await refreshTokens()).toMatchObject([{ revoked_at: expect.any(String) }]);
    expect((await ask(refreshing(refresh_token))).status).toBe(403);
  });

  it("of another login is not touched by a replay", async () => {
    const [replayed, other] = [await logIn(house), await logIn(house)];
    await ask(redemption(replayed.code, replayed.verifier));
    const { refresh_token = "" } = tokensOf(await ask(redemption(other.code, other.verifier)));

    await ask(redemption(replayed.code, replayed.verifier));

    tokensOf(await ask(refreshing(refresh_token)));
  });
});

describe("a refresh token of a login whose tokens were just ended", () => {
  const refreshToken = (id: string, login_id: string) => ({
    id,
    login_id,
    client_id: "web",
    user_id: "auth0|ann",
    rotating: false,
    device: {} as RefreshTokenInsert["device"],
    resource_servers: [],
  });

  it("is ended from its birth, because its redemption had begun before; a minute later it is not", async () => {
    let now = new Date("2026-01-01T12:00:00.000Z");
    const { loginSessions, refreshTokens } = createDataAdapters(createStore(fresh.database, { clock: () => now }));
    const session = { csrf_token: "token", authParams: { client_id: "web" }, expires_at: "2026-01-02T12:00:00.000Z" };
    const [ended, other] = [await loginSessions.create(TENANT, session), await loginSessions.create(TENANT, session)];
    await refreshTokens.revokeByLoginSession(TENANT, ended.id, now.toISOString());

    now = new Date("2026-01-01T12:00:30.000Z");
    await refreshTokens.create(TENANT, refreshToken("racing", ended.id));
    await refreshTokens.create(TENANT, refreshToken("other", other.id));
    now = new Date("2026-01-01T12:01:00.000Z");
    await refreshTokens.create(TENANT, refreshToken("later", ended.id));

    expect(await refreshTokens.get(TENANT, "racing")).toMatchObject({ revoked_at: "2026-01-01T12:00:00.000Z" });
    expect(await refreshTokens.get(TENANT, "other")).not.toHaveProperty("revoked_at");
    expect(await refreshTokens.get(TENANT, "later")).not.toHaveProperty("revoked_at");
    expect(await loginSessions.get(TENANT, ended.id)).toEqual(ended);
  });
});
