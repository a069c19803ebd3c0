import { pendingMigrations } from "../db/migrate.ts";
import type { Clock } from "../domain/clock.ts";
import { PlatformError } from "../domain/errors.ts";
import { within } from "../domain/within.ts";
import type { Readiness } from "../http/front/probes.ts";
import { CONTROL_PLANE_SETS, type ControlPlane } from "./control-plane.ts";

/** Whoever asks whether this can serve does not wait for long, and several in a second get one answer. */
const PATIENCE_MS = 2_000;
const KEPT_MS = 1_000;

/** It follows the others once a second; whoever has not heard for so long serves what may be over. */
const HEARD_MAX_MS = 10_000;

/**
 * Whether this process can serve: the control plane answers, its schema is the one of this code, and the work in the
 * background, which hears what other processes change, is alive. While the control plane is away, for as long as people
 * can sign in from what is known: a balancer that took every process away would end what goes on.
 */
export function createReadiness(
  { database, outage }: Pick<ControlPlane, "database" | "outage">,
  { heardAt, clock }: { readonly heardAt: () => Date; readonly clock: Clock },
): () => Promise<Readiness> {
  let kept: { readonly untilMs: number; readonly answer: Promise<Readiness> } | undefined;

  const look = async (): Promise<Readiness> => {
    // Nobody waits for a server that does not answer.
    const schema = outage.since() ? UNREACHABLE : await schemaOf({ database, outage });
    const nowMs = clock().getTime();
    if (outage.since()) return { status: outage.covers(nowMs) ? "degraded" : "unavailable", checks: IN_OUTAGE };
    const isHearing = nowMs - heardAt().getTime() <= HEARD_MAX_MS;
    const checks = { ...schema, background: isHearing ? "ok" : "stalled" };
    return { status: Object.values(checks).every((check) => check === "ok") ? "ok" : "unavailable", checks };
  };

  return () => {
    const nowMs = clock().getTime();
    if (!kept || nowMs >= kept.untilMs) kept = { untilMs: nowMs + KEPT_MS, answer: look() };
    return kept.answer;
  };
}

const UNREACHABLE = { control_plane: "unreachable", migrations: "unknown" };
const IN_OUTAGE = { ...UNREACHABLE, background: "waiting" };

/** One statement tells both. Why the control plane does not answer is for the log, not for strangers. */
async function schemaOf({ database, outage }: Pick<ControlPlane, "database" | "outage">) {
  try {
    const pending = await within(PATIENCE_MS, pendingMigrations(database, CONTROL_PLANE_SETS));
    if (pending === null) return { control_plane: "slow", migrations: "unknown" };
    return { control_plane: "ok", migrations: pending.length === 0 ? "ok" : "pending" };
  } catch (error) {
    const isOurs = error instanceof PlatformError;
    if (isOurs && error.reason === "schema_too_new") return { control_plane: "ok", migrations: "too_new" };
    if (isOurs && error.reason === "migration_changed") return { control_plane: "ok", migrations: "changed" };
    outage.missed(error);
    return UNREACHABLE;
  }
}
