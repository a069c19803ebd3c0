import cluster, { type Worker } from "node:cluster";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../log/logger.ts";
import { passOn } from "./siblings.ts";

/** A worker that dies is replaced at once; one that dies again and again is given more time each time. */
const BACK_OFF_MS = 100;
const BACK_OFF_MS_MAX = 10_000;

/** Who has lived for so long was well. */
const WELL_MS = 60_000;

/** How a worker says that it serves. */
const READY = "ready";

export interface Workers {
  /** Lets every worker end what it has begun, and settles when the last is gone. */
  stop(): Promise<void>;
  /** Ends them at once. */
  kill(): void;
}

/**
 * Runs this program in several processes behind one port, and replaces those that die. Each is a process of its own at
 * the control plane: this one only watches over them. Settles when all of them serve; throws when one ends before it
 * has ever served, which another try would not change.
 */
export async function startWorkers(count: number, log: Logger): Promise<Workers> {
  // Each worker takes connections from the kernel itself. Where the primary deals them out in turn, Node's default, one on
  // its way to a worker that is killed is neither served nor closed, and its client waits for ever.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  let isStopping = false;

  /** Settles when it serves; from then on it is replaced. */
  const first = async () => {
    const worker = cluster.fork();
    if (!(await isServing(worker))) throw new Error("A worker has ended before it served");
    void keep(worker);
  };

  const keep = async (begun: Worker) => {
    let worker = begun;
    for (let deaths = 0; ; deaths += 1) {
      const since = performance.now();
      await gone(worker);
      if (isStopping) return;
      if (performance.now() - since > WELL_MS) deaths = 0;
      const { exitCode, signalCode } = worker.process;
      // One that was told to end, by whomever, has ended well.
      if (exitCode !== 0) log.error("worker.died", { pid: worker.process.pid, exitCode, signalCode });
      await sleep(Math.min(BACK_OFF_MS * 2 ** deaths, BACK_OFF_MS_MAX));
      if (isStopping) return;
      worker = cluster.fork();
    }
  };

  const living = () => Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
  const kill = () => {
    isStopping = true;
    for (const worker of living()) worker.process.kill("SIGKILL");
  };

  passOn(living);
  try {
    await Promise.all(Array.from({ length: count }, first));
  } catch (error) {
    kill();
    throw error;
  }

  return {
    kill,
    async stop() {
      isStopping = true;
      const ended = living().map(gone);
      for (const worker of living()) worker.process.kill("SIGTERM");
      await Promise.all(ended);
    },
  };
}

const gone = (worker: Worker): Promise<void> =>
  new Promise((resolve) => {
    if (worker.isDead()) resolve();
    else worker.once("exit", () => resolve());
  });

/** In a worker: tells that it serves. */
export function tellReady(): void {
  if (cluster.isWorker) process.send?.(READY);
}

/** False when it has ended before. */
async function isServing(worker: Worker): Promise<boolean> {
  return await new Promise((resolve) => {
    worker.on("message", (message) => message === READY && resolve(true));
    worker.once("exit", () => resolve(false));
  });
}
