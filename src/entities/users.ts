import type {
  CreateOptions,
  ListParams,
  PasswordInsert,
  User,
  UserActivityUpdate,
  UserDataAdapter,
  UserInsert,
} from "@authhero/adapter-interfaces";
import { type Compilable, type SqlBool, sql } from "kysely";
import { PlatformError } from "../domain/errors.ts";
import { type Column, doc, flag, integer, json, text, time } from "./columns.ts";
import { decoded, insertRow, matching, newRow, ordered, updateOf } from "./crud.ts";
import { type Entity, entity, packed, type Row } from "./entity.ts";
import type { Filters } from "./filter.ts";
import { identitiesOf, linkedUsers } from "./identities.ts";
import { outboxInsert } from "./outbox-insert.ts";
import { type Checkpoint, COUNTERS, isCheckpoint, offsetOf, type Rows, readCheckpoint, readPage } from "./page.ts";
import { newPassword } from "./passwords.ts";
import { nowOf, type Store } from "./store.ts";
import { activityUpsert } from "./user-activity.ts";
import { userRemoval } from "./user-removal.ts";

/** What a reader of users sees but for the identities, which are made of other users' rows. */
type Profile = Omit<User, "identities" | "verify_email">;
type Activity = "last_login" | "last_ip" | "login_count";
type WriteOptions = NonNullable<Parameters<UserDataAdapter["rawCreate"]>[2]>;

/** Lower case, so that one address is one user; an empty one is none, and none is never a duplicate. */
const email: Column<string> = { ...text(), encode: (value) => value.toLowerCase() || null };

const columns: Entity<Omit<Profile, Activity>>["columns"] = {
  user_id: text(),
  email,
  email_verified: flag(),
  username: text(),
  phone_number: text(),
  phone_verified: flag(),
  name: text(),
  given_name: text(),
  family_name: text(),
  nickname: text(),
  picture: text(),
  locale: text(),
  provider: text(),
  connection: text(),
  is_social: flag(),
  blocked: flag(),
  linked_to: text(),
  app_metadata: json(),
  user_metadata: json(),
  profileData: text(),
  registration_completed_at: text(),
  middle_name: doc(),
  preferred_username: doc(),
  profile: doc(),
  website: doc(),
  gender: doc(),
  birthdate: doc(),
  zoneinfo: doc(),
  address: doc(),
  created_at: time(),
  updated_at: time(),
};

// Flags that are never unknown: clearing one makes it false.
const UNSET = { email_verified: false, is_social: false, blocked: false };

/** The `users` table: people, and the accounts linked to them. The id is `provider|id` and always the caller's. */
export const users = entity<Omit<Profile, Activity>, UserInsert>({
  table: "users",
  key: "user_id",
  columns,
  defaults: ({ user_id }) => ({ provider: user_id?.split("|")[0], ...UNSET }),
});

const filters: Filters = {
  fields: {
    user_id: "text",
    email: "text",
    email_verified: "flag",
    username: "text",
    phone_number: "text",
    phone_verified: "flag",
    name: "text",
    given_name: "text",
    family_name: "text",
    nickname: "text",
    picture: "text",
    locale: "text",
    linked_to: "text",
    provider: "text",
    connection: "text",
    is_social: "flag",
    blocked: "flag",
    last_ip: "text",
    last_login: "text",
    login_count: "number",
    created_at: "time",
    updated_at: "time",
  },
  search: { email: "contains", name: "contains", phone_number: "contains", user_id: "exact" },
};

/** Users with their activity: what all reads are about. */
const profiles = entity<Profile>({
  table: "users",
  key: "user_id",
  columns: { ...columns, last_login: text(), last_ip: text(), login_count: integer() },
  absent: () => ({ app_metadata: {}, user_metadata: {}, login_count: 0 }),
  filters,
  sortable: Object.keys(filters.fields) as (keyof Profile)[],
  order: [["created_at", "asc"]],
});

const NEWEST_FIRST: Checkpoint = { by: "created_at", key: "user_id", direction: "desc", strict: true };

/** The `users` adapter. Any duplicate (id, e-mail or user name at one provider) is `conflict` (`unique_violation`). */
export function createUsers(store: Store): UserDataAdapter {
  const create = (tenantId: string, input: UserInsert, options: CreateOptions & WriteOptions = {}) =>
    createUser(store, tenantId, input, options);
  return {
    create,
    rawCreate: create,

    async get(tenantId, userId) {
      const row = await shownRows(profilesOf(store, tenantId)).where("user_id", "=", userId).executeTakeFirst();
      return row ? shown(store, tenantId, row as Row) : null;
    },

    list: (tenantId, params = {}) => listUsers(store, tenantId, params),

    update: (tenantId, userId, patch, options = {}) => updateUser(store, tenantId, userId, patch, options),

    async remove(tenantId, userId, { outboxEvents = [] } = {}) {
      const exists = isThere(tenantId, userId);
      const events = outboxEvents.map((event) => outboxInsert(store, tenantId, event, exists));
      const results = await store.batch([...events, ...userRemoval(store, tenantId, userId)]);
      return (results.at(-1)?.changes ?? 0) > 0;
    },

    async unlink(tenantId, primaryId, provider, linkedId) {
      const { numUpdatedRows } = await store.db
        .updateTable(users.table)
        .set({ linked_to: null, updated_at: Date.parse(nowOf(store)) })
        .where("tenant_id", "=", tenantId)
        .where("user_id", "=", `${provider}|${linkedId}`)
        .where("linked_to", "=", primaryId)
        .executeTakeFirstOrThrow();
      return numUpdatedRows > 0n;
    },
  };
}

/** The user, its activity, its password and the events about it: all or nothing. */
async function createUser(
  store: Store,
  tenantId: string,
  input: UserInsert,
  { outboxEvents = [], ...options }: CreateOptions & WriteOptions,
): Promise<User> {
  const row = newRow(store, users, tenantId, storedFields(input), options);
  const userId = userIdOf(row);
  const activity = activityOf(input);
  const password = input.password && newPassword(store, tenantId, passwordOf(userId, input.password));
  await store.batch([
    insertRow(store, users, row),
    ...(activity ? [activityUpsert(store, tenantId, userId, activity)] : []),
    ...(password?.statements ?? []),
    ...outboxEvents.map((event) => outboxInsert(store, tenantId, event)),
  ]);
  return shown(store, tenantId, { ...row, ...activity });
}

/** What hangs on the user is written only if there is one, because all of it happens in one unit or not at all. */
async function updateUser(
  store: Store,
  tenantId: string,
  userId: string,
  patch: Partial<User>,
  { outboxEvents = [] }: WriteOptions,
): Promise<boolean> {
  const change = updateOf(store, users, tenantId, userId, clearedFlags(storedFields(patch)));
  const activity = activityOf(patch);
  const exists = isThere(tenantId, userId);
  const statements: Compilable[] = [
    ...(activity ? [activityUpsert(store, tenantId, userId, activity, exists)] : []),
    ...outboxEvents.map((event) => outboxInsert(store, tenantId, event, exists)),
  ];
  const [changed] = await store.batch(change ? [change, ...statements] : statements);
  return (changed?.changes ?? 0) > 0;
}

async function listUsers(store: Store, tenantId: string, params: ListParams) {
  const found = matching(profilesOf(store, tenantId), profiles, params.q);
  const show = (row: Row) => shown(store, tenantId, row);
  if (isCheckpoint(params)) {
    // Linked users are only shown inside the users they are linked to: a walk meets every person once.
    const primaries = shownRows(found).where("linked_to", "is", null);
    const { rows, counters } = await readCheckpoint(primaries, NEWEST_FIRST, params);
    return { users: rows.map(show), ...counters };
  }
  const offset = offsetOf(params);
  const page = await readPage(
    ordered(shownRows(found), profiles, params),
    found,
    offset,
    params.include_totals === true,
  );
  return {
    users: page.rows.map(show),
    ...COUNTERS.zeroUnlessAsked({ ...offset, rows: page.rows.length, total: page.total }),
  };
}

/** One tenant's users as rows that know their activity: no row of it counts as no login. */
function profilesOf(store: Store, tenantId: string): Rows {
  const joined = store.db
    .selectFrom("users")
    .leftJoin("user_activity as activity", (join) =>
      join.onRef("activity.tenant_id", "=", "users.tenant_id").onRef("activity.user_id", "=", "users.user_id"),
    )
    .selectAll("users")
    .select(["activity.last_login", "activity.last_ip", sql`coalesce(activity.login_count, 0)`.as("login_count")])
    .where("users.tenant_id", "=", tenantId);
  return store.db.selectFrom(joined.as("users"));
}

const shownRows = (rows: Rows): Rows => rows.select([packed(profiles), linkedUsers]);

/** The contract's user for a row: the accounts linked to it come with the row. */
function shown(store: Store, tenantId: string, row: Row): User {
  const user = decoded(store, profiles, tenantId, row);
  const linked = typeof row.linked === "string" && row.linked !== "[]" ? (JSON.parse(row.linked) as Row[]) : [];
  const accounts = linked.map((account) => decoded(store, profiles, tenantId, account));
  return Object.assign(user, { identities: identitiesOf(user, accounts) });
}

const isThere = (tenantId: string, userId: string) =>
  sql<SqlBool>`exists (select 1 from users where tenant_id = ${tenantId} and user_id = ${userId})`;

/** What the table holds of what callers send: AuthHero passes whole requests and whole users, computed parts and all. */
const storedFields = (user: object) =>
  Object.fromEntries(Object.entries(user).filter(([field]) => Object.hasOwn(columns, field)));

function userIdOf({ user_id }: Row): string {
  if (typeof user_id === "string" && user_id !== "") return user_id;
  throw new PlatformError("invalid", "user_id_missing", "A user needs a user_id: provider|id");
}

/** The part of a user that is kept apart, or null when it says nothing about it. */
function activityOf({ last_login, last_ip, login_count }: UserActivityUpdate): UserActivityUpdate | null {
  const given = Object.entries({ last_login, last_ip, login_count }).filter(([, value]) => value !== undefined);
  return given.length > 0 ? Object.fromEntries(given) : null;
}

const clearedFlags = (patch: object) =>
  Object.fromEntries(
    Object.entries(patch).map(([field, value]) => [
      field,
      value === null && Object.hasOwn(UNSET, field) ? false : value,
    ]),
  );

/** The contract says only that an algorithm is text here; which ones there are is checked where hashes are compared. */
const passwordOf = (user_id: string, { hash, algorithm }: { hash: string; algorithm: string }): PasswordInsert => ({
  user_id,
  password: hash,
  algorithm: algorithm as PasswordInsert["algorithm"],
  is_current: true,
});
