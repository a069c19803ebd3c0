interface Run {
  readonly tenantId: string;
  readonly ended: Promise<void>;
}

/** The operations that run in this process. A second run of one joins the first. */
export function createRuns() {
  // In the order of their beginning.
  const running = new Map<string, Run>();

  return {
    run(operationId: string, tenantId: string, work: () => Promise<void>): Promise<void> {
      const joined = running.get(operationId);
      if (joined) return joined.ended;
      const ended = work().finally(() => running.delete(operationId));
      // Whoever waits for it learns how it ended; nobody has to.
      ended.catch(() => {});
      running.set(operationId, { tenantId, ended });
      return ended;
    },

    find: (operationId: string): Promise<void> | undefined => running.get(operationId)?.ended,

    /** Settles when everything of the tenant that began before the operation has ended, however it did. */
    async earlier(operationId: string, tenantId: string): Promise<void> {
      const before: Promise<void>[] = [];
      for (const [id, run] of running) {
        // Those behind it wait for it, so it must not wait for them.
        if (id === operationId) break;
        if (run.tenantId === tenantId) before.push(run.ended);
      }
      await Promise.allSettled(before);
    },

    /** Settles when nothing runs any more. */
    async idle(): Promise<void> {
      while (running.size > 0) await Promise.allSettled([...running.values()].map(({ ended }) => ended));
    },
  };
}
