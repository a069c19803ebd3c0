import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeArguments } from "./compiled.ts";
import { collect, freePort, ready } from "./program.ts";

/** Where a Rowhouse is, and the management client that its first start has made. */
export interface ServerAddress {
  readonly port: number;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** A Rowhouse of one's own: a real process on loopback over a directory that nobody else has. */
export interface RunningServer extends ServerAddress {
  readonly pid: number | undefined;
  readonly directory: string;
  readonly administrator: { readonly username: string; readonly password: string };
  /** Everything the process has printed. */
  output(): string;
  /** Sends it a signal, such as `SIGSTOP`; after `SIGKILL` it is gone when this settles. */
  signal(name: NodeJS.Signals): Promise<void>;
  /** Ends it as Ctrl-C does and answers its exit code; the data stay. */
  stop(): Promise<number | null>;
  /** Ends it if need be, and removes its data. */
  remove(): Promise<void>;
}

export interface ServerOptions {
  /** Data that are there already: a later start. */
  readonly directory?: string;
  readonly port?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the program of `npm start` and waits until it answers `/healthz`. */
export async function startServer(options: ServerOptions = {}): Promise<RunningServer> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), "rowhouse-"));
  const port = options.port ?? (await freePort());
  const child = launch(port, directory, options.env);
  const printed = collect(child);
  await ready("The server", port, child, printed);
  const login = readFirstLogin(directory);
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      // One that was stopped hears nothing before it goes on.
      child.kill("SIGCONT");
      child.kill("SIGINT");
      await once(child, "exit");
    }
    return child.exitCode;
  };
  return {
    port,
    pid: child.pid,
    directory,
    issuer: `http://localhost:${port}/`,
    ...login,
    output: printed,
    async signal(name) {
      const exit = name === "SIGKILL" ? once(child, "exit") : undefined;
      child.kill(name);
      await exit;
    },
    stop,
    async remove() {
      await stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Starts the program where it is expected to refuse, and answers how it ended. */
export async function startExpectingRefusal(env: Readonly<Record<string, string>>) {
  const child = launch(Number(env.PORT ?? 0), env.DATA_DIR ?? join(tmpdir(), "rowhouse-refused"), env);
  const printed = collect(child);
  const [code] = (await once(child, "exit")) as [number | null];
  return { code, output: printed() };
}

function launch(port: number, directory: string, env: Readonly<Record<string, string>> = {}): ChildProcess {
  // WORKERS=2 runs the same tests against several processes behind one port.
  const { PATH, HOME, WORKERS } = process.env;
  return spawn(process.execPath, nodeArguments("src/server.ts"), {
    env: { PATH, HOME, WORKERS, PORT: String(port), DATA_DIR: directory, LOG_LEVEL: "warn", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function readFirstLogin(directory: string) {
  const text = readFileSync(join(directory, "first-login.txt"), "utf8");
  const value = (name: string) => {
    const found = new RegExp(`^${name}: (.+)$`, "m").exec(text)?.[1];
    if (!found) throw new Error(`first-login.txt names no ${name}`);
    return found.trim();
  };
  return {
    clientId: value("client id"),
    clientSecret: value("client secret"),
    administrator: { username: value("administrator"), password: value("password") },
  };
}
