import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { openFile } from "../../src/db/native.ts";
import { api, createTenant, managementToken } from "../support/clients.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { until } from "./street.ts";

const running: RunningServer[] = [];
const start = async (...options: Parameters<typeof startServer>) => {
  const server = await startServer(...options);
  running.push(server);
  return server;
};
afterEach(async () => {
  for (const server of running.splice(0).reverse()) await server.remove();
});

const TENANTS = ["acme", "beta", "gamma"];

async function inControlPlane({ directory }: RunningServer, sql: string) {
  const database = await openFile(join(directory, "control-plane.db"));
  const [result] = await database.batch([{ sql, parameters: [] }]);
  await database.close();
  return result?.rows ?? [];
}

/** A stopped service with three tenants whose databases count as an older release's. */
async function olderHouse() {
  const server = await start();
  const token = await managementToken(server);
  for (const id of TENANTS) await createTenant(server, token, id);
  await server.stop();
  const [placement] = await inControlPlane(server, "select schema_version from rh_placements where tenant_id = 'acme'");
  await inControlPlane(server, "update rh_placements set schema_version = 'older' where schema_version is not null");
  return { server, token, current: placement?.schema_version };
}

const versionsIn = async (server: RunningServer) => {
  const rows = await inControlPlane(server, "select tenant_id, schema_version from rh_placements");
  return Object.fromEntries(rows.map(({ tenant_id, schema_version }) => [tenant_id, schema_version]));
};

const isOver = (server: RunningServer) => async () =>
  (await inControlPlane(server, "select 1 from rh_fleet_jobs where kind = 'migrate' and state != 'running'")).length >
  0;

describe("a service that starts with tenants of an older release", () => {
  it("migrates them behind the requests, and says so once per wave", async () => {
    const { server, current } = await olderHouse();

    const { directory, port } = server;
    const newer = await start({ directory, port, env: { LOG_LEVEL: "info" } });
    await until(isOver(newer));

    expect(await versionsIn(newer)).toMatchObject({ acme: current, beta: current, gamma: current });
    expect(await inControlPlane(newer, "select state from rh_fleet_jobs where kind = 'migrate'")).toEqual([
      { state: "done" },
    ]);
    await newer.stop();
    const lines = newer.output().split("\n");
    expect(lines.filter((line) => /"event":"fleet\.wave"/.test(line) && /"kind":"migrate"/.test(line))).toHaveLength(3);
  });

  it("halts at a broken canary, and migrates the others when they are asked for", async () => {
    const { server, token, current } = await olderHouse();
    const [acme] = await inControlPlane(server, "select database from rh_placements where tenant_id = 'acme'");
    rmSync(join(server.directory, "tenants", `${acme?.database}.db`));

    const newer = await start({ directory: server.directory, port: server.port });
    await until(isOver(newer));
    const answer = await api(newer, token, "/clients", { headers: { "tenant-id": "beta" } });

    expect(answer.status).toBe(200);
    expect(await versionsIn(newer)).toMatchObject({ acme: "older", beta: current });
    expect(await inControlPlane(newer, "select state, reason from rh_fleet_jobs where kind = 'migrate'")).toEqual([
      { state: "halted", reason: "canary_failed" },
    ]);
    await newer.stop();
    expect(newer.output()).toMatch(/"event":"fleet\.halted"/);
  });
});
