import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MANAGEMENT_API_AUDIENCE, managementScopes } from "../../../src/auth/management-api.ts";
import { type ApiInit, type HouseInProcess, openInProcess } from "../../support/in-process.ts";
import { minting } from "../../support/minting.ts";
import { type ManagementRoute, managementRoutes, nameOf } from "./routes.ts";
import { type Asker, OPEN, type Verdict, verdictOf } from "./rules.ts";

/** Hundreds of requests, on a machine that may have other things to do. */
const COLUMN_MS = 300_000;

const CONTROL_PLANE = "control_plane";
const SCOPES = [...managementScopes().map(({ value }) => value), "suspend:tenants", "auth:read", "auth:write"];
const LIFECYCLE_ONLY = ["admin:organizations"];

let house: HouseInProcess;
let routes: readonly ManagementRoute[];
const tokens: Record<string, string | undefined> = {};

beforeAll(async () => {
  house = await openInProcess();
  routes = await managementRoutes(house);
  const real = await house.machineToken();
  for (const id of ["acme", "beta"]) await house.made("/tenants", { token: real, json: { id, friendly_name: id } });
  const all = await house.made<{ id: string; name: string }[]>("/organizations", { token: real });
  const org_id = all.find(({ name }) => name === "acme")?.id;
  const [member, left] = await Promise.all(
    ["member", "left"].map(async (name) => {
      const json = {
        connection: "Username-Password-Authentication",
        email: `${name}@example.com`,
        password: "Corr3ct-h0rse!",
      };
      const { user_id } = await house.made<{ user_id: string }>("/users", { token: real, json });
      return user_id;
    }),
  );
  await house.made(`/organizations/${org_id}/members`, { token: real, json: { members: [member, left] } });
  await house.made(`/organizations/${org_id}/members`, { method: "DELETE", token: real, json: { members: [left] } });

  const mint = await minting(house.directory, CONTROL_PLANE);
  const rights = (without: readonly string[] = []) => {
    const permissions = SCOPES.filter((scope) => !without.includes(scope));
    return { aud: MANAGEMENT_API_AUDIENCE, iss: house.issuer, permissions, scope: permissions.join(" ") };
  };
  const ofAcme = { ...rights(), iss: house.issuer.replace("//", "//acme."), sub: "auth2|acmes" };
  const ofTeam = { ...rights(), org_id, org_name: "acme" };
  const day = 24 * 3_600;
  Object.assign(tokens, {
    garbage: "garbage",
    expired: await mint(CONTROL_PLANE, { ...rights(), sub: "auth2|x" }, day),
    "wrong audience": await mint(CONTROL_PLANE, { ...rights(), aud: "https://api.example/", sub: "auth2|x" }),
    child: await mint("acme", ofAcme),
    forged: await mint("acme", { ...ofAcme, tenant_id: CONTROL_PLANE, iss: house.issuer }),
    team: await mint(CONTROL_PLANE, { ...ofTeam, sub: member }),
    "team with another's name": await mint(CONTROL_PLANE, { ...ofTeam, org_name: "beta", sub: member }),
    "team of an earlier life": await mint(CONTROL_PLANE, { ...ofTeam, sub: member }, 1_800),
    "removed member": await mint(CONTROL_PLANE, { ...ofTeam, sub: left }),
    "machine without grant": await mint(CONTROL_PLANE, { ...ofTeam, sub: "rowhouse-management" }),
    clerk: await mint(CONTROL_PLANE, { ...rights(LIFECYCLE_ONLY), sub: "auth2|clerk" }),
    operator: await mint(CONTROL_PLANE, { ...rights(), sub: "auth2|operator" }),
    "real operator": real,
  });
});
afterAll(() => house?.close());

/** A column: the token, how the request says whom it is for, and what stands in place of `{id}` of a tenant. */
interface Column extends Asker {
  readonly token: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly at?: string;
  readonly id: string;
}

const NOBODY = { holder: "nobody", tenant: "own", id: "acme" } as const;
const OWN = { tenant: "own", id: "acme" } as const;
const FOREIGN = { tenant: "foreign", id: "beta" } as const;
const AT_HOME = { tenant: "control plane", id: CONTROL_PLANE } as const;
// Where everything is allowed, the tenant is one that is not there: 404 is as far as it gets.
const ANYWHERE = { id: "nobody" } as const;
const named = (tenantId: string) => ({ headers: { "tenant-id": tenantId } });

const COLUMNS: Readonly<Record<string, Column>> = {
  "no token": { token: undefined, ...NOBODY },
  "no token, on a tenant's host": { token: undefined, at: "acme", ...NOBODY },
  garbage: { token: "garbage", ...NOBODY },
  "an expired token": { token: "expired", ...NOBODY },
  "a tenant's token on its own host": { token: "child", holder: "tenant", at: "acme", ...OWN },
  "a tenant's token on another's host": { token: "child", holder: "tenant", at: "beta", ...FOREIGN },
  "a tenant's token with another's header": { token: "child", holder: "tenant", ...named("beta"), ...FOREIGN },
  "a tenant's token on the control plane": { token: "child", holder: "tenant", ...AT_HOME },
  "a tenant's token that claims to be the control plane's": { token: "forged", ...NOBODY },
  "the same on its own host": { token: "forged", at: "acme", ...NOBODY },
  "a team's token, which says no more": { token: "team", holder: "team", ...OWN },
  "a team's token with its tenant's header": { token: "team", holder: "team", ...named("acme"), ...OWN },
  "a team's token on its tenant's host": { token: "team", holder: "team", at: "acme", ...OWN },
  "a team's token with another's tenant-id": { token: "team", holder: "team", ...named("beta"), ...FOREIGN },
  "a team's token with another's x-tenant-id": {
    ...{ token: "team", holder: "team", headers: { "x-tenant-id": "beta" } },
    ...FOREIGN,
  },
  "a team's token on another's host": { token: "team", holder: "team", at: "beta", ...FOREIGN },
  "a team's token with another's header and its own tenant in the path": {
    ...{ token: "team", holder: "team", ...named("beta"), ...FOREIGN },
    ...{ id: "beta" },
  },
  "a team's token that bears another's name": {
    ...{ token: "team with another's name", holder: "team", ...named("beta") },
    ...FOREIGN,
  },
  "a team's token for a tenant that is not there": {
    ...{ token: "team", holder: "team", ...named("nobody") },
    ...{ tenant: "foreign", id: "nobody" },
  },
  "a team's token for the control plane": { token: "team", holder: "team", ...named(CONTROL_PLANE), ...AT_HOME },
  "a team's token of an earlier life": {
    ...{ token: "team of an earlier life", holder: "former team", ...named("acme"), ...OWN },
  },
  "a removed member's token": { token: "removed member", holder: "former team", ...OWN },
  "a machine's token without a grant": { token: "machine without grant", holder: "former team", ...OWN },
  "a control-plane token of no organization, in a tenant": {
    ...{ token: "clerk", holder: "clerk", ...named("acme"), ...OWN },
  },
  "the same on a tenant's host": { token: "clerk", holder: "clerk", at: "acme", ...OWN },
  "the same on the control plane": { token: "clerk", holder: "clerk", ...AT_HOME },
  "an operator's token on a tenant's host": {
    ...{ token: "operator", holder: "operator", at: "acme", tenant: "own" },
    ...ANYWHERE,
  },
  "a real operator's token in a tenant": {
    ...{ token: "real operator", holder: "operator", ...named("acme"), tenant: "own" },
    ...ANYWHERE,
  },
  "an operator's token on the control plane": {
    ...{ token: "operator", holder: "operator", tenant: "control plane" },
    ...ANYWHERE,
  },
};

/** Says no word about what it is asked for, so that nothing is changed by whoever may. */
function requestOf({ method, path }: ManagementRoute, { id, token, headers, at }: Column): [string, ApiInit] {
  const isTenants = path.startsWith("/tenants/{");
  const filled = path.replace("{id}", isTenants ? id : "{id}").replace(/\{\w+\}/g, "nothing");
  const hasBody = !["GET", "HEAD", "DELETE"].includes(method);
  return [
    // A team may delete its own tenant; here it asks in a way that is refused for what it says.
    isTenants && method === "DELETE" ? `${filled}?purge=perhaps` : filled,
    {
      method,
      token: token === undefined ? undefined : tokens[token],
      ...(headers && { headers }),
      ...(at !== undefined && { at }),
      ...(hasBody && { json: {} }),
    },
  ];
}

/** What is not there says so on purpose, with 501. */
function verdictIn(status: number): Verdict | number {
  if (status === 401 || status === 403) return status;
  return status < 500 || status === 501 ? "passed" : status;
}

describe("the matrix of routes and tokens", () => {
  it("is about every route of the app, and knows those that ask for no token by name", () => {
    expect(routes.length).toBeGreaterThan(300);
    const unguarded = routes.filter(({ scopes, isDescribed }) => !isDescribed || scopes.length === 0);
    expect(unguarded.map(nameOf).filter((name) => !OPEN.includes(name))).toEqual([]);
  });

  it("has one scope for each route of ours", () => {
    const ours = routes.filter(({ path }) => /^\/(?:tenants|operations)(?:\/|$)/.test(path));

    expect(ours.length).toBeGreaterThan(15);
    expect(ours.filter(({ scopes }) => scopes.length !== 1).map(nameOf)).toEqual([]);
  });

  it.each(Object.keys(COLUMNS))(
    "answers by the rules to %s",
    async (name) => {
      const column = COLUMNS[name] as Column;
      const off: unknown[] = [];
      for (const route of inOrder(routes)) {
        const answer = await house.api(...requestOf(route, column));
        const expected = verdictOf(route, column);
        if (verdictIn(answer.status) === expected) continue;
        off.push([nameOf(route), answer.status, expected, await answer.text()]);
      }
      expect(off).toEqual([]);
    },
    COLUMN_MS,
  );
});

/** Whatever changes the keys of a tenant comes last. */
const inOrder = (all: readonly ManagementRoute[]) =>
  [...all].sort((a, b) => Number(a.path.startsWith("/keys")) - Number(b.path.startsWith("/keys")));
