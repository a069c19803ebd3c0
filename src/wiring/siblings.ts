import cluster, { type Worker } from "node:cluster";
import { within } from "../domain/within.ts";

/** The other workers of this program, which share what is shared and keep some of it in memory. */
export interface Siblings {
  /** Settles when all of them know of every change that has been written, or after a while: they hear of it anyway. */
  tell(): Promise<void>;
  /** What they have to do to know of it. */
  listen(look: () => Promise<void>): void;
}

/** A worker that does not answer within this, hears of a change as other processes do: by its own next turn. */
const TOLD_MS = 1_000;

type Message =
  /** From a worker: something has changed. To a worker: all know of it. */
  | { readonly kind: "changed" | "known"; readonly id: number }
  /** To a worker: look what has changed. From a worker: it has looked. */
  | { readonly kind: "look" | "looked"; readonly id: number };

const isMessage = (message: unknown): message is Message =>
  typeof message === "object" && message !== null && "kind" in message && "id" in message;

/** In a worker: its siblings, reached by the process that runs them all. */
export function createSiblings(): Siblings {
  const waiting = new Map<number, () => void>();
  let last = 0;
  let look: () => Promise<void> = () => Promise.resolve();

  const send = (message: Message) => process.send?.(message);
  process.on("message", (message) => {
    if (!isMessage(message)) return;
    const { kind, id } = message;
    if (kind === "known") waiting.get(id)?.();
    // One that cannot look does not answer from what it has kept either: its own turns say why, and repeat it.
    if (kind === "look")
      look().then(
        () => send({ kind: "looked", id }),
        () => {},
      );
  });

  return {
    async tell() {
      const id = ++last;
      const known = new Promise<void>((resolve) => waiting.set(id, resolve));
      send({ kind: "changed", id });
      await within(TOLD_MS, known);
      waiting.delete(id);
    },

    listen(given) {
      look = given;
    },
  };
}

/** Where the workers are run from: passes on what they tell each other. */
export function passOn(living: () => readonly Worker[]): void {
  /** By the number of a change, who told of it, and who has not looked yet. */
  const under = new Map<number, { readonly teller: Worker; readonly id: number; readonly missing: Set<Worker> }>();
  let last = 0;

  const without = (number: number, worker: Worker) => {
    const change = under.get(number);
    if (!change) return;
    change.missing.delete(worker);
    if (change.missing.size > 0) return;
    under.delete(number);
    send(change.teller, { kind: "known", id: change.id });
  };

  cluster.on("message", (teller, message: unknown) => {
    if (!isMessage(message)) return;
    if (message.kind === "looked") return without(message.id, teller);
    if (message.kind !== "changed") return;
    const number = ++last;
    const others = living().filter((worker) => worker !== teller);
    under.set(number, { teller, id: message.id, missing: new Set(others) });
    for (const other of others) send(other, { kind: "look", id: number });
    without(number, teller);
  });
  // Whoever is gone keeps nothing in memory.
  cluster.on("exit", (worker) => {
    for (const number of [...under.keys()]) without(number, worker);
  });
}

function send(worker: Worker, message: Message): void {
  // One that is ending cannot be reached any more.
  if (worker.isConnected()) worker.send(message, () => {});
}
