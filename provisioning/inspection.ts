import { setTimeout as sleep } from "node:timers/promises";
import { PlatformError } from "../src/domain/errors.ts";
import { openOwned, type Providers, providerOf } from "./ownership.ts";
import type { Placement } from "./placements.ts";

/** Somebody is looking at a screen; a database that takes longer is not well. */
const LIMIT_MS = 3_000;

/** How a tenant's database is. */
export interface Inspection {
  /** `retained`: kept, but closed to everybody; `absent`: not made yet. */
  readonly health: "ok" | "unreachable" | "retained" | "absent";
  /** Why it is unreachable: a reason, `timeout`, or `internal`. */
  readonly problem: string | null;
  /** Null where the provider does not know it, or does not answer in time. */
  readonly sizeBytes: number | null;
}

/**
 * Opens a tenant's database as the pool would, checks that it is the tenant's, and asks how large it is. Whatever fails
 * or takes longer than `limitMs` is part of the answer.
 */
export async function inspectDatabase(
  providers: Providers,
  placement: Placement,
  limitMs = LIMIT_MS,
): Promise<Inspection> {
  const nothing = { problem: null, sizeBytes: null };
  // The control plane's own database is no provider's; that it is well shows in the placement having been read.
  if (!placement.location) return { health: placement.state === "ready" ? "ok" : "absent", ...nothing };
  const isPutAway = placement.state === "deleting" || placement.state === "deleted";
  const [problem, sizeBytes] = await Promise.all([
    isPutAway ? null : problemOf(within(limitMs, knock(providers, placement))),
    within(limitMs, sizeOf(providers, placement)).catch(() => null),
  ]);
  if (isPutAway) return { health: "retained", problem: null, sizeBytes };
  return { health: problem === null ? "ok" : "unreachable", problem, sizeBytes };
}

async function knock(providers: Providers, placement: Placement): Promise<void> {
  await (await openOwned(providers, placement)).close();
}

async function sizeOf(providers: Providers, placement: Placement): Promise<number | null> {
  const used = await providerOf(providers, placement).usage?.(placement.database);
  return used?.storageBytes ?? null;
}

async function problemOf(attempt: Promise<void>): Promise<string | null> {
  try {
    await attempt;
    return null;
  } catch (error) {
    return error instanceof PlatformError ? error.reason : "internal";
  }
}

/** What takes longer goes on by itself, and closes what it opens. */
async function within<T>(limitMs: number, work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const limit = sleep(limitMs, undefined, { signal: over.signal }).then((): never => {
    throw new PlatformError("unavailable", "timeout", `No answer within ${limitMs} ms`);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    over.abort();
    // Ended here, or lost the race: nobody waits for it any more.
    limit.catch(() => {});
    work.catch(() => {});
  }
}
