/** What a case found out: one number of ours, beside one of a baseline where there is one. */
export interface Finding {
  readonly what: string;
  readonly unit: Unit;
  /** The median of the rounds. */
  readonly ours: number;
  readonly against?: { readonly what: string; readonly value: number };
  /** Ours by the baseline's: the median of the ratios within each round, which noise from outside disturbs least. */
  readonly ratio?: number;
  readonly goal?: Goal;
}

/** What we want to reach: for the ratio where there is one, for our own number otherwise. */
export type Goal = { readonly atMost: number } | { readonly atLeast: number };

type Unit = "ms" | "per second" | "KiB" | "MiB" | "open files";

/** What a case is given. */
export interface Bench {
  /** A directory that all cases of a run share, removed at its end: what one has made the next may use. */
  readonly directory: string;
}

/** One thing that is measured, in a process of its own. */
export interface Case {
  /** In a sentence, for `--help`. */
  readonly about: string;
  run(bench: Bench): Promise<readonly Finding[]>;
}

/** Whether the goal is reached; null where none was set. */
export function isMet({ ours, ratio, goal }: Finding): boolean | null {
  if (!goal) return null;
  const value = ratio ?? ours;
  return "atMost" in goal ? value <= goal.atMost : value >= goal.atLeast;
}
