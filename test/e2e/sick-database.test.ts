import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  type Application,
  api,
  createTenant,
  discover,
  furnish,
  logIn,
  managementOf,
  managementToken,
} from "../support/clients.ts";
import { type Line, startLine } from "../support/line.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { type Sqld, sqldMissing, startSqld } from "../support/sqld.ts";

const adminKey = "k".repeat(32);
const CROWD = 60;

const configurationOf = ({ issuer, clientId, clientSecret }: Application) => discover(issuer, clientId, clientSecret);

describe.skipIf(sqldMissing)("a tenant whose database on a libSQL server is ill", () => {
  let sqld: Sqld;
  let line: Line;
  let server: RunningServer;
  let token: string;
  let sick: Application;
  let well: Application;
  let accessToken: string;
  let database: string;

  beforeAll(async () => {
    sqld = await startSqld([], { adminKey });
    line = await startLine(sqld.url);
    server = await startServer({
      env: {
        PROVIDER: "libsql-server",
        LIBSQL_SERVER_URL: line.url,
        LIBSQL_SERVER_ADMIN_URL: sqld.adminUrl,
        LIBSQL_SERVER_ADMIN_KEY: adminKey,
        ENCRYPTION_KEY: "0a".repeat(32),
        POOL_MAX_OPEN: "3",
      },
    });
    token = await managementToken(server);
    for (const id of ["sick", "well"]) await createTenant(server, token, id);
    sick = await furnish(server, token, "sick");
    well = await furnish(server, token, "well");
    const { tokens } = await logIn(sick, await configurationOf(sick));
    accessToken = tokens.access_token;
    const shown = await api(server, token, "/tenants/sick/database");
    database = ((await shown.json()) as { name: string }).name;
  });
  afterEach(() => line.heal());
  afterAll(async () => {
    await server?.remove();
    await line?.stop();
    await sqld?.stop();
  });

  const visits = () => {
    const { issuer, redirectUri } = sick;
    const query = new URLSearchParams({ client_id: "default", response_type: "code", scope: "openid", state: "s" });
    const client = { client_id: sick.clientId, client_secret: sick.clientSecret };
    const code = new URLSearchParams({
      grant_type: "authorization_code",
      code: "c",
      redirect_uri: redirectUri,
      ...client,
    });
    return [
      () => fetch(`${issuer}userinfo`, { headers: { authorization: `Bearer ${accessToken}` } }),
      () => fetch(`${issuer}authorize?${query}&redirect_uri=${redirectUri}`, { redirect: "manual" }),
      () => fetch(`${issuer}oauth/token`, { method: "POST", body: code }),
      () => api(server, token, "/users", { headers: { "tenant-id": "sick" } }),
    ];
  };

  /** Many at once of all kinds, and the answers so far. */
  function crowd() {
    const answers: Response[] = [];
    const all = Array.from({ length: CROWD }, async (_, index) => {
      const answer = await visits()[index % 4]?.();
      if (answer) answers.push(answer);
    });
    return { answers, settled: () => Promise.all(all).then(() => answers) };
  }

  const logInWell = async () => {
    const { tokens } = await logIn(well, await configurationOf(well));
    expect(tokens.claims()?.email).toBe(well.email);
    expect(await managementOf(server, token, "well").users.list()).toMatchObject({ data: [{ email: well.email }] });
  };

  const expectUnavailable = (answers: readonly Response[]) => {
    expect(answers).toHaveLength(CROWD);
    for (const { status, headers } of answers) expect([status, headers.get("retry-after")]).toEqual([503, "1"]);
  };

  /** Whoever asks again after a moment gets in. */
  const recovered = async () => {
    for (;;) {
      const answer = await visits()[0]?.();
      if (answer?.status === 200) break;
      expect(answer?.status).toBe(503);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const { tokens } = await logIn(sick, await configurationOf(sick));
    expect(tokens.claims()?.email).toBe(sick.email);
  };

  it("is unavailable in its time when it never answers; its neighbours log in while all of that hangs", async () => {
    line.infect(database, "silent");
    const requests = crowd();
    while (line.held() === 0) await new Promise((resolve) => setTimeout(resolve, 5));

    await logInWell();
    expect(requests.answers).toEqual([]);

    expectUnavailable(await requests.settled());
    line.heal();
    await recovered();
  });

  it("is only slow when it is slow, and its neighbours are not", async () => {
    line.infect(database, "slow");
    const requests = crowd();
    while (line.held() === 0) await new Promise((resolve) => setTimeout(resolve, 5));

    await logInWell();
    expect(requests.answers).toEqual([]);
    line.heal();

    for (const { status } of await requests.settled()) expect(status).toBeLessThan(500);
  });

  it("is unavailable when its connections are cut, and then spared, while its neighbours log in", async () => {
    line.infect(database, "cut");

    expectUnavailable(await crowd().settled());
    await logInWell();

    // Each caller would have asked twice and more; most have not asked at all.
    expect(line.met()).toBeLessThan(CROWD);
    line.heal();
    await recovered();
  });
});
