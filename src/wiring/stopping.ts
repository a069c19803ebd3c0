/** How long what is under way may take to end after a signal. */
export const STOP_MS = 20_000;

interface Stopping {
  /** Lets everything end that has begun. */
  readonly stop: () => Promise<void>;
  readonly limitMs: number;
  /** Called when it has taken too long, or somebody does not want to wait. */
  readonly atOnce?: () => void;
}

/**
 * Settles when Ctrl-C or SIGTERM has ended everything; rejects when that failed. What takes longer than the limit is cut off, by a
 * second signal at once: the program ends with code 1 then.
 */
export async function stopped({ stop, limitMs, atOnce = () => {} }: Stopping): Promise<void> {
  const giveUp = () => {
    atOnce();
    process.exit(1);
  };
  await signalled("SIGINT", "SIGTERM");
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, giveUp);
  setTimeout(giveUp, limitMs).unref();
  await stop();
}

/**
 * The same in a worker. Ctrl-C at a terminal reaches every process of the program; there, only the one that runs the
 * workers says when to end.
 */
export async function stoppedAsWorker(stop: () => Promise<void>): Promise<void> {
  process.on("SIGINT", () => {});
  await signalled("SIGTERM");
  // A service manager may tell it, too.
  process.on("SIGTERM", () => {});
  setTimeout(() => process.exit(1), STOP_MS).unref();
  await stop();
}

const signalled = (...signals: readonly NodeJS.Signals[]): Promise<void> =>
  new Promise((resolve) => {
    for (const signal of signals) process.once(signal, () => resolve());
  });
