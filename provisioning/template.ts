import type { Database } from "../src/db/database.ts";
import { DatabaseName } from "../src/domain/names.ts";
import type { DatabaseProvider } from "./providers/provider.ts";

/** Enough of the hash that two schemas never meet, and short enough for a name. */
const HASH_CHARACTERS = 16;

export interface TemplateOptions {
  /** `migrationHash` of the tenant migrations, in hex: what the template is keyed by. */
  readonly schemaVersion: string;
  /** Brings a database up to date; does nothing to one that is. Several processes may do it at once. */
  readonly migrate: (database: Database) => Promise<unknown>;
}

/** The fully migrated, empty database that new tenants are copied from: one per provider and schema. */
export function createTemplate({ schemaVersion, migrate }: TemplateOptions) {
  const name = DatabaseName.parse(`template-${schemaVersion.slice(0, HASH_CHARACTERS)}`);
  const made = new WeakMap<DatabaseProvider, Promise<DatabaseName>>();

  // Migrating once per process, whoever made the template, also finishes one that a crash left half made.
  const make = async (provider: DatabaseProvider): Promise<DatabaseName> => {
    const database = await provider.open(name, await provider.ensure(name));
    try {
      await migrate(database);
      return name;
    } finally {
      await database.close();
    }
  };

  return {
    schemaVersion,
    migrate,

    /** Its name at a provider, where it is made at the first call. A failure is forgotten and tried again. */
    at(provider: DatabaseProvider): Promise<DatabaseName> {
      const known = made.get(provider);
      if (known) return known;
      const making = make(provider);
      made.set(provider, making);
      making.catch(() => made.delete(provider));
      return making;
    },
  };
}

export type Template = ReturnType<typeof createTemplate>;
