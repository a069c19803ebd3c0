import { once } from "node:events";
import { serve } from "@hono/node-server";
import { keepImportedKeys } from "../auth/key-imports.ts";
import { type Config, loadConfig, processVariables } from "../config.ts";
import { PlatformError } from "../domain/errors.ts";
import { type MetricsServer, serveMetrics } from "../http/metrics-server.ts";
import { createLogger, type Logger } from "../log/logger.ts";
import { createMetrics } from "../metrics/metrics.ts";
import { createRowhouse, type Rowhouse } from "./rowhouse.ts";

/** How long requests under way may take to end after a signal. */
const STOP_MS = 20_000;

/**
 * Bytes of a request's headers. A token with every scope of the Management API takes 16 KB, as much as Node lets all of them
 * have by itself.
 */
const HEADERS_MAX = 32_768;

/** The service as its programs run it: reads the settings, says where it is, and settles when it has ended. */
export async function runService(): Promise<void> {
  const config = loadConfig(processVariables());
  const { firstLogin, ended } = await serveHouse(config, createLogger({ level: config.LOG_LEVEL }));
  process.stdout.write(firstLogin && process.stdout.isTTY ? firstLogin : `Rowhouse: ${config.ISSUER}\n`);
  await ended;
}

export interface Serving extends Pick<Rowhouse, "firstLogin" | "fetch"> {
  /** Settles when Ctrl-C or SIGTERM has ended it and everything is closed. */
  readonly ended: Promise<void>;
}

/** Opens the house and listens. Throws `conflict` (`port_taken`). */
export async function serveHouse(config: Config, log: Logger): Promise<Serving> {
  keepImportedKeys();
  const metrics = config.METRICS && createMetrics();
  const rowhouse = await createRowhouse({ config, log, metrics });
  const server = serve({
    ...{ fetch: rowhouse.fetch, hostname: config.HOST, port: config.PORT },
    serverOptions: { maxHeaderSize: HEADERS_MAX },
  });
  let scraped: MetricsServer | undefined;
  try {
    await once(server, "listening").catch(refusalToListen("PORT", config.PORT));
    if (config.METRICS && metrics) {
      const { METRICS } = config;
      scraped = await serveMetrics(METRICS, metrics.text).catch(refusalToListen("METRICS", METRICS.port));
    }
  } catch (error) {
    server.close();
    await rowhouse.close();
    throw error;
  }

  const stop = async () => {
    // A request that never ends, must not keep the process for ever.
    setTimeout(() => process.exit(1), STOP_MS).unref();
    await new Promise((resolve) => server.close(resolve));
    await rowhouse.close();
    scraped?.close();
  };
  return { firstLogin: rowhouse.firstLogin, fetch: rowhouse.fetch, ended: signalled().then(stop) };
}

const signalled = () =>
  new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });

const refusalToListen =
  (setting: "PORT" | "METRICS", port: number) =>
  (error: unknown): never => {
    if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) throw error;
    const message = `Port ${port} is taken. Set ${setting} to another, or end the program that has it.`;
    throw new PlatformError("conflict", "port_taken", message, { cause: error });
  };
