import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { openFile } from "../../src/db/native.ts";
import { createMetrics } from "../../src/metrics/metrics.ts";
import { openInProcess } from "../support/in-process.ts";
import { numberIn } from "../support/prometheus.ts";
import { sqldMissing, startSqld } from "../support/sqld.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** A clock that can be set forward; everything that looks at it sees a later time. */
function settableClock() {
  let aheadMs = 0;
  return {
    now: () => new Date(Date.now() + aheadMs),
    forward(ms: number) {
      aheadMs += ms;
    },
  };
}

async function openHouse(...args: Parameters<typeof openInProcess>) {
  const house = await openInProcess(...args);
  closing.push(() => house.close());
  return house;
}

const readiness = async ({ send }: Awaited<ReturnType<typeof openInProcess>>) => {
  // Whoever probes names an address, and not a host of ours.
  const answer = await send("10.1.2.3:3000", "/readyz");
  const body = (await answer.json()) as { status: string; checks: object };
  expect(answer.status).toBe(body.status === "unavailable" ? 503 : 200);
  return body;
};

it("is given when the control plane answers, its schema is ours, and the others are heard", async () => {
  const house = await openHouse();

  expect(await readiness(house)).toEqual({
    status: "ok",
    checks: { control_plane: "ok", migrations: "ok", background: "ok" },
  });
});

it("is refused when newer code has changed the schema", async () => {
  const clock = settableClock();
  const house = await openHouse({}, { clock: clock.now });
  const database = await openFile(join(house.directory, "control-plane.db"));
  const row = "insert into schema_migrations values ('shared', '9999_future', 'x', 1, '2030-01-01')";
  await database.batch([{ sql: row, parameters: [] }]);
  await database.close();
  clock.forward(1_000);

  expect(await readiness(house)).toMatchObject({ status: "unavailable", checks: { migrations: "too_new" } });
});

it.skipIf(sqldMissing)(
  "is given for an hour while the control plane is away, as degraded, and its numbers are missing",
  async () => {
    const server = await startSqld([], { namespaces: false });
    closing.push(server.stop);
    const clock = settableClock();
    const metrics = createMetrics();
    const env = { CONTROL_PLANE_DATABASE_URL: server.url, ENCRYPTION_KEY: "0a".repeat(32) };
    const house = await openHouse(env, { clock: clock.now, metrics });
    expect(await readiness(house)).toMatchObject({ status: "ok" });
    const before = await metrics.text();
    expect(before).toMatch(/^rowhouse_processes 1$/m);
    expect(before).toMatch(/^rowhouse_control_plane_away_seconds 0$/m);

    await server.stop();
    clock.forward(11_000);

    const checks = { control_plane: "unreachable", migrations: "unknown", background: "waiting" };
    expect(await readiness(house)).toEqual({ status: "degraded", checks });
    clock.forward(60_000);
    const text = await metrics.text();
    expect(numberIn(text, "rowhouse_control_plane_away_seconds")).toBeGreaterThanOrEqual(60);
    expect(text).toMatch(/^rowhouse_registry_up 0$/m);
    expect(text).not.toMatch(/^rowhouse_(?:processes|tenants|sync_tenants_behind)\b/m);

    clock.forward(3_600_000);
    expect(await readiness(house)).toEqual({ status: "unavailable", checks });
  },
);
