import type { Identity, User } from "@authhero/adapter-interfaces";
import { type SqlBool, sql } from "kysely";
import { objectIn } from "../domain/json.ts";
import { rarely } from "./rarely.ts";

const FIELDS = [
  "user_id",
  "connection",
  "provider",
  "is_social",
  "email",
  "email_verified",
  "phone_number",
  "phone_verified",
  "username",
  "profileData",
] as const;

type Account = Pick<User, (typeof FIELDS)[number]>;

/**
 * The users linked to the one a row of `users` is about, oldest first, as a JSON array of rows. The order stands in a
 * subquery because a libSQL server's parser knows none inside an aggregate; SQLite keeps it for json_group_array.
 */
export const linkedUsers = sql<string>`(
  select json_group_array(json_object(${sql.raw(FIELDS.map((field) => `'${field}', "${field}"`).join(", "))}))
  from (
    select * from users as linked
    where linked.tenant_id = users.tenant_id and ${rarely(sql<SqlBool>`linked.linked_to = users.user_id`)}
    order by linked.created_at, linked.user_id
  )
)`.as("linked");

/** The identities of a user: the account itself, then the linked ones, which carry their profile. */
export const identitiesOf = (user: Account, linked: readonly Account[]): Identity[] => [
  identityOf(user),
  ...linked.map((account) => ({ ...identityOf(account), profileData: profileOf(account) })),
];

function identityOf(account: Account): Identity {
  const { connection, provider, is_social, email, email_verified, phone_number, phone_verified, username } = account;
  const known = { email, email_verified, phone_number, phone_verified, username };
  return {
    connection,
    provider,
    user_id: idWithinProvider(account.user_id),
    isSocial: is_social,
    ...(withoutUndefined(known) as Partial<typeof known>),
  };
}

/** What follows the first pipe. An id without one is shown whole: one odd user must not hide all the others. */
function idWithinProvider(userId: string): string {
  return userId.slice(userId.indexOf("|") + 1) || userId;
}

function profileOf({ email, email_verified, profileData }: Account): Identity["profileData"] {
  return { ...withoutUndefined({ email, email_verified }), ...parsedObject(profileData) };
}

/** The contract lets callers store any text here; what is no JSON object adds nothing. */
const parsedObject = (text: string | undefined): object => objectIn(text ?? "{}") ?? {};

function withoutUndefined(values: Readonly<Record<string, unknown>>): object {
  const defined: Record<string, unknown> = {};
  for (const field in values) if (values[field] !== undefined) defined[field] = values[field];
  return defined;
}
