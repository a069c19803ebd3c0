import { Kysely, sql } from "kysely";
import type { Database } from "../src/db/database.ts";
import type { SealedColumn } from "../src/db/resealing.ts";
import { type KeyRing, seal, unseal } from "../src/db/seal.ts";
import type { Clock } from "../src/domain/clock.ts";

/** What is kept: the rest of a key is its maker's business. */
export interface ReservedKey {
  readonly kid: string;
}

export interface KeyReserveOptions<K extends ReservedKey> {
  /** The control plane's, with the `control-plane` migrations. */
  readonly database: Database;
  readonly keyRing: KeyRing;
  readonly clock: Clock;
  /** Makes a new key; tests hand in one that is quick. */
  readonly generate: () => Promise<K>;
  /** How many keys `refill` keeps ready. */
  readonly size?: number;
}

// Enough for a burst of new tenants; every key in it is a key that somebody could steal.
const SIZE = 20;

interface Tables {
  rh_key_reserve: { kid: string; sealed: string; created_at: string };
}

const boundTo = (kid: string) => `rh_key_reserve.sealed ${kid}`;

/** Where the reserve's secrets stand. */
export const SEALED_RESERVE: SealedColumn = {
  table: "rh_key_reserve",
  field: "sealed",
  home: "column",
  key: ["kid"],
  boundTo: ({ kid }) => boundTo(String(kid)),
};

/** Signing keys made in advance, sealed at rest, each given out once. */
export function createKeyReserve<K extends ReservedKey>(options: KeyReserveOptions<K>) {
  const { database, keyRing, clock, generate, size = SIZE } = options;
  const db = new Kysely<Tables>({ dialect: database.dialect });

  const count = async () => {
    const { kept } = await db
      .selectFrom("rh_key_reserve")
      .select(sql<number>`count(*)`.as("kept"))
      .executeTakeFirstOrThrow();
    return kept;
  };

  return {
    /** A key that nobody has: from the reserve, or made now when it is empty. One statement, so never given twice. */
    async take(): Promise<K> {
      const oldest = db.selectFrom("rh_key_reserve").select("kid").orderBy("created_at").orderBy("kid").limit(1);
      const [row] = await db.deleteFrom("rh_key_reserve").where("kid", "in", oldest).returningAll().execute();
      return row ? (JSON.parse(unseal(keyRing, row.sealed, boundTo(row.kid))) as K) : generate();
    },

    isFull: async (): Promise<boolean> => (await count()) >= size,

    /** Makes one key if the reserve is not full. False when it was full. */
    async refill(): Promise<boolean> {
      if ((await count()) >= size) return false;
      const key = await generate();
      const sealed = seal(keyRing, JSON.stringify(key), boundTo(key.kid));
      await db
        .insertInto("rh_key_reserve")
        .values({ kid: key.kid, sealed, created_at: clock().toISOString() })
        .execute();
      return true;
    },

    count,
  };
}
