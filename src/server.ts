import { serve } from "@hono/node-server";
import { keepImportedKeys } from "./auth/key-imports.ts";
import { loadConfig, processVariables } from "./config.ts";
import { PlatformError } from "./domain/errors.ts";
import { createLogger } from "./log/logger.ts";
import { createRowhouse } from "./wiring/rowhouse.ts";

/** How long requests under way may take to end after a signal. */
const STOP_MS = 20_000;

/** `npm start`: reads the settings, opens the house, listens, and closes everything on Ctrl-C or SIGTERM. */
async function main(): Promise<void> {
  const config = loadConfig(processVariables());
  const log = createLogger({ level: config.LOG_LEVEL });
  keepImportedKeys();
  const rowhouse = await createRowhouse({ config, log });
  const server = serve({ fetch: rowhouse.fetch, hostname: config.HOST, port: config.PORT }, () => {
    say(rowhouse.firstLogin && process.stdout.isTTY ? rowhouse.firstLogin : `Rowhouse: ${config.ISSUER}\n`);
  });
  server.on("error", (error) => fail(refusalToListen(error, config.PORT)));

  const stop = async () => {
    // A request that never ends, must not keep the process for ever.
    setTimeout(() => process.exit(1), STOP_MS).unref();
    await new Promise((resolve) => server.close(resolve));
    await rowhouse.close();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void stop().catch(fail));
}

const say = (text: string) => process.stdout.write(text);

function refusalToListen(error: Error, port: number): Error {
  if (!("code" in error) || error.code !== "EADDRINUSE") return error;
  const message = `Port ${port} is taken. Set PORT to another, or end the program that has it.`;
  return new PlatformError("conflict", "port_taken", message, { cause: error });
}

/** What went wrong, for the person at the terminal: a message where we have one, never a stack of our own errors. */
function fail(error: unknown): never {
  const text = error instanceof PlatformError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${text}\n`);
  process.exit(1);
}

main().catch(fail);
