import { createHash } from "node:crypto";
import type { Database } from "../src/db/database.ts";
import { DatabaseName } from "../src/domain/names.ts";
import type { DatabaseProvider, Place } from "./providers/provider.ts";

/** Enough of the hash that two schemas never meet, and short enough for a name. */
const HASH_CHARACTERS = 16;

/** There are few groups. */
const GROUP_CHARACTERS = 8;

export interface TemplateOptions {
  /** The hash of the tenant migrations, in hex: what the template is keyed by. */
  readonly schemaVersion: string;
  /** Brings a database up to date; does nothing to one that is. Several processes may do it at once. */
  readonly migrate: (database: Database) => Promise<unknown>;
}

/** The fully migrated, empty database that new tenants are copied from: one per provider, group and schema. */
export function createTemplate({ schemaVersion, migrate }: TemplateOptions) {
  const made = new WeakMap<DatabaseProvider, Map<DatabaseName, Promise<DatabaseName>>>();

  // Migrating once per process, whoever made the template, also finishes one that a crash left half made.
  const make = async (provider: DatabaseProvider, name: DatabaseName, at: Place | null): Promise<DatabaseName> => {
    const database = await provider.open(name, await provider.ensure(name, at ? { at } : {}));
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

    /** Its name at a provider's place, where it is made at the first call. A failure is forgotten and tried again. */
    at(provider: DatabaseProvider, place: Place | null = null): Promise<DatabaseName> {
      const name = nameOf(schemaVersion, place);
      const there = made.get(provider) ?? new Map<DatabaseName, Promise<DatabaseName>>();
      made.set(provider, there);
      const known = there.get(name);
      if (known) return known;
      const making = make(provider, name, place);
      there.set(name, making);
      making.catch(() => there.delete(name));
      return making;
    },
  };
}

/** One for each group of databases: nobody promises that a copy can be made from one group into another. */
function nameOf(schemaVersion: string, place: Place | null): DatabaseName {
  const name = `template-${schemaVersion.slice(0, HASH_CHARACTERS)}`;
  if (place?.group === undefined) return DatabaseName.parse(name);
  const group = createHash("sha256").update(place.group).digest("hex").slice(0, GROUP_CHARACTERS);
  return DatabaseName.parse(`${name}-${group}`);
}

/** Whether a database is a template, of whatever release: those of older ones serve processes that still run them. */
export const isTemplateName = (name: DatabaseName): boolean => /^template-[0-9a-f]{16}(?:-[0-9a-f]{8})?$/.test(name);

export type Template = ReturnType<typeof createTemplate>;
