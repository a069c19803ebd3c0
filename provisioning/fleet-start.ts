import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../src/log/logger.ts";
import type { Fleet, FleetJob } from "./fleet.ts";
import { LEASE_MS } from "./operation-rows.ts";

export interface RunningJob {
  /** Settles when it is over, halted, failed or stopped. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Runs a job behind the requests until it is over or stopped. What another process is at is asked about again. */
export function startFleetJob(fleet: Fleet, job: FleetJob, log: Logger): RunningJob {
  const stopping = new AbortController();
  const { signal } = stopping;
  const work = async () => {
    try {
      while (!signal.aborted && !(await fleet.run({ ...job, signal }))) {
        // It may have died with its lease; then the lease ends by itself.
        await sleep(LEASE_MS, undefined, { signal, ref: false }).catch(() => {});
      }
    } catch (error) {
      // The next start goes on with it.
      log.error("fleet.failed", { kind: job.kind, error });
    }
  };
  const ended = work();

  return {
    ended,

    async stop() {
      stopping.abort();
      await ended;
    },
  };
}
