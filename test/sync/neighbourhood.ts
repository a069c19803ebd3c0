import { createFleet } from "../../provisioning/fleet.ts";
import { createSyncJob, syncHindrance } from "../../provisioning/fleet-sync.ts";
import { createRegistry } from "../../provisioning/registry.ts";
import { type Clock, systemClock } from "../../src/domain/clock.ts";
import { databaseNameOf, newTag } from "../../src/domain/names.ts";
import { createKeeper, type KeeperOptions } from "../../src/sync/keeper.ts";
import { readHead } from "../../src/sync/log.ts";
import { everyPlacement } from "../../src/wiring/every-placement.ts";
import { CONTROL_PLANE, type Estate, type House, keyRing } from "./estate.ts";

export interface NeighbourhoodOptions extends Partial<Pick<KeeperOptions, "readShared">> {
  readonly clock?: Clock;
  /** Opens a child when it is used first, and again after it has failed. */
  readonly open: (tenantId: string) => Promise<House>;
}

/** The children of an estate as a house knows them: with their placements, the keeper, and the job that goes round. */
export async function openNeighbourhood(estate: Estate, ids: readonly string[], options: NeighbourhoodOptions) {
  const { open, clock = systemClock, readShared = () => estate.shared() } = options;
  const { database, store } = estate.controlPlane;
  const registry = createRegistry({ database, keyRing, clock });
  await database.batch(ids.map(placement));
  const houses = new Map<string, Promise<House>>();
  const touched = new Set<string>();
  let wishes = 0;

  const house = (tenantId: string): Promise<House> => {
    const opened =
      houses.get(tenantId) ??
      open(tenantId).catch((error: unknown) => {
        houses.delete(tenantId);
        throw error;
      });
    houses.set(tenantId, opened);
    return opened;
  };
  const hindrance = syncHindrance(() => "up_to_date");
  const keeper = createKeeper({
    onCollision: "keep",
    readHead: () => readHead(store, CONTROL_PLANE),
    readShared,
    async children(take) {
      const found: string[] = [];
      for await (const { tenantId } of everyPlacement(registry)) if (found.length < take) found.push(tenantId);
      return found;
    },
    async use(tenantId, work) {
      touched.add(tenantId);
      return await work(await house(tenantId));
    },
    record: registry.recordSynced,
    rest: () => {
      wishes += 1;
    },
    // What is done within the answer is counted, not timed.
    inlineMs: 600_000,
    log: { warn: () => undefined, error: () => undefined },
    clock,
  });
  const fleet = createFleet({ registry, database, clock });

  return {
    keeper,
    house,
    /** Whose databases were asked for so far. */
    touched,
    /** How often the job was asked for. */
    wishes: () => wishes,
    versionOf: async (tenantId: string) => (await registry.read(tenantId))?.syncedVersion,
    /** Runs the job once, to its end. */
    runJob: () =>
      fleet.run(createSyncJob({ hindrance, version: () => keeper.head()?.version ?? null, bring: keeper.bring })),
  };
}

function placement(tenantId: string) {
  const tag = newTag();
  return {
    sql: `insert into rh_placements
        (tenant_id, state, tag, generation, provider, database, locator, nonce, incarnation_at, created_at, updated_at)
      values (?, 'ready', ?, 1, 'file', ?, 'here', 'nonce', '', '', '')`,
    parameters: [tenantId, tag, databaseNameOf(tag, 1)],
  };
}
