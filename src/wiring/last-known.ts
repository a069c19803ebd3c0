import type { DataAdapters } from "@authhero/adapter-interfaces";
import type { Known, Outage } from "../../provisioning/outage.ts";
import type { Registry } from "../../provisioning/registry.ts";
import type { Clock } from "../domain/clock.ts";
import { boundTenant } from "../tenancy/router.ts";
import type { ControlPlane } from "./control-plane.ts";

/** Three or four of them are one tenant's, some ten kilobytes; what falls out is not there in an outage. */
const KEPT_MAX = 10_000;

interface Kept extends Known<unknown> {
  /** Of whom it is about. */
  readonly version: string;
}

/** Reads something of the control plane; while that is away: what was read last, if it is still as good as known. */
export type ReadOrKnown = <T>(ownerId: string, what: string, read: () => Promise<T>) => Promise<T>;

interface Needs {
  readonly registry: Pick<Registry, "get">;
  readonly outage: Outage;
  readonly clock: Clock;
}

/**
 * Keeps what was read last, for an outage only: otherwise every call reads. What is about a tenant stands under its epoch,
 * so that whatever a known change has made old is never used.
 */
export function createLastKnown({ registry, outage, clock }: Needs): ReadOrKnown {
  const kept = new Map<string, Kept>();

  const keep = (key: string, entry: Kept) => {
    kept.delete(key);
    kept.set(key, entry);
    // In the order of reading: the first is the oldest.
    for (const [oldest, { readMs }] of kept) {
      if (kept.size <= KEPT_MAX && outage.covers(readMs)) break;
      kept.delete(oldest);
    }
  };

  return async <T>(ownerId: string, what: string, read: () => Promise<T>): Promise<T> => {
    // Before the reading: what a change makes old is never kept as if read after it.
    const placement = await registry.get(ownerId);
    if (!placement) return await read();
    const version = `${placement.tag} ${placement.epoch}`;
    const key = `${ownerId} ${what}`;

    const load = async () => {
      const readMs = clock().getTime();
      const value = await read();
      // Each has its own: what one changes in it must not be another's.
      keep(key, { version, readMs, value: structuredClone(value) });
      return value;
    };
    const known = (): Known<T> | undefined => {
      const found = kept.get(key);
      // A key stands for one kind of value.
      return found?.version === version ? { ...found, value: structuredClone(found.value) as T } : undefined;
    };
    return await outage.read(load, known);
  };
}

/**
 * The control plane's adapters for flows in which people and programs sign in: a tenant's row and its keys are
 * known while the control plane is away. Everything else fails then.
 */
export function knownInOutages({ adapters, lastKnown }: Pick<ControlPlane, "adapters" | "lastKnown">): DataAdapters {
  const { keys, tenants } = adapters;
  return {
    ...adapters,
    keys: {
      ...keys,
      list(params) {
        const owner = boundTenant();
        const read = () => keys.list(params);
        return owner ? lastKnown(owner, `keys ${JSON.stringify(params ?? {})}`, read) : read();
      },
    },
    tenants: { ...tenants, get: (id) => lastKnown(id, "tenant", () => tenants.get(id)) },
  };
}
