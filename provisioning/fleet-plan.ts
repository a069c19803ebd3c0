/** The names of the waves in their order. Their indexes are stored, so they never change. */
export const WAVES = ["canary", "1 %", "10 %", "rest"] as const;

export const CANARY = 0;

/** What the second and the third wave have of all tenants; what is left is the rest. */
const SHARES = [
  { wave: 1, share: 0.01 },
  { wave: 2, share: 0.1 },
];
const REST = 3;

/** One incarnation of a tenant, as a job means it. */
export interface Candidate {
  readonly tenantId: string;
  readonly tag: string;
}

export interface Planned extends Candidate {
  /** An index of `WAVES`. */
  readonly wave: number;
}

export interface PlanOptions {
  /** Who goes first. When none of them is among the candidates, the first candidate does. `nobody`: all go at once. */
  readonly canary: readonly string[] | "nobody";
  /** Who has failed the last time comes last: a tenant that is broken anyway must not stop the others each time. */
  readonly failedBefore: ReadonlySet<string>;
}

/** Puts every candidate in one wave, at least one in each while there are any. */
export function planWaves(candidates: readonly Candidate[], { canary, failedBefore }: PlanOptions): Planned[] {
  if (canary === "nobody") return inWave(candidates, REST);
  const isCanary = ({ tenantId }: Candidate) => canary.includes(tenantId);
  const canaries = candidates.filter(isCanary);
  const others = candidates.filter((candidate) => !isCanary(candidate));
  const hasFailed = ({ tenantId }: Candidate) => failedBefore.has(tenantId);
  const line = [...others.filter((other) => !hasFailed(other)), ...others.filter(hasFailed)];

  const planned = inWave(canaries.length > 0 ? canaries : line.splice(0, 1), CANARY);
  for (const { wave, share } of SHARES) {
    planned.push(...inWave(line.splice(0, Math.ceil(candidates.length * share)), wave));
  }
  return [...planned, ...inWave(line, REST)];
}

const inWave = (tenants: readonly Candidate[], wave: number): Planned[] =>
  tenants.map(({ tenantId, tag }) => ({ tenantId, tag, wave }));
