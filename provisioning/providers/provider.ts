import type { Database } from "../../src/db/database.ts";
import type { DatabaseName } from "../../src/domain/names.ts";

/** How to reach a database again: kept in the registry, `secret` sealed. */
export interface Location {
  readonly locator: string;
  readonly secret?: string;
}

/** Answers where a database is by now; null when that is no longer known. */
export type AskLocation = () => Promise<Location | null>;

/** Where at a provider a database is made: in a group of databases, in a region of the world. In the provider's words. */
export interface Place {
  readonly group?: string;
  readonly region?: string;
}

/** What a database takes up, and what it has cost since the beginning of the month where its provider counts that. */
export interface DatabaseUsage {
  readonly storageBytes: number;
  readonly rowsRead?: number;
  readonly rowsWritten?: number;
}

/** What lies among the databases and is none. */
export interface Stray {
  /** Where, in the provider's own words. */
  readonly name: string;
  /**
   * `companion`: the log or index of a database that is not where it is; `half_made`: a copy that nobody goes on with;
   * `twice`: a database that is both in use and retained; `unknown`: not of this provider's making.
   */
  readonly kind: "companion" | "half_made" | "twice" | "unknown";
  /** The database it belongs to, where the name tells. */
  readonly database: DatabaseName | null;
  /** Whether nothing of anybody's can be in it. */
  readonly isEmpty: boolean;
}

/** What callers may rely on. Ask this, never the name. */
export interface ProviderSupports {
  /** `list()` names everything here; where it cannot, the registry is the list. */
  readonly list: boolean;
  /** `retain` itself blocks access, so nobody has to be waited for. */
  readonly retainBlocks: boolean;
}

/**
 * A place where databases live: a directory, Turso Cloud, a libSQL server, or one of your own.
 *
 * Every verb may be repeated after a crash. Failures are `PlatformError`s: `unavailable` when waiting may
 * help, `not_found` from `open` when the database is absent, `invalid` when the request cannot succeed.
 * To add one: implement this interface and run `testProvider` from `rowhouse/conformance` on it.
 */
export interface DatabaseProvider {
  readonly name: string;
  readonly supports: ProviderSupports;

  /**
   * Makes sure the database exists: empty, or a copy of `from`. One that exists already is left as it is. `at`: what
   * `place` has answered, and only where the provider has that.
   */
  ensure(database: DatabaseName, options?: { readonly from?: DatabaseName; readonly at?: Place }): Promise<Location>;

  /**
   * Opens it. Throws `not_found` (`database_missing`) when it is absent or retained. `current`: whom to ask for the secret
   * as it is by now, when the database refuses the one of `location`; a provider without secrets needs nobody.
   */
  open(database: DatabaseName, location: Location, current?: AskLocation): Promise<Database>;

  /**
   * What `open` gives, without asking for anything: where each question is a way of its own, whoever asks at once anyhow
   * is spared one. An absent or retained one is `unavailable` (`database_missing`, `database_blocked`) at its first
   * statement then.
   */
  connect?(database: DatabaseName, location: Location, current?: AskLocation): Database;

  /** Keeps it but refuses access, for the undelete window. */
  retain(database: DatabaseName): Promise<void>;

  /** Reverses `retain`. */
  release(database: DatabaseName): Promise<void>;

  /** Makes sure it is gone, retained or not. Already gone is done. */
  destroy(database: DatabaseName): Promise<void>;

  /** Every database here, retained ones too; templates as well. */
  list(): AsyncIterable<DatabaseName>;

  /**
   * Makes every secret given out before useless and returns the new location, where databases have secrets of their
   * own. Until the registry has it nobody can open the database; after a crash in between, repeat it.
   */
  rotateCredentials?(database: DatabaseName): Promise<Location>;

  /**
   * Where a database is to be that is wished for a group or a region; `{}` for the usual place. The answer is kept, and
   * handed to every `ensure` of the database. Throws `invalid` (`unknown_group`, `unknown_region`), with a message that
   * begins with the member and names what there is. A provider without it has one place only.
   */
  place?(wish: Place): Promise<Place>;

  /** What the database takes up; of one that is retained, too. Throws `not_found` (`database_missing`). */
  usage?(database: DatabaseName): Promise<DatabaseUsage>;

  /**
   * Copies the database, as it is at one moment and while others use it, into a new file: whole or not at all, and only
   * if `verify` does not throw on the copy. Throws `conflict` (`file_exists`), `not_found` (`database_missing`), and
   * what `verify` throws. A provider without it has backups of its own.
   */
  backUp?(database: DatabaseName, file: string, verify: (copy: Database) => Promise<void>): Promise<void>;

  /** What lies among the databases and is none: nobody but reconciling asks for it. */
  strays?(): AsyncIterable<Stray>;

  /** Removes a companion or a half-made copy, whatever is in it. What is no such stray any more stays as it is. */
  clear?(stray: Stray["name"]): Promise<void>;
}
