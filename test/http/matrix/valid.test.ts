import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MANAGEMENT_API_AUDIENCE } from "../../../src/auth/management-api.ts";
import { openFile } from "../../../src/db/native.ts";
import { createDataAdapters } from "../../../src/entities/adapters.ts";
import { createStore } from "../../../src/entities/store.ts";
import { type ApiInit, type HouseInProcess, openInProcess } from "../../support/in-process.ts";
import { type Mint, minting } from "../../support/minting.ts";
import { type ManagementRoute, managementRoutes, nameOf } from "./routes.ts";
import type { Visit } from "./visit.ts";
import { UNAVAILABLE, VISITS } from "./visits.ts";

/** Some three hundred requests, on a machine that may have other things to do. */
const WALK_MS = 300_000;

const TENANT = "acme";
const CONTROL_PLANE = "control_plane";

let house: HouseInProcess;
let token: string;
let mint: Mint;
/** What a token of the tenant's team says. */
let team: object;
let routes: ReadonlyMap<string, ManagementRoute>;
/** What requests have made, and what people's logins leave behind. */
const things = new Map<string, unknown>();

beforeAll(async () => {
  house = await openInProcess({ DEV_MAILBOX: "1" }, { resolveTxt: () => Promise.resolve([]) });
  token = await house.machineToken();
  routes = new Map((await managementRoutes(house)).map((route) => [nameOf(route), route]));
  await house.made("/tenants", { token, json: { id: TENANT, friendly_name: "Acme" } });
  mint = await minting(house.directory, CONTROL_PLANE);
  team = await makeTeam();
  await leaveBehind(house.directory);
});
afterAll(() => house?.close());

describe("a valid request", () => {
  it("is known for every route", () => {
    const known = new Set([...VISITS.map(({ route }) => route), ...Object.keys(UNAVAILABLE)]);

    const asked = [...routes.values()].filter(({ method }) => method !== "HEAD").map(nameOf);
    expect(asked.filter((name) => !known.has(name))).toEqual([]);
    expect([...known].filter((name) => !routes.has(name))).toEqual([]);
  });

  it("succeeds with the route's scope, as HEAD too, and is 403 with all scopes but that", {
    timeout: WALK_MS,
  }, async () => {
    const off: unknown[] = [];
    for (const visit of VISITS) {
      const asked = requestOf(visit);
      const { path } = asked;
      const init = visit.asTeam ? { ...asked.init, token: await tokenWithout([], visit) } : asked.init;
      const route = routes.get(visit.route);
      const poor = route && route.scopes.length > 0 ? await tokenWithout(route.scopes, visit) : undefined;
      const refused = poor && (await house.api(path, { ...init, token: poor }));
      if (refused && refused.status !== 403)
        off.push([visit.route, "without scope", refused.status, await refused.text()]);

      const answer = await house.api(path, init);
      const text = await answer.text();
      if (answer.ok) keep(visit, text);
      else off.push([visit.route, answer.status, text]);
      if (init.method !== "GET") continue;
      const head = await house.api(path, { ...init, method: "HEAD" });
      if (head.status !== answer.status || (await head.text()) !== "") off.push([visit.route, "HEAD", head.status]);
    }
    expect(off).toEqual([]);
  });

  it.each(Object.entries(UNAVAILABLE))("is refused where nothing could do it: %s", async (name, { status, json }) => {
    const { path, init } = requestOf({ route: name, json });

    const answer = await house.api(path, init);

    expect({ status: answer.status, body: await answer.json() }).toEqual({
      status,
      body: expect.objectContaining({ statusCode: status, message: expect.stringMatching(/./) }),
    });
  });
});

/** Somebody in the tenant's team, and somebody and a role who are not yet in it. */
async function makeTeam(): Promise<object> {
  const connection = "Username-Password-Authentication";
  const person = (email: string) =>
    house.made<{ user_id: string }>("/users", { token, json: { connection, email, password: "Corr3ct-h0rse!" } });
  const [{ user_id: sub }, { user_id: guest }] = [await person("team@example.com"), await person("guest@example.com")];
  const organizations = await house.made<{ id: string; name: string }[]>("/organizations", { token });
  const org_id = organizations.find(({ name }) => name === TENANT)?.id;
  await house.made(`/organizations/${org_id}/members`, { token, json: { members: [sub] } });
  const { id: role } = await house.made<{ id: string }>("/roles", { token, json: { name: "Guest" } });
  things.set("guest", guest).set("team role", role);
  return { sub, org_id, org_name: TENANT };
}

/** A global administrator's token that has every scope but these; or one of the tenant's team. */
function tokenWithout(scopes: readonly string[], { asTeam }: Pick<Visit, "asTeam">): Promise<string> {
  const all = new Set([...routes.values()].flatMap((route) => route.scopes).concat("admin:organizations"));
  for (const scope of scopes) all.delete(scope);
  const claims = { aud: MANAGEMENT_API_AUDIENCE, iss: house.issuer, ...(asTeam ? team : { sub: "auth2|operator" }) };
  return mint(CONTROL_PLANE, { ...claims, permissions: [...all], scope: [...all].join(" ") });
}

function requestOf(visit: Visit): { path: string; init: ApiInit } {
  const [method = "", path = ""] = visit.route.split(" ");
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(named(visit.with?.[name] ?? "=none")),
  );
  return {
    path: visit.query ? `${filled}?${visit.query}` : filled,
    init: {
      method,
      token,
      headers: visit.atControlPlane ? {} : { "tenant-id": TENANT },
      ...(visit.json !== undefined && { json: filledIn(visit.json) }),
      ...(visit.text !== undefined && { text: named(visit.text) }),
    },
  };
}

const named = (name: string): string => (name.startsWith("=") ? name.slice(1) : String(things.get(name)));

function filledIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(filledIn);
  if (typeof value !== "object" || value === null) return value;
  if ("kept" in value) return things.get(String(value.kept));
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, filledIn(member)]));
}

function keep({ keep: wanted = {} }: Visit, text: string): void {
  for (const [name, path] of Object.entries(wanted))
    things.set(name, path === "" ? text : memberOf(JSON.parse(text), path));
}

const memberOf = (value: unknown, path: string): unknown =>
  path
    .split("/")
    .reduce((at, step) => (typeof at === "object" && at !== null ? Reflect.get(at, step) : undefined), value);

/** What only people's logins make, put straight into the tenant's file. */
async function leaveBehind(directory: string): Promise<void> {
  const tenants = join(directory, "tenants");
  const [file = ""] = readdirSync(tenants).filter((name) => /^t-\w+-1\.db$/.test(name));
  const database = await openFile(join(tenants, file));
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
  const { id: login_session_id } = await data.loginSessions.create(TENANT, login);
  const session = await data.sessions.create(TENANT, { id: "s", ...person, login_session_id, clients: ["c"] });
  const refresh = {
    id: "r",
    ...person,
    client_id: "c",
    login_id: login_session_id,
    resource_servers: [],
    rotating: false,
  };
  const consent = await data.grants?.create(TENANT, {
    user_id: person.user_id,
    clientID: "c",
    audience: "a",
    scope: [],
  });
  const at = { created_at: now.toISOString(), updated_at: now.toISOString() };
  await data.actionExecutions.create(TENANT, {
    id: "x",
    trigger_id: "post-login",
    status: "final",
    results: [],
    ...at,
  });
  const event = await data.outbox?.create(TENANT, {
    tenant_id: TENANT,
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
  things.set("session", session.id).set("refresh token", (await data.refreshTokens.create(TENANT, refresh)).id);
  things.set("consent", consent?.id).set("execution", "x").set("event", event);
  await database.close();
}
