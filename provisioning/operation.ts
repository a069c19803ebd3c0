import type { Journal } from "./journal.ts";

/** One repeatable unit of work. A crash between `run` and the journal entry runs it again. */
export interface Step<C> {
  /** Stored, so never renamed. */
  readonly name: string;
  run(context: C): Promise<void>;
}

/**
 * Runs the steps that earlier attempts did not finish, in order. The first failure is recorded and thrown:
 * nothing is undone, what was made is kept, and the next attempt resumes here.
 */
export async function execute<C>(
  steps: readonly Step<C>[],
  context: C,
  journal: Pick<Journal, "finishedSteps" | "recordDone" | "recordFailed" | "finish">,
  operationId: string,
): Promise<void> {
  const finished = await journal.finishedSteps(operationId);
  for (const step of steps) {
    if (finished.has(step.name)) continue;
    try {
      await step.run(context);
    } catch (error) {
      // A journal that cannot be written says "running" still, which is resumed as well.
      await journal.recordFailed(operationId, step.name, error).catch(() => {});
      throw error;
    }
    await journal.recordDone(operationId, step.name);
  }
  await journal.finish(operationId, "done");
}
