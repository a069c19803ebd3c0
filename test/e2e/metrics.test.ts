import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, it } from "vitest";
import { METRICS } from "../../src/metrics/table.ts";
import { api, createTenant, managementToken } from "../support/clients.ts";
import { freePort } from "../support/program.ts";
import { numberIn } from "../support/prometheus.ts";
import { type RunningServer, startServer } from "../support/server.ts";

let server: RunningServer;
let port: number;
beforeAll(async () => {
  port = await freePort();
  server = await startServer({ env: { METRICS: String(port) } });
});
afterAll(() => server.remove());

const scrape = async () => (await fetch(`http://127.0.0.1:${port}/metrics`)).text();

it("count what has happened: requests, databases, operations, tenants", async () => {
  const token = await managementToken(server);
  await createTenant(server, token, "acme");
  await fetch(`http://acme.localhost:${server.port}/authorize?client_id=none`);
  await api(server, "no-token", "/users");

  const text = await scrape();

  const requests = 'rowhouse_http_requests_total{route="tenants",method="POST",status="201"}';
  expect(numberIn(text, requests)).toBe(1);
  expect(numberIn(text, 'rowhouse_http_requests_total{route="management",method="GET",status="401"}')).toBe(1);
  expect(numberIn(text, 'rowhouse_http_request_duration_seconds_count{route="authorize",method="GET"}')).toBe(1);
  expect(numberIn(text, "rowhouse_http_requests_running")).toBe(0);
  expect(numberIn(text, 'rowhouse_operation_attempts_total{kind="provision",outcome="done"}')).toBe(1);
  expect(numberIn(text, 'rowhouse_tenants{state="ready"}')).toBe(1);
  expect(numberIn(text, "rowhouse_processes")).toBe(1);
  expect(numberIn(text, "rowhouse_registry_up")).toBe(1);
  expect(numberIn(text, "rowhouse_pool_places")).toBe(200);
  expect(numberIn(text, "rowhouse_pool_open")).toBe(1);
  expect(numberIn(text, "rowhouse_pool_refused_total")).toBe(0);
  for (const provider of ["file", "control-plane"]) {
    const trips = `rowhouse_database_duration_seconds_count{provider="${provider}",call="query",outcome="ok"}`;
    expect(numberIn(text, trips), trips).toBeGreaterThan(0);
  }
  const made = 'rowhouse_provider_duration_seconds_count{provider="file",call="ensure",outcome="ok"}';
  expect(numberIn(text, made)).toBeGreaterThan(0);
  expect(text).not.toContain("acme");
});

it("count what the outbox has delivered", async () => {
  const token = await managementToken(server);
  const delivered = async () => numberIn(await scrape(), 'rowhouse_outbox_events_total{outcome="delivered"}') ?? 0;
  const before = await delivered();

  await api(server, token, "/roles", { method: "POST", body: JSON.stringify({ name: "Editor" }) });

  await expect.poll(delivered, { timeout: 30_000 }).toBeGreaterThan(before);
});

it("are the ones of the table, and what the page and the dashboard name is among them", async () => {
  const text = await scrape();
  const served = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
  const namesIn = (path: string) => {
    const names = readFileSync(path, "utf8").match(/\b(?:rowhouse|process|nodejs)_[a-z0-9_]+/g) ?? [];
    return new Set(names.map((name) => name.replace(/_(?:bucket|count|sum)$/, "")));
  };

  expect([...served].filter((name) => name?.startsWith("rowhouse_")).toSorted()).toEqual(
    Object.keys(METRICS).toSorted(),
  );
  for (const path of ["docs/observability.md", "ops/grafana/rowhouse.json"]) {
    const named = namesIn(path);
    expect(named.size).toBeGreaterThan(20);
    expect(
      [...named].filter((name) => !served.has(name)),
      path,
    ).toEqual([]);
  }
});

it("are not served beside everybody's requests, and nothing else is beside them", async () => {
  for (const host of ["localhost", "127.0.0.1"]) {
    const answer = await fetch(`http://${host}:${server.port}/metrics`);
    expect(answer.status).toBe(404);
    expect(await answer.text()).not.toContain("rowhouse_");
  }
  expect((await fetch(`http://127.0.0.1:${port}/api/v2/users`)).status).toBe(404);
  expect((await fetch(`http://127.0.0.1:${port}/metrics`, { method: "POST" })).status).toBe(405);
});
