import type { Lifecycle, Resumed } from "../../provisioning/lifecycle.ts";
import type { Logger } from "../log/logger.ts";

/** Back-off begins at a second, and a purge may be a few seconds late. */
const EVERY_MS = 5_000;

/** Goes on with what was interrupted, at once and then by schedule, until it is stopped; purges what is due. */
export function startOperations({ resumeAll, work, idle }: Lifecycle, log: Logger): { stop(): Promise<void> } {
  let running: Promise<void> | undefined;

  const attempt = async (pass: () => Promise<readonly Resumed[]>) => {
    try {
      for (const { tenantId, kind, error } of await pass()) {
        if (error !== undefined) log.warn("operation.failed", { tenant: tenantId, kind, error });
      }
    } catch (error) {
      // The registry could not be asked; it is asked again.
      log.error("operations.failed", { error });
    }
  };
  const run = (pass: () => Promise<readonly Resumed[]>) => {
    running ??= attempt(pass).finally(() => {
      running = undefined;
    });
  };

  // Not waited for: a provider that is slow or away must not keep other tenants from being served.
  run(resumeAll);
  const timer = setInterval(() => run(work), EVERY_MS);

  return {
    async stop() {
      clearInterval(timer);
      await running;
      // What requests have left behind, too.
      await idle();
    },
  };
}
