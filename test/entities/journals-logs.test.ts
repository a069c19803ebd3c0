import type { AnalyticsQueryParams, LogInsert } from "@authhero/adapter-interfaces";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAnalytics } from "../../src/entities/analytics.ts";
import { createLogs } from "../../src/entities/logs.ts";
import { createRefreshTokens } from "../../src/entities/refresh-tokens.ts";
import { createSessions } from "../../src/entities/sessions.ts";
import { createStats } from "../../src/entities/stats.ts";
import { type FreshStore, freshStore } from "../support/store.ts";

let fresh: FreshStore;
let logs: ReturnType<typeof createLogs>;
let now: Date;

beforeEach(async () => {
  now = new Date("2026-01-15T12:00:00.000Z");
  fresh = await freshStore({ clock: () => now });
  logs = createLogs(fresh.store);
});

afterEach(() => fresh.close());

const log = (rest: Partial<LogInsert> = {}): LogInsert => ({
  type: "s",
  date: "2026-01-15T10:00:00.000Z",
  isMobile: false,
  ...rest,
});

const idsFor = async (params: Parameters<typeof logs.list>[1]) =>
  (await logs.list("acme", params)).logs.map(({ log_id }) => log_id).sort();

describe("a log", () => {
  it("comes back as it was written, in its own tenant only", async () => {
    const given = log({
      log_id: "l1",
      description: "Ann signed in",
      ip: "127.0.0.1",
      user_agent: "curl",
      details: { request: { body: { nothing: null } } },
      auth0_client: { name: "auth0.js", version: "9", env: { node: "20" } },
      client_name: "Web",
      location_info: {
        country_code: "SE",
        city_name: "Malmö",
        latitude: "55.6",
        longitude: "13.0",
        time_zone: "Europe/Stockholm",
        continent_code: "EU",
      },
    });

    const created = await logs.create("acme", given);

    expect(created).toEqual(given);
    expect(await logs.get("acme", "l1")).toEqual(given);
    expect(await logs.get("other", "l1")).toBeNull();
    expect((await logs.list("other", { q: "tenant_id:acme" })).logs).toEqual([]);
  });

  it("gets an id where it has none, keeps its date as it is, and always names a client", async () => {
    const { log_id } = await logs.create("acme", log({ date: "2026-01-15T10:00:00Z" }));

    const found = await logs.get("acme", log_id);

    expect(found).toMatchObject({ date: "2026-01-15T10:00:00Z", client_name: "", isMobile: false });
  });

  it("written twice says so in the words a repeated delivery looks for", async () => {
    await logs.create("acme", log({ log_id: "l1" }));

    const again = logs.create("acme", log({ log_id: "l1" }));

    await expect(again).rejects.toMatchObject({ code: "conflict", status: 409 });
    await expect(again).rejects.toThrow("UNIQUE constraint failed");
    await expect(logs.create("other", log({ log_id: "l1" }))).resolves.toBeTruthy();
  });

  it("keeps the beginning of long texts and all of its details", async () => {
    const details = { body: "x".repeat(20_000) };

    const { log_id } = await logs.create(
      "acme",
      log({ user_agent: "u".repeat(500), description: "d".repeat(500), details }),
    );

    const found = await logs.get("acme", log_id);
    expect(found?.user_agent).toHaveLength(256);
    expect(found?.description).toHaveLength(256);
    expect(found?.details).toEqual(details);
  });
});

describe("the list of logs", () => {
  it.each<[string, string[]]>([
    ["type:fp", ["b"]],
    ['user_id:"auth0|abc\\-123"', ["a"]],
    ['description:"email\\-code"', ["a"]],
    ["foo@example.com", ["b"]],
    ["auth0|abc-123", ["a"]],
    ["country_code:SE", ["a"]],
    ["-_exists_:country_code", ["b"]],
    ['date:>"2026-01-15T10:30:00"', ["b"]],
    ["type:s OR type:fp", ["a", "b"]],
    ["tenant_id:other", ["a", "b"]],
    ['success:"true"', ["a", "b"]],
    ["2024-01-01T10:00:00", []],
  ])("answers %s", async (q, expected) => {
    const location_info = {
      country_code: "SE",
      city_name: "",
      latitude: "",
      longitude: "",
      time_zone: "",
      continent_code: "",
    };
    const description = "Sent an email-code to somebody";
    await logs.create("acme", log({ log_id: "a", user_id: "auth0|abc-123", description, location_info }));
    const failure = { type: "fp", description: "Wrong password of foo@example.com" } as const;
    await logs.create("acme", log({ log_id: "b", date: "2026-01-15T11:00:00.000Z", ...failure }));
    await logs.create("other", log({ log_id: "c", description, user_id: "auth0|abc-123" }));

    expect(await idsFor({ q })).toEqual(expected);
  });

  it("keeps to the seconds it is given, both included", async () => {
    await logs.create("acme", log({ log_id: "before", date: "2026-01-15T09:59:59.999Z" }));
    await logs.create("acme", log({ log_id: "first", date: "2026-01-15T10:00:00.000Z" }));
    await logs.create("acme", log({ log_id: "last", date: "2026-01-15T10:00:05.999Z" }));
    await logs.create("acme", log({ log_id: "after", date: "2026-01-15T10:00:06.000Z" }));
    const from_date = Date.parse("2026-01-15T10:00:00Z") / 1000;

    expect(await idsFor({ from_date, to_date: from_date + 5 })).toEqual(["first", "last"]);
    expect(await idsFor({ to_date: from_date - 1 })).toEqual(["before"]);
    expect((await logs.list("acme", { from_date, include_totals: true })).length).toBe(3);
    await expect(logs.list("acme", { from_date: Number.NaN })).rejects.toMatchObject({ reason: "invalid_date" });
  });

  it("is walked newest first, every row once, filters and dates kept", async () => {
    for (let index = 0; index < 7; index++) await logs.create("acme", log({ log_id: `s${index}` }));
    await logs.create("acme", log({ log_id: "f", type: "f" }));
    await logs.create("acme", log({ log_id: "old", date: "2025-01-01T00:00:00.000Z" }));
    const asked = { q: "type:s", take: 3, from_date: Date.parse("2026-01-01") / 1000 };
    const seen: string[] = [];

    let from: string | undefined;
    do {
      const page = await logs.list("acme", { ...asked, ...(from && { from }) });
      seen.push(...page.logs.map(({ log_id }) => log_id));
      from = page.next;
    } while (from);

    expect(seen).toEqual(["s6", "s5", "s4", "s3", "s2", "s1", "s0"]);
  });

  it("refuses to walk in an order it has no cursor for", async () => {
    await logs.create("acme", log());
    await logs.create("acme", log());
    const { next = "" } = await logs.list("acme", { take: 1 });

    const byType = logs.list("acme", { take: 1, sort: { sort_by: "type", sort_order: "asc" } });
    const replayed = logs.list("acme", { from: next, sort: { sort_by: "date", sort_order: "asc" } });

    await Promise.all([
      expect(byType).rejects.toMatchObject({ status: 400 }),
      expect(replayed).rejects.toMatchObject({ status: 400 }),
    ]);
  });
});

describe("statistics", () => {
  it("count logins, sign-ups and leaked passwords by day", async () => {
    await logs.create("acme", log({ date: "2026-01-10T23:59:59.999Z" }));
    await logs.create("acme", log({ date: "2026-01-11T00:00:00.000Z", type: "ss" }));
    await logs.create("acme", log({ date: "2026-01-11T20:00:00.000Z", type: "pwd_leak" }));
    await logs.create("acme", log({ date: "2026-01-12T20:00:00.000Z", type: "fp" }));
    await logs.create("other", log({ date: "2026-01-11T20:00:00.000Z" }));
    const stats = createStats(fresh.store);

    const days = await stats.getDaily("acme", { from: "20260110", to: "2026-01-11" });

    expect(days).toEqual([
      {
        date: "2026-01-10",
        logins: 1,
        signups: 0,
        leaked_passwords: 0,
        created_at: "2026-01-10T23:59:59.999Z",
        updated_at: "2026-01-10T23:59:59.999Z",
      },
      {
        date: "2026-01-11",
        logins: 0,
        signups: 1,
        leaked_passwords: 1,
        created_at: "2026-01-11T00:00:00.000Z",
        updated_at: "2026-01-11T20:00:00.000Z",
      },
    ]);
    expect(await stats.getDaily("acme", { from: "20260111", to: "20260111" })).toHaveLength(1);
    await expect(stats.getDaily("acme", { from: "last week" })).rejects.toMatchObject({ reason: "invalid_date" });
  });

  it("look back thirty days by default, and count each active user once", async () => {
    await logs.create("acme", log({ user_id: "a" }));
    await logs.create("acme", log({ user_id: "a" }));
    await logs.create("acme", log({ user_id: "b" }));
    await logs.create("acme", log({ user_id: "c", date: "2025-12-10T00:00:00.000Z" }));
    await logs.create("acme", log({ user_id: "d", type: "fp" }));
    const stats = createStats(fresh.store);

    expect(await stats.getDaily("acme")).toMatchObject([{ date: "2026-01-15", logins: 3 }]);
    expect(await stats.getActiveUsers("acme")).toBe(2);
  });
});

describe("analytics", () => {
  const asked = (rest: Partial<AnalyticsQueryParams> = {}): AnalyticsQueryParams => ({
    from: "2026-01-01T00:00:00.000Z",
    to: "2026-02-01T00:00:00.000Z",
    interval: "day",
    tz: "UTC",
    filters: {},
    group_by: [],
    limit: 100,
    offset: 0,
    ...rest,
  });
  const query = (resource: "logins" | "active-users", rest?: Partial<AnalyticsQueryParams>) =>
    createAnalytics(fresh.store).query("acme", resource, asked(rest));

  it("count from the first instant up to the last, the latter excluded", async () => {
    await logs.create("acme", log({ date: "2026-01-01T00:00:00.000Z" }));
    await logs.create("acme", log({ date: "2026-02-01T00:00:00.000Z" }));
    await logs.create("acme", log({ type: "ss" }));
    await logs.create("other", log());

    expect(await query("logins")).toEqual({
      meta: [{ name: "logins", type: "UInt64" }],
      data: [{ logins: 1 }],
      rows: 1,
      rows_before_limit_at_least: 1,
      statistics: { elapsed: 0 },
    });
  });

  it("group by what is asked, and show an absent value as an empty one", async () => {
    await logs.create("acme", log({ connection: "google", client_id: "web", strategy_type: "social" }));
    await logs.create("acme", log({ connection: "google", client_id: "web", strategy_type: "social", type: "f" }));
    await logs.create("acme", log({ client_id: "web", strategy_type: "password" }));

    const found = await query("logins", { group_by: ["connection", "user_type", "event"] });

    expect(found.meta.map(({ name, type }) => `${name}:${type}`)).toEqual([
      "connection:String",
      "user_type:String",
      "event:String",
      "logins:UInt64",
    ]);
    expect(found.data).toEqual([
      { connection: "", user_type: "password", event: "s", logins: 1 },
      { connection: "google", user_type: "social", event: "f", logins: 1 },
      { connection: "google", user_type: "social", event: "s", logins: 1 },
    ]);
  });

  it("filter, sort, and page, and tell how many rows there are", async () => {
    for (const [connection, times] of [
      ["a", 1],
      ["b", 3],
      ["c", 2],
      ["d", 9],
    ] as const)
      for (let index = 0; index < times; index++) await logs.create("acme", log({ connection }));
    const filters = { connection: ["a", "b", "c"] };

    const largest = await query("logins", { group_by: ["connection"], filters });
    const second = await query("logins", { group_by: ["connection"], filters, limit: 1, offset: 1 });
    const byName = await query("logins", { group_by: ["connection"], filters, order_by: "-connection" });

    expect(largest.data.map(({ connection }) => connection)).toEqual(["b", "c", "a"]);
    expect(second).toMatchObject({ data: [{ connection: "c", logins: 2 }], rows: 1, rows_before_limit_at_least: 3 });
    expect(byName.data.map(({ connection }) => connection)).toEqual(["c", "b", "a"]);
  });

  it("count a user once, whatever they do", async () => {
    await logs.create("acme", log({ user_id: "a" }));
    await logs.create("acme", log({ user_id: "a", type: "seacft" }));
    await logs.create("acme", log({ user_id: "b" }));

    expect((await query("active-users")).data).toEqual([{ active_users: 2 }]);
  });

  it.each([
    ["hour", "2026-01-12T00", "DateTime"],
    ["day", "2026-01-12", "Date"],
    ["week", "2026-01-12", "Date"],
    ["month", "2026-01", "Date"],
  ] as const)("put a log into the %s it belongs to", async (interval, time, type) => {
    await logs.create("acme", log({ date: "2026-01-12T00:30:00.000Z" }));

    const found = await query("logins", { interval, group_by: ["time"] });

    expect(found.data).toEqual([{ time, logins: 1 }]);
    expect(found.meta[0]).toEqual({ name: "time", type });
  });

  it("begin weeks on Monday", async () => {
    await logs.create("acme", log({ date: "2026-01-11T23:59:59.000Z" }));
    await logs.create("acme", log({ date: "2026-01-12T00:00:00.000Z" }));
    await logs.create("acme", log({ date: "2026-01-18T23:00:00.000Z" }));

    const found = await query("logins", { interval: "week", group_by: ["time"] });

    expect(found.data).toEqual([
      { time: "2026-01-05", logins: 1 },
      { time: "2026-01-12", logins: 2 },
    ]);
  });

  it("know summer time, to the minute it begins", async () => {
    await logs.create("acme", log({ date: "2026-03-29T00:59:59.000Z" }));
    await logs.create("acme", log({ date: "2026-03-29T01:00:00.000Z" }));
    await logs.create("acme", log({ date: "2026-10-25T00:59:59.000Z" }));
    await logs.create("acme", log({ date: "2026-10-25T01:30:00.000Z" }));
    const year = { from: "2026-01-01T00:00:00.000Z", to: "2027-01-01T00:00:00.000Z" };

    const found = await query("logins", { ...year, interval: "hour", tz: "Europe/Stockholm", group_by: ["time"] });

    expect(found.data).toEqual([
      { time: "2026-03-29T01", logins: 1 },
      { time: "2026-03-29T03", logins: 1 },
      { time: "2026-10-25T02", logins: 2 },
    ]);
    await expect(query("logins", { tz: "Mars/Olympus", group_by: ["time"] })).rejects.toMatchObject({ status: 400 });
  });
});

describe("retention", () => {
  const device = {
    last_ip: "",
    last_user_agent: "",
    initial_ip: "",
    initial_user_agent: "",
    initial_asn: "",
    last_asn: "",
  };

  it("of sessions counts those still used in later weeks", async () => {
    const sessions = createSessions(fresh.store);
    const session = { user_id: "u", login_session_id: "", clients: [], device };
    now = new Date("2026-01-06T00:00:00.000Z");
    await sessions.create("acme", { ...session, id: "left" });
    await sessions.create("acme", { ...session, id: "stayed", used_at: "2026-01-14T00:00:00.000Z" });
    await sessions.create("other", { ...session, id: "other" });
    now = new Date("2026-01-15T12:00:00.000Z");

    const retention = await createAnalytics(fresh.store).sessionRetention?.("acme", { weeks: 2 });

    expect(retention?.cohorts).toEqual([
      { cohort: "2026-01-05", sessions: 2, active: [2, 1] },
      { cohort: "2026-01-12", sessions: 0, active: [0] },
    ]);
  });

  it("of refresh tokens counts families, from their first token to their last exchange", async () => {
    const tokens = createRefreshTokens(fresh.store);
    const token = { login_id: "l", user_id: "u", client_id: "web", resource_servers: [], rotating: true, device };
    now = new Date("2026-01-06T00:00:00.000Z");
    await tokens.create("acme", { ...token, id: "t1", family_id: "t1" });
    await tokens.create("acme", { ...token, id: "single" });
    await tokens.create("acme", { ...token, id: "elsewhere", client_id: "app" });
    now = new Date("2026-01-15T12:00:00.000Z");
    await tokens.create("acme", { ...token, id: "t2", family_id: "t1" });
    const { refreshTokenRetention } = createAnalytics(fresh.store);

    const ofOne = await refreshTokenRetention?.("acme", { weeks: 2, client_id: ["web"] });
    const ofAll = await refreshTokenRetention?.("acme", { weeks: 2 });

    expect(ofOne?.cohorts).toEqual([
      { cohort: "2026-01-05", tokens: 2, active: [2, 1] },
      { cohort: "2026-01-12", tokens: 0, active: [0] },
    ]);
    expect(ofAll?.cohorts[0]).toMatchObject({ tokens: 3 });
  });
});
