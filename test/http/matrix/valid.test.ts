import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MANAGEMENT_API_AUDIENCE } from "../../../src/auth/management-api.ts";
import { type HouseInProcess, openInProcess } from "../../support/in-process.ts";
import { type Mint, minting } from "../../support/minting.ts";
import { type ManagementRoute, managementRoutes, nameOf } from "./routes.ts";
import type { Visit } from "./visit.ts";
import { UNAVAILABLE, VISITS } from "./visits.ts";
import { leaveBehind, makeTeam, walkIn } from "./walk.ts";

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
let walk: ReturnType<typeof walkIn>;

beforeAll(async () => {
  house = await openInProcess({ DEV_MAILBOX: "1" }, { resolveTxt: () => Promise.resolve([]) });
  token = await house.machineToken();
  routes = new Map((await managementRoutes(house)).map((route) => [nameOf(route), route]));
  await house.made("/tenants", { token, json: { id: TENANT, friendly_name: "Acme" } });
  mint = await minting(house.directory, CONTROL_PLANE);
  walk = walkIn(TENANT, token);
  team = await makeTeam(house, token, TENANT, walk.things);
  const [file = ""] = readdirSync(join(house.directory, "tenants")).filter((name) => /^t-\w+-1\.db$/.test(name));
  await leaveBehind(join(house.directory, "tenants", file), TENANT, walk.things);
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
      const asked = walk.requestOf(visit);
      const { path } = asked;
      const init = visit.asTeam ? { ...asked.init, token: await tokenWithout([], visit) } : asked.init;
      const route = routes.get(visit.route);
      const poor = route && route.scopes.length > 0 ? await tokenWithout(route.scopes, visit) : undefined;
      const refused = poor && (await house.api(path, { ...init, token: poor }));
      if (refused && refused.status !== 403)
        off.push([visit.route, "without scope", refused.status, await refused.text()]);

      const answer = await house.api(path, init);
      const text = await answer.text();
      if (answer.ok) walk.keep(visit, text);
      else off.push([visit.route, answer.status, text]);
      if (init.method !== "GET") continue;
      const head = await house.api(path, { ...init, method: "HEAD" });
      if (head.status !== answer.status || (await head.text()) !== "") off.push([visit.route, "HEAD", head.status]);
    }
    expect(off).toEqual([]);
  });

  it.each(Object.entries(UNAVAILABLE))("is refused where nothing could do it: %s", async (name, { status, json }) => {
    const { path, init } = walk.requestOf({ route: name, json });

    const answer = await house.api(path, init);

    expect({ status: answer.status, body: await answer.json() }).toEqual({
      status,
      body: expect.objectContaining({ statusCode: status, message: expect.stringMatching(/./) }),
    });
  });
});

/** A global administrator's token that has every scope but these; or one of the tenant's team. */
function tokenWithout(scopes: readonly string[], { asTeam }: Pick<Visit, "asTeam">): Promise<string> {
  const all = new Set([...routes.values()].flatMap((route) => route.scopes).concat("admin:organizations"));
  for (const scope of scopes) all.delete(scope);
  const claims = { aud: MANAGEMENT_API_AUDIENCE, iss: house.issuer, ...(asTeam ? team : { sub: "auth2|operator" }) };
  return mint(CONTROL_PLANE, { ...claims, permissions: [...all], scope: [...all].join(" ") });
}
