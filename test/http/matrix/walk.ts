import { openFile } from "../../../src/db/native.ts";
import { createDataAdapters } from "../../../src/entities/adapters.ts";
import { createStore } from "../../../src/entities/store.ts";
import type { ApiInit, callerOf } from "../../support/in-process.ts";
import type { Visit } from "./visit.ts";

/** What requests have made, and what people's logins leave behind, by the names that visits call it. */
export type Things = Map<string, unknown>;

type Caller = Pick<ReturnType<typeof callerOf>, "made">;

/** Turns visits into requests of an operator for one tenant, and keeps what they make for those that come later. */
export function walkIn(tenantId: string, token: string) {
  const things: Things = new Map();
  const named = (name: string): string => (name.startsWith("=") ? name.slice(1) : String(things.get(name)));
  const filledIn = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(filledIn);
    if (typeof value !== "object" || value === null) return value;
    if ("kept" in value) return things.get(String(value.kept));
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, filledIn(member)]));
  };

  return {
    things,

    requestOf(visit: Visit): { readonly path: string; readonly init: ApiInit } {
      const [method = "", path = ""] = visit.route.split(" ");
      const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
        encodeURIComponent(named(visit.with?.[name] ?? "=none")),
      );
      return {
        path: visit.query ? `${filled}?${visit.query}` : filled,
        init: {
          method,
          token,
          headers: visit.atControlPlane ? {} : { "tenant-id": tenantId },
          ...(visit.json !== undefined && { json: filledIn(visit.json) }),
          ...(visit.text !== undefined && { text: named(visit.text) }),
        },
      };
    },

    keep({ keep: wanted = {} }: Visit, text: string): void {
      for (const [name, path] of Object.entries(wanted)) {
        things.set(name, path === "" ? text : memberOf(JSON.parse(text), path));
      }
    },
  };
}

const memberOf = (value: unknown, path: string): unknown =>
  path
    .split("/")
    .reduce((at, step) => (typeof at === "object" && at !== null ? Reflect.get(at, step) : undefined), value);

/** Somebody in the tenant's team, and somebody and a role who are not yet in it. */
export async function makeTeam({ made }: Caller, token: string, tenantId: string, things: Things): Promise<object> {
  const connection = "Username-Password-Authentication";
  const person = (email: string) =>
    made<{ user_id: string }>("/users", { token, json: { connection, email, password: "Corr3ct-h0rse!" } });
  const [{ user_id: sub }, { user_id: guest }] = [await person("team@example.com"), await person("guest@example.com")];
  const organizations = await made<{ id: string; name: string }[]>("/organizations", { token });
  const org_id = organizations.find(({ name }) => name === tenantId)?.id;
  await made(`/organizations/${org_id}/members`, { token, json: { members: [sub] } });
  const { id: role } = await made<{ id: string }>("/roles", { token, json: { name: "Guest" } });
  things.set("guest", guest).set("team role", role);
  return { sub, org_id, org_name: tenantId };
}

/** What only people's logins make, put straight into the tenant's file. */
export async function leaveBehind(file: string, tenantId: string, things: Things): Promise<void> {
  const database = await openFile(file);
  const data = createDataAdapters(createStore(database, { clock: () => new Date() }));
  const now = new Date();
  const expires_at = new Date(now.getTime() + 3_600_000).toISOString();
  const device = {
    last_ip: "",
    initial_ip: "",
    last_user_agent: "",
    initial_user_agent: "",
    initial_asn: "",
    last_asn: "",
  };
  const person = { user_id: "auth2|ann", device, expires_at };

  const login = { csrf_token: "c", authParams: { client_id: "c" }, expires_at };
  const { id: login_session_id } = await data.loginSessions.create(tenantId, login);
  const session = await data.sessions.create(tenantId, { id: "s", ...person, login_session_id, clients: ["c"] });
  const refresh = {
    id: "r",
    ...person,
    client_id: "c",
    login_id: login_session_id,
    resource_servers: [],
    rotating: false,
  };
  const consent = await data.grants?.create(tenantId, {
    user_id: person.user_id,
    clientID: "c",
    audience: "a",
    scope: [],
  });
  const at = { created_at: now.toISOString(), updated_at: now.toISOString() };
  await data.actionExecutions.create(tenantId, {
    id: "x",
    trigger_id: "post-login",
    status: "final",
    results: [],
    ...at,
  });
  const event = await data.outbox?.create(tenantId, {
    tenant_id: tenantId,
    event_type: "user.login",
    log_type: "s",
    category: "system",
    actor: { type: "system" },
    target: { type: "user", id: person.user_id },
    request: { method: "POST", path: "/", ip: "127.0.0.1" },
    hostname: "localhost",
    timestamp: now.toISOString(),
  });
  await data.outbox?.deadLetter(event ?? "", "nobody was there");
  things.set("session", session.id).set("refresh token", (await data.refreshTokens.create(tenantId, refresh)).id);
  things.set("consent", consent?.id).set("execution", "x").set("event", event);
  await database.close();
}
