/** Odd, so that the median is one of the values. */
const ROUNDS = 7;

export interface Contest {
  /** Each returns its own number: milliseconds of a unit of work, or units per second. */
  readonly ours: () => Promise<number>;
  readonly baseline: () => Promise<number>;
  readonly rounds?: number;
  /** Rounds before those that count: what is compiled, prepared or cached at the first time is then there. */
  readonly warmUp?: number;
}

/** The medians of both, measured in turn, and the median of the ratios within each round. */
export async function inTurn({ ours, baseline, rounds = ROUNDS, warmUp = 1 }: Contest) {
  const pairs: { readonly ours: number; readonly baseline: number }[] = [];
  for (let round = -warmUp; round < rounds; round += 1) {
    // Whoever comes second finds the machine as the first has left it, so they change places.
    const oursFirst = round % 2 === 0;
    const first = await (oursFirst ? ours : baseline)();
    const second = await (oursFirst ? baseline : ours)();
    if (round >= 0) pairs.push(oursFirst ? { ours: first, baseline: second } : { ours: second, baseline: first });
  }
  return {
    ours: median(pairs.map((pair) => pair.ours)),
    baseline: median(pairs.map((pair) => pair.baseline)),
    ratio: median(pairs.map((pair) => pair.ours / pair.baseline)),
  };
}

/** Milliseconds that each of `count` runs takes, one after the other. */
export async function msEach(count: number, work: (index: number) => Promise<unknown>): Promise<number> {
  const began = performance.now();
  for (let index = 0; index < count; index += 1) await work(index);
  return (performance.now() - began) / count;
}

/** Runs work for every item, some at a time. */
export async function atOnce<T>(workers: number, items: Iterable<T>, work: (item: T) => Promise<unknown>) {
  const line = items[Symbol.iterator]();
  const worker = async () => {
    for (let next = line.next(); !next.done; next = line.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: workers }, worker));
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper;
}
