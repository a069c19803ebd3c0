import cluster from "node:cluster";
import { keepImportedKeys } from "../auth/key-imports.ts";
import { type Config, loadConfig, processVariables } from "../config.ts";
import { PlatformError } from "../domain/errors.ts";
import { type Listener, listen } from "../http/listening.ts";
import { serveMetrics } from "../http/metrics-server.ts";
import { createLogger, type Logger } from "../log/logger.ts";
import { createMetrics } from "../metrics/metrics.ts";
import { shareMetrics, sumOfWorkers } from "../metrics/workers.ts";
import { createTraces, isAnybodyTracing } from "../traces/traces.ts";
import { createRowhouse, type Rowhouse, type RowhouseOptions } from "./rowhouse.ts";
import { createSiblings } from "./siblings.ts";
import { STOP_MS, stopped, stoppedAsWorker } from "./stopping.ts";
import { packageVersion } from "./version.ts";
import { startWorkers, tellReady } from "./workers.ts";

/** Whoever runs workers waits a little longer than they may take. */
const STOP_ALL_MS = STOP_MS + 2_000;

/**
 * The service as its programs run it, in one process or several: reads the settings, says where it is, and settles when
 * it has ended.
 */
export async function runService(): Promise<void> {
  const config = loadConfig(processVariables());
  const log = createLogger({ level: config.LOG_LEVEL });
  if (config.WORKERS === 1) await runAlone(config, log);
  else if (cluster.isPrimary) await runWorkers(config, log);
  else await runAsWorker(config, log.with({ pid: process.pid }));
}

async function runAlone(config: Config, log: Logger): Promise<void> {
  const { firstLogin, ended } = await serveHouse(config, log);
  say(firstLogin && process.stdout.isTTY ? firstLogin : `Rowhouse: ${config.ISSUER}\n`);
  await ended;
}

/** Runs the workers. They serve; here are their port and their metrics. */
async function runWorkers(config: Config, log: Logger): Promise<void> {
  const metrics = await scraping(config, sumOfWorkers());
  const workers = await startWorkers(config.WORKERS, log);
  say(`Rowhouse: ${config.ISSUER} (${config.WORKERS} workers)\n`);
  await stopped({ stop: workers.stop, limitMs: STOP_ALL_MS, atOnce: workers.kill });
  metrics?.close();
}

async function runAsWorker(config: Config, log: Logger): Promise<void> {
  const metrics = config.METRICS && createMetrics();
  const { listener, rowhouse } = await openAndListen(shareOf(config), { log, metrics, siblings: createSiblings() });
  if (metrics) shareMetrics(metrics);
  if (rowhouse.firstLogin && process.stdout.isTTY) say(rowhouse.firstLogin);
  tellReady();
  await stoppedAsWorker(closing(listener, rowhouse));
  cluster.worker?.disconnect();
}

export interface Serving extends Pick<Rowhouse, "firstLogin"> {
  /** Settles when Ctrl-C or SIGTERM has ended it and everything is closed. */
  readonly ended: Promise<void>;
}

/** What is done with a house before anybody is let in, and what answers then. */
type Prepare = (house: Pick<Rowhouse, "fetch">) => Promise<Rowhouse["fetch"]>;

/** Opens the house and listens. Throws `conflict` (`port_taken`). */
export async function serveHouse(config: Config, log: Logger, prepare?: Prepare): Promise<Serving> {
  const metrics = config.METRICS && createMetrics();
  const { listener, rowhouse } = await openAndListen(config, { log, metrics }, prepare);
  const close = closing(listener, rowhouse);
  try {
    const scraped = metrics && (await scraping(config, metrics.text));
    const ended = stopped({ stop: close, limitMs: STOP_MS }).then(() => scraped?.close());
    return { firstLogin: rowhouse.firstLogin, ended };
  } catch (error) {
    await close();
    throw error;
  }
}

type Around = Pick<RowhouseOptions, "log" | "metrics" | "siblings">;

async function openAndListen(config: Config, around: Around, prepare?: Prepare) {
  keepImportedKeys();
  const traces = config.TRACES ? tracing(around.log) : undefined;
  const rowhouse = await createRowhouse({ config, ...around, traces });
  const { HOST: host, PORT: port } = config;
  try {
    const answering = prepare ? { fetch: await prepare(rowhouse) } : rowhouse;
    return { rowhouse, listener: await listen(answering, { host, port }).catch(refusalToListen("PORT", port)) };
  } catch (error) {
    await rowhouse.close();
    throw error;
  }
}

function tracing(log: Logger) {
  if (!isAnybodyTracing())
    log.warn("traces.no_sdk", { message: "TRACES is 1, but no SDK is registered: see docs/observability.md" });
  return createTraces(packageVersion());
}

const closing = (listener: Listener, rowhouse: Rowhouse) => async () => {
  await listener.stop();
  await rowhouse.close();
};

/** What all workers have together, each has a part of. */
const shareOf = (config: Config): Config => ({
  ...config,
  POOL_MAX_OPEN: Math.ceil(config.POOL_MAX_OPEN / config.WORKERS),
});

const scraping = async ({ METRICS }: Config, text: () => Promise<string>) =>
  METRICS && (await serveMetrics(METRICS, text).catch(refusalToListen("METRICS", METRICS.port)));

const say = (text: string) => process.stdout.write(text);

const refusalToListen =
  (setting: "PORT" | "METRICS", port: number) =>
  (error: unknown): never => {
    if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) throw error;
    const message = `Port ${port} is taken. Set ${setting} to another, or end the program that has it.`;
    throw new PlatformError("conflict", "port_taken", message, { cause: error });
  };
