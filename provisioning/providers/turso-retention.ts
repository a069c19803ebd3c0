import { Kysely, sql } from "kysely";
import type { Database } from "../../src/db/database.ts";
import { PlatformError } from "../../src/domain/errors.ts";
import type { DatabaseName } from "../../src/domain/names.ts";
import type { Platform } from "./turso-platform.ts";

/** Turso ends what nobody has used for ten seconds, an open transaction too. */
const IDLE_LIFE_MS = 11_000;

/** For the one transaction of `retain`. */
const TOKEN_LIFE = "10m";

interface Needs {
  readonly platform: Platform;
  readonly open: (hostname: string, token: string) => Database;
  readonly sleep: (ms: number) => Promise<unknown>;
}

/** Keeps a database and has Turso refuse everybody. A database that is gone needs neither verb. */
export function createRetention({ platform, open, sleep }: Needs) {
  /** Believed only when Turso says so itself: the fence of a deletion relies on it. */
  const block = async (database: DatabaseName, wanted: Blocks): Promise<void> => {
    const answer = await platform.configure(database, wanted);
    const now = answer && answer.block_reads === undefined ? await platform.settings(database) : answer;
    if (!now || (now.block_reads === wanted.block_reads && now.block_writes === wanted.block_writes)) return;
    throw new PlatformError("unavailable", "platform_failed", `Turso did not change the access to ${database}`);
  };

  return {
    /**
     * A block stops statements but not the COMMIT of a transaction that is open already. So writes are blocked while
     * we hold the write lock, which Turso takes from any other transaction within five seconds; where the lock cannot
     * be had or held, what is open is waited out. Reads are blocked last: where they are, all of this has happened.
     */
    async retain(database: DatabaseName): Promise<void> {
      const found = await platform.find(database);
      if (!found || found.isBlocked) return;
      const token = await platform.mintToken(database, TOKEN_LIFE);
      if (!token) return;
      const opened = open(found.hostname, token);
      try {
        const lock = await tryLock(opened);
        await block(database, { block_reads: false, block_writes: true });
        if (!(await lock?.wasHeld())) await sleep(IDLE_LIFE_MS);
        await block(database, { block_reads: true, block_writes: true });
      } finally {
        await opened.close();
      }
    },

    release: (database: DatabaseName): Promise<void> => block(database, { block_reads: false, block_writes: false }),
  };
}

interface Blocks {
  readonly block_reads: boolean;
  readonly block_writes: boolean;
}

/** Takes the write lock; null when it cannot be had. It ends with its question, or with the connection. */
async function tryLock({ dialect }: Database): Promise<{ wasHeld: () => Promise<boolean> } | null> {
  try {
    const transaction = await new Kysely<unknown>({ dialect }).startTransaction().execute();
    // The transaction begins with its first statement, and only an open one can be committed.
    await sql`select 1`.execute(transaction);
    return {
      wasHeld: () =>
        transaction
          .commit()
          .execute()
          .then(
            () => true,
            () => false,
          ),
    };
  } catch {
    // Why does not matter: there is another way, which shows what is wrong.
    return null;
  }
}
