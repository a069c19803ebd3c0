import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTenant, managementToken } from "../support/clients.ts";
import { freePort } from "../support/program.ts";
import { numberIn } from "../support/prometheus.ts";
import { type RunningServer, startServer } from "../support/server.ts";

const STARTS_MS = 300_000;

/** Which processes are a server's workers, Linux tells. */
describe.skipIf(process.platform !== "linux")("metrics of several workers", () => {
  let server: RunningServer;
  let port: number;
  let token: string;
  beforeAll(async () => {
    port = await freePort();
    server = await startServer({ env: { METRICS: String(port), WORKERS: "2", LOG_LEVEL: "debug" } });
    token = await managementToken(server);
  }, STARTS_MS);
  afterAll(() => server.remove());

  const workers = () => readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, "utf8").trim().split(" ");
  const scrape = () => fetch(`http://127.0.0.1:${port}/metrics`);

  /** Sends requests, each on a connection of its own, until every worker has answered some; answers how many. */
  async function reachAll(path: string): Promise<number> {
    const from = server.output().length;
    const isReached = (pid: string) =>
      new RegExp(`"pid":${pid},.*"route":"userinfo".*request.answered`).test(server.output().slice(from));
    for (let sent = 1; ; sent += 1) {
      await fetch(`${server.issuer}${path}`, { headers: { connection: "close" } }).then((answer) => answer.text());
      if (workers().every(isReached)) return sent;
    }
  }

  it("are added up, but for what all of them read at the same place", { timeout: STARTS_MS }, async () => {
    await createTenant(server, token, "acme");
    const sent = await reachAll("userinfo");

    const text = await (await scrape()).text();

    expect(numberIn(text, 'rowhouse_http_request_duration_seconds_count{route="userinfo",method="GET"}')).toBe(sent);
    expect(numberIn(text, 'rowhouse_operation_attempts_total{kind="provision",outcome="done"}')).toBe(1);
    expect(numberIn(text, "rowhouse_http_requests_running")).toBe(0);
    expect(numberIn(text, "rowhouse_pool_places")).toBe(200);
    expect(numberIn(text, 'rowhouse_tenants{state="ready"}')).toBe(1);
    expect(numberIn(text, "rowhouse_processes")).toBe(2);
    expect(numberIn(text, "rowhouse_registry_up")).toBe(1);
    // As of one process: each series once.
    const series = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    const names = series.map((line) => line.slice(0, line.lastIndexOf(" ")));
    expect(names.length).toBe(new Set(names).size);
  });

  it("are answered again when one has died and another is in its place", { timeout: STARTS_MS }, async () => {
    const [killed = ""] = workers();

    process.kill(Number(killed), "SIGKILL");

    await expect.poll(() => workers().includes(killed), { timeout: 60_000 }).toBe(false);
    const places = async () => {
      const answer = await scrape();
      return answer.ok ? numberIn(await answer.text(), "rowhouse_pool_places") : answer.status;
    };
    await expect.poll(places, { timeout: 120_000 }).toBe(200);
  });
});
