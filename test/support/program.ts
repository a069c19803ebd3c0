import type { ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** A start takes two seconds, and many times that on a machine that is busy with other tests. */
const READY_MS = 240_000;

/** What a program prints, from now on. */
export function collect(child: ChildProcess): () => string {
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      printed += chunk.toString();
    });
  }
  return () => printed;
}

/** Waits until a program answers `/healthz`; kills one that does not, and throws what it has printed. */
export async function ready(name: string, port: number, child: ChildProcess, printed: () => string): Promise<void> {
  const deadline = Date.now() + READY_MS;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`${name} ended with code ${child.exitCode}:\n${printed()}`);
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => null);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill("SIGKILL");
  throw new Error(`${name} was not ready in time:\n${printed()}`);
}

/**
 * A port that nobody listens on. It is drawn from below those that the kernel gives to outgoing connections: one of
 * those could take it before a server listens there.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < PORT_ATTEMPTS_MAX; attempt += 1) {
    const port = randomInt(PORTS_FROM, PORTS_UNTIL);
    if (await isFree(port)) return port;
  }
  throw new Error(`No free port was found between ${PORTS_FROM} and ${PORTS_UNTIL}`);
}

const PORT_ATTEMPTS_MAX = 100;
const PORTS_FROM = 12_000;
const PORTS_UNTIL = 32_000;

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  const isListening = await once(server, "listening").then(
    () => true,
    () => false,
  );
  if (isListening) await once(server.close(), "close");
  return isListening;
}
