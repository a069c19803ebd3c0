/** Something in the source that cannot be taken as it is. Never a value: it may be secret. */
export interface Hindrance {
  /** What it is about: a kind, or the tenant itself. */
  readonly of: string;
  /** Whose key it is, where it is about one row. */
  readonly key?: string;
  readonly message: string;
}

/** Something that stays behind, or is another thing here. */
export interface Remark {
  /** A table, or a column of one. */
  readonly what: string;
  readonly rows: number;
  readonly why: string;
}

/** Nobody reads more of one kind; how many there are is said all the same. */
const HINDRANCES_MAX = 20;

/** Collects what is found while a tenant is read and copied. */
export interface Findings {
  readonly hindrances: readonly Hindrance[];
  readonly leftovers: readonly Remark[];
  readonly changes: readonly Remark[];
  readonly counts: Readonly<Record<string, number>>;
  hinders(hindrance: Hindrance): void;
  leaves(what: string, why: string, rows?: number): void;
  means(what: string, why: string): void;
  taken(kind: string, rows: number): void;
}

export function createFindings(): Findings {
  const hindrances: Hindrance[] = [];
  const unsaid = new Map<string, number>();
  const leftovers = new Map<string, Remark>();
  const changes = new Map<string, Remark>();
  const remark = (remarks: Map<string, Remark>, what: string, why: string, rows: number) =>
    remarks.set(what, { what, why, rows: (remarks.get(what)?.rows ?? 0) + rows });
  const counts: Record<string, number> = {};
  return {
    get hindrances() {
      const more = [...unsaid].map(([of, rows]) => ({ of, message: `and ${rows} more` }));
      return [...hindrances, ...more];
    },
    get leftovers() {
      return [...leftovers.values()];
    },
    get changes() {
      return [...changes.values()];
    },
    counts,
    hinders(hindrance) {
      const { of } = hindrance;
      if (hindrances.filter((other) => other.of === of).length < HINDRANCES_MAX) hindrances.push(hindrance);
      else unsaid.set(of, (unsaid.get(of) ?? 0) + 1);
    },
    leaves: (what, why, rows = 1) => void remark(leftovers, what, why, rows),
    means: (what, why) => void remark(changes, what, why, 1),
    taken(kind, rows) {
      counts[kind] = (counts[kind] ?? 0) + rows;
    },
  };
}
