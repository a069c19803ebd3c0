import { fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type RunningServer, startServer } from "../../test/support/server.ts";

/** A server in a process of its own, on loopback. */
export interface Server {
  readonly port: number;
  /** Resident memory of its process, in MiB (Linux). */
  memoryMiB(): number;
  stop(): Promise<unknown>;
}

/** Ours, as `npm start` runs it, over a directory's data. */
export async function startOurs(
  directory: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Server & RunningServer> {
  const server = await startServer({ directory, env: { LOG_LEVEL: "error", ...env } });
  const kill = () => void server.signal("SIGKILL");
  process.once("exit", kill);
  return {
    ...server,
    memoryMiB: () => residentMiB(server.pid),
    async stop() {
      process.off("exit", kill);
      return await server.stop();
    },
  };
}

/** A baseline of `bench/servers`, by its file's name; it is told the directory and tells its port. */
export async function startBaseline(name: string, directory: string): Promise<Server> {
  const child = fork(join(import.meta.dirname, "..", "servers", `${name}.ts`), [directory], {
    execArgv: ["--import", "tsx"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const port = await Promise.race([
    once(child, "message").then(([told]) => Number(told)),
    once(child, "exit").then(([code]) => {
      throw new Error(`the server ${name} ended with code ${code}`);
    }),
  ]);
  return {
    port,
    memoryMiB: () => residentMiB(child.pid),
    async stop() {
      // It ends when nobody is there to talk to any more, whatever becomes of us.
      child.disconnect();
      if (child.exitCode === null) await once(child, "exit");
    },
  };
}

function residentMiB(pid: number | undefined): number {
  const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(found) / 1_024;
}
