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
export async function inTurn({ ours, baseline, ...rest }: Contest) {
  const { medians, ratios } = await allInTurn({ ours, baseline }, rest);
  return { ours: medians.ours, baseline: medians.baseline, ratio: ratios.baseline };
}

type Measure = () => Promise<number>;

/** The medians of ours and of several baselines, measured in turn, and the medians of ours by theirs within each round. */
export async function allInTurn<K extends string>(
  measures: Readonly<Record<K | "ours", Measure>>,
  { rounds = ROUNDS, warmUp = 1 }: Pick<Contest, "rounds" | "warmUp"> = {},
) {
  const names = Object.keys(measures) as (K | "ours")[];
  const kept: Record<string, number>[] = [];
  for (let round = -warmUp; round < rounds; round += 1) {
    const numbers: Record<string, number> = {};
    // Whoever comes second finds the machine as the first has left it, so they change places.
    for (const name of round % 2 === 0 ? names : names.toReversed()) numbers[name] = await measures[name]();
    if (round >= 0) kept.push(numbers);
  }
  const medianOf = (value: (numbers: Record<string, number>) => number) => median(kept.map(value));
  const perName = (value: (numbers: Record<string, number>, name: string) => number) =>
    Object.fromEntries(names.map((name) => [name, medianOf((numbers) => value(numbers, name))])) as Record<
      K | "ours",
      number
    >;
  return {
    medians: perName((numbers, name) => numbers[name] ?? Number.NaN),
    ratios: perName((numbers, name) => (numbers.ours ?? Number.NaN) / (numbers[name] ?? Number.NaN)),
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
