import { setTimeout as sleep } from "node:timers/promises";
import { Kysely } from "kysely";
import type { Database } from "../src/db/database.ts";
import type { Clock } from "../src/domain/clock.ts";
import { LEASE_MS } from "./operation-rows.ts";
import { type ProcessIdentity, thisProcess } from "./process.ts";
import type { RegistryTables } from "./tables.ts";

/** A lease is renewed so often that two lost renewals do no harm. */
const RENEWAL_MS = LEASE_MS / 3;

/** How often somebody who waits for a lease asks again. */
const PAUSE_MS = 100;

export interface LeasesOptions {
  /** The control plane's, with the `control-plane` migrations. */
  readonly database: Database;
  readonly clock: Clock;
  readonly process?: ProcessIdentity;
}

/** Work under a lease. The signal aborts when the lease is lost: then somebody else may be at it. */
export type LeasedWork<T> = (signal: AbortSignal) => Promise<T>;

interface Lease {
  readonly name: string;
  readonly fence: number;
}

/**
 * Housekeeping that one of several processes does for all, under a name. Work must be safe to repeat: a process that
 * slept through its lease learns of it only afterwards.
 */
export function createLeases({ database, clock, process = thisProcess() }: LeasesOptions) {
  const db = new Kysely<RegistryTables>({ dialect: database.dialect });
  const now = () => clock().toISOString();
  const until = () => new Date(clock().getTime() + LEASE_MS).toISOString();
  const held = ({ name, fence }: Lease) =>
    db.updateTable("rh_leases").where("name", "=", name).where("owner", "=", process.id).where("fence", "=", fence);

  /** One statement decides; whoever seems to have it is looked at first. */
  const take = async (name: string): Promise<Lease | null> => {
    const found = await db.selectFrom("rh_leases").selectAll().where("name", "=", name).executeTakeFirst();
    if (found && found.lease_until > now() && !process.isGone(found.owner)) return null;
    const fence = (found?.fence ?? 0) + 1;
    const mine = { owner: process.id, lease_until: until(), fence };
    const row = await db
      .insertInto("rh_leases")
      .values({ name, ...mine })
      .onConflict((conflict) =>
        conflict
          .column("name")
          .doUpdateSet(mine)
          .where("rh_leases.fence", "=", found?.fence ?? 0),
      )
      .returning("fence")
      .executeTakeFirst();
    return row ? { name, fence } : null;
  };

  /** False when somebody else has it. */
  const renew = async (lease: Lease): Promise<boolean> => {
    const { numUpdatedRows } = await held(lease).set({ lease_until: until() }).executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  };

  const keeping = async <T>(lease: Lease, work: LeasedWork<T>): Promise<T> => {
    const lost = new AbortController();
    // A renewal that fails is tried again before the lease has ended.
    const renewal = setInterval(() => {
      renew(lease).then(
        (isOurs) => isOurs || lost.abort(),
        () => {},
      );
    }, RENEWAL_MS).unref();
    try {
      return await work(lost.signal);
    } finally {
      clearInterval(renewal);
      // What cannot be given back ends by itself.
      await held(lease)
        .set({ lease_until: now() })
        .execute()
        .catch(() => {});
    }
  };

  return {
    /** Does the work, or leaves it to the process that is at it: then null. */
    async ifFree<T>(name: string, work: LeasedWork<T>): Promise<T | null> {
      const lease = await take(name);
      return lease && (await keeping(lease, work));
    },

    /** Does the work when nobody else is at it any more. */
    async inTurn<T>(name: string, work: LeasedWork<T>): Promise<T> {
      let lease = await take(name);
      for (; !lease; lease = await take(name)) await sleep(PAUSE_MS);
      return await keeping(lease, work);
    },
  };
}

export type Leases = ReturnType<typeof createLeases>;
