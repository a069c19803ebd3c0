import type { CodesAdapter, DataAdapters, PasswordsAdapter, User, UserInsert } from "@authhero/adapter-interfaces";
import type { Clock } from "../domain/clock.ts";
import { plainId } from "../domain/ids.ts";
import { rowsOf } from "../domain/pages.ts";
import { currentContext } from "./context.ts";

/** Who signs in with a password has one of these, as AuthHero looks them up. */
const PASSWORD_PROVIDERS = new Set(["auth2", "auth0"]);

/** More accounts of one address than this are no person's. */
const ACCOUNTS_MAX = 10;

/**
 * Makes AuthHero's password resets safe. As it comes, the six digits from anybody's mail open everybody's account, may be
 * guessed for ever, and asking for a new password makes an account where there was none.
 *
 * - A code counts only in the login it was made for and as long as it says, and may be tried ten times in a quarter of an hour.
 * - Nobody is made up, and nobody is mailed to: the answer is the same. Ten mails in a quarter of an hour reach one address.
 * - A new password ends the sessions and refresh tokens of its user, and every other link to choose one.
 */
export function soundPasswordResets(adapters: DataAdapters, clock: Clock): DataAdapters {
  const { users, codes, passwords } = adapters;
  // What AuthHero calls: its own `users.create`, which runs a tenant's hooks, ends in it.
  const rawCreate: typeof users.rawCreate = (tenantId, user, options) => {
    const context = currentContext();
    if (context?.password !== "forgotten") return users.rawCreate(tenantId, user, options);
    context.isForNobody = true;
    return Promise.resolve(nobody(user, clock));
  };
  return {
    ...adapters,
    users: { ...users, rawCreate },
    codes: { ...codes, ...boundCodes(adapters, clock) },
    passwords: { ...passwords, create: endingLogins(adapters, clock) },
    transaction: (work) => adapters.transaction((inside) => work(soundPasswordResets(inside, clock))),
  };
}

/** As if the account had been made. */
function nobody(user: UserInsert, clock: Clock): User {
  const now = clock().toISOString();
  const made = { user_id: `${user.provider}|${plainId()}`, login_count: 0, created_at: now, updated_at: now };
  return { ...made, ...user } as User;
}

function boundCodes(adapters: DataAdapters, clock: Clock): Pick<CodesAdapter, "create" | "get"> {
  const { codes, loginSessions } = adapters;
  const allowed = async (key: string) => (await adapters.rateLimit?.consume("brute-force", key))?.allowed !== false;
  return {
    async create(tenantId, code) {
      const context = currentContext();
      if (code.code_type !== "password_reset" || !context) return codes.create(tenantId, code);
      const login = await loginSessions.get(tenantId, code.login_id);
      const email = login?.authParams.username ?? "";
      if (!(await allowed(`password_mail:${tenantId}:${email.toLowerCase()}`))) context.isForNobody = true;
      if (context.isForNobody) return { ...code, created_at: clock().toISOString() };
      const user_id = await accountOf(adapters, tenantId, email);
      return codes.create(tenantId, { ...code, ...(user_id && { user_id }) });
    },

    async get(tenantId, id, type) {
      if (type !== "password_reset") return codes.get(tenantId, id, type);
      const state = currentContext()?.loginState;
      // Counted before it is looked at, so that guesses at the same time count, too.
      if (!state || !(await allowed(`password_reset:${tenantId}:${state}`))) return null;
      const code = await codes.get(tenantId, id, type);
      const isValid = code?.login_id === state && Date.parse(code.expires_at) > clock().getTime();
      return isValid ? code : null;
    },
  };
}

/** The account that a password for the address would open. */
async function accountOf({ users }: DataAdapters, tenantId: string, email: string): Promise<string | undefined> {
  const q = `email:${quoted(email.toLowerCase())}`;
  const found = await users.list(tenantId, { q, per_page: ACCOUNTS_MAX });
  return found.users.find(({ provider }) => PASSWORD_PROVIDERS.has(provider))?.user_id;
}

function endingLogins(adapters: DataAdapters, clock: Clock): PasswordsAdapter["create"] {
  return async (tenantId, input, options) => {
    const created = await adapters.passwords.create(tenantId, input, options);
    const context = currentContext();
    // A hash of another system is replaced when its owner signs in; nobody has chosen a new password then.
    if (context && context.password !== "checked") await endLogins(adapters, tenantId, input.user_id, clock);
    return created;
  };
}

/** Whoever had the old password, or a link to choose a new one, has nothing any more. */
async function endLogins(adapters: DataAdapters, tenantId: string, userId: string, clock: Clock): Promise<void> {
  const revokedAt = clock().toISOString();
  // Sessions are the first account's when accounts are linked.
  const linkedTo = (await adapters.users.get(tenantId, userId))?.linked_to;
  for (const id of linkedTo ? [userId, linkedTo] : [userId]) {
    const q = `user_id:${quoted(id)}`;
    await spendLinks(adapters, tenantId, q);
    await endSessions(adapters, tenantId, q, revokedAt);
  }
}

async function spendLinks({ codes }: DataAdapters, tenantId: string, q: string): Promise<void> {
  for await (const code of rowsOf(async (page) => (await codes.list(tenantId, { ...page, q })).codes)) {
    if (code.code_type === "password_reset" && !code.used_at) await codes.consume(tenantId, code.code_id);
  }
}

async function endSessions(adapters: DataAdapters, tenantId: string, q: string, revoked_at: string): Promise<void> {
  const { sessions, refreshTokens } = adapters;
  const logins = new Set<string>();
  for await (const session of rowsOf(async (page) => (await sessions.list(tenantId, { ...page, q })).sessions)) {
    logins.add(session.login_session_id);
    if (!session.revoked_at) await sessions.update(tenantId, session.id, { revoked_at });
  }
  for await (const token of rowsOf(
    async (page) => (await refreshTokens.list(tenantId, { ...page, q })).refresh_tokens,
  )) {
    logins.add(token.login_id);
  }
  for (const login of logins) await refreshTokens.revokeByLoginSession(tenantId, login, revoked_at);
}

const quoted = (value: string) => `"${value.replace(/[\\"]/g, "\\$&")}"`;
