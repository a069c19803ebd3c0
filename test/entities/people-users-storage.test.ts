import type { AuditEventInsert, UserInsert } from "@authhero/adapter-interfaces";
import { type CompiledQuery, Kysely, sql } from "kysely";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { userRemoval } from "../../src/entities/user-removal.ts";
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

const event = (id: string): AuditEventInsert & { id: string } => ({
  id,
  tenant_id: "somebody-else",
  event_type: "hook.post-user-registration",
  log_type: "ss",
  category: "system",
  actor: { type: "system" },
  target: { type: "user", id: "auth2|a" },
  request: { method: "POST", path: "/", ip: "127.0.0.1" },
  hostname: "localhost",
  timestamp: "2026-01-01T00:00:00.000Z",
});
const eventsTold = async () =>
  (await sql<{ id: string; tenant_id: string }>`select id, tenant_id from outbox_events`.execute(fresh.store.db)).rows;

describe("reading users", () => {
  /** The same store, with every query it sends written down. */
  function watched() {
    const queries: CompiledQuery[] = [];
    const db = new Kysely({ dialect: fresh.database.dialect, log: ({ query }) => void queries.push(query) });
    return { queries, users: createUsers({ ...fresh.store, db }) };
  }

  it("takes one statement for a user or a page, and one more for the total", async () => {
    const { queries, users: seen } = watched();
    const statementsOf = async (work: () => Promise<unknown>) => {
      const before = queries.length;
      await work();
      return queries.length - before;
    };

    expect(await statementsOf(() => seen.get("acme", "auth2|a"))).toBe(1);
    expect(await statementsOf(() => seen.list("acme", { q: "email:a@x.io" }))).toBe(1);
    expect(await statementsOf(() => seen.list("acme", { include_totals: true }))).toBe(2);
  });

  it.each([
    ["email:a@x.io", "users_by_email"],
    ["username:ann", "users_by_username"],
    ["phone_number:1", "users_by_phone_number"],
    ["linked_to:auth2|a", "users_by_linked_to"],
    ["-_exists_:linked_to", "users_by_created_at"],
  ])("answers %s from its index, not by walking the tenant", async (q, index) => {
    const { queries, users: seen } = watched();

    await seen.list("acme", { q });

    const [step] = await stepsOf(queries[0]);
    expect(step).toContain(`SEARCH users USING INDEX ${index} `);
  });

  it("refuses a number that it could only give inexactly", async () => {
    await create("auth2|a");
    await sql`update users set created_at = 9007199254740993`.execute(fresh.store.db);

    const refusal = { code: "internal", reason: "integer_out_of_range" };
    await expect(users.get("acme", "auth2|a")).rejects.toMatchObject(refusal);
    await expect(users.list("acme")).rejects.toMatchObject(refusal);
  });

  it("looks up the users linked to one, however many there are", async () => {
    const { queries, users: seen } = watched();

    await seen.get("acme", "auth2|a");
    await seen.list("acme", { per_page: 50 });

    const plans = await Promise.all(queries.map(stepsOf));
    expect(plans.map((steps) => steps.filter((step) => /SEARCH linked/.test(step)))).toEqual([
      ["SEARCH linked USING INDEX users_by_linked_to (tenant_id=? AND linked_to=?)"],
      ["SEARCH linked USING INDEX users_by_linked_to (tenant_id=? AND linked_to=?)"],
    ]);
  });

  it("removes one without walking the tenant", async () => {
    const statements = userRemoval(fresh.store, "acme", "auth2|a").map((statement) => statement.compile());

    const steps = (await Promise.all(statements.map(stepsOf))).flat();
    expect(steps.filter((step) => /SEARCH users/.test(step)).length).toBeGreaterThan(20);
    expect(steps.filter((step) => /^SCAN \w|\(tenant_id=\?\)/.test(step))).toEqual([]);
  });

  /** What SQLite would do for a statement, a line each. */
  async function stepsOf(query: CompiledQuery | undefined): Promise<string[]> {
    const explained = { sql: `explain query plan ${query?.sql}`, parameters: query?.parameters ?? [] };
    const [plan] = await fresh.database.batch([explained]);
    return plan?.rows.map(({ detail }) => String(detail)) ?? [];
  }
});

describe("events about users", () => {
  it("are told with the user or not at all, under the tenant of the write", async () => {
    await users.rawCreate("acme", userOf("auth2|a"), { outboxEvents: [event("e1")] });
    await expect(users.rawCreate("acme", userOf("auth2|a"), { outboxEvents: [event("e2")] })).rejects.toMatchObject({
      status: 409,
    });
    await users.update("acme", "auth2|a", { name: "Ann" }, { outboxEvents: [event("e3")] });
    await users.update("acme", "auth2|nobody", { name: "Ann" }, { outboxEvents: [event("e4")] });
    await users.remove("acme", "auth2|nobody", { outboxEvents: [event("e5")] });
    await users.remove("acme", "auth2|a", { outboxEvents: [event("e6")] });

    expect(await eventsTold()).toEqual(["e1", "e3", "e6"].map((id) => ({ id, tenant_id: "acme" })));
  });

  it("roll the user back when they are told twice", async () => {
    await users.rawCreate("acme", userOf("auth2|a"), { outboxEvents: [event("e1")] });

    await expect(users.rawCreate("acme", userOf("auth2|b"), { outboxEvents: [event("e1")] })).rejects.toMatchObject({
      status: 409,
    });

    expect(await users.get("acme", "auth2|b")).toBeNull();
  });

  it("go back with the transaction they are part of", async () => {
    const work = fresh.store.transaction(async (inside) => {
      await createUsers(inside).rawCreate("acme", userOf("auth2|a"), { outboxEvents: [event("e1")] });
      throw new Error("changed my mind");
    });

    await expect(work).rejects.toThrow("changed my mind");
    expect(await users.get("acme", "auth2|a")).toBeNull();
    expect(await eventsTold()).toEqual([]);
  });
});

describe("removing a user", () => {
  const TABLES_OF_USERS = [
    ["user_activity", {}],
    ["passwords", { id: "1", password: "x", algorithm: "bcrypt", is_current: 1, created_at: 0, updated_at: 0 }],
    ["authentication_methods", { id: "1", type: "totp", created_at: 0, updated_at: 0 }],
    ["user_roles", { role_id: "r", created_at: 0 }],
    ["user_permissions", { resource_server_identifier: "api", permission_name: "p", created_at: 0 }],
    ["user_organizations", { id: "1", organization_id: "o", created_at: 0, updated_at: 0 }],
    ["grants", { id: "1", clientID: "c", scope: "[]" }],
  ] as const;

  it("takes along the accounts linked to it and all that is theirs, and nobody else's", async () => {
    await create("auth2|a");
    await create("google|b", { linked_to: "auth2|a" });
    await create("auth2|z");
    for (const [table, row] of TABLES_OF_USERS) {
      for (const user_id of ["auth2|a", "google|b", "auth2|z"]) {
        const own = "id" in row ? { ...row, id: `${row.id} ${user_id}` } : row;
        await fresh.store.db
          .insertInto(table)
          .values({ tenant_id: "acme", user_id, ...own })
          .execute();
      }
    }

    const removed = await users.remove("acme", "auth2|a");

    expect(removed).toBe(true);
    expect(await idsFor("")).toEqual(["auth2|z"]);
    for (const [table] of TABLES_OF_USERS) {
      const left = await fresh.store.db.selectFrom(table).select("user_id").execute();
      expect(left, table).toEqual([{ user_id: "auth2|z" }]);
    }
  });

  it("reaches every table that names users, but for the logs, which outlive them", async () => {
    const { rows } = await sql<{ name: string }>`
      select m.name from sqlite_master m, pragma_table_info(m.name) c
      where m.type = 'table' and c.name = 'user_id' and m.name not in ('users', 'logs') order by m.name
    `.execute(fresh.store.db);
    const statements: string[] = [];
    const spied = createUsers({
      ...fresh.store,
      batch: (batch) => {
        statements.push(...batch.map((statement) => statement.compile().sql));
        return fresh.store.batch(batch);
      },
    });

    await spied.remove("acme", "auth2|a");

    for (const { name } of rows) {
      expect(
        statements.some((text) => text.startsWith(`delete from "${name}"`)),
        name,
      ).toBe(true);
    }
  });

  it("tells that there was nobody", async () => {
    expect(await users.remove("acme", "auth2|nobody")).toBe(false);
  });
});
