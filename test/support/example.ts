import { spawn } from "node:child_process";
import { once } from "node:events";
import { collect, ready } from "./program.ts";

/** An example that serves, on the sources. */
export interface StartedExample {
  stop(): Promise<void>;
}

/** Starts an example on a port and waits until it answers `/healthz`. */
export async function startExample(
  example: string,
  port: number,
  env: Readonly<Record<string, string>>,
): Promise<StartedExample> {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, ["--import", "tsx", `examples/${example}`], {
    env: { PATH, HOME, PORT: String(port), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  await ready(example, port, child, collect(child));
  return {
    async stop() {
      child.kill("SIGTERM");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}
