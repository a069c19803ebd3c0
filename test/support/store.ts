import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import type { Database } from "../../src/db/database.ts";
import { migrate } from "../../src/db/migrate.ts";
import { openFile } from "../../src/db/native.ts";
import { systemClock } from "../../src/domain/clock.ts";
import { createStore, type Store, type StoreOptions } from "../../src/entities/store.ts";

/** A migrated database of its own for one test. `close` ends it and removes its files. */
export interface FreshStore {
  readonly store: Store;
  readonly database: Database;
  close(): Promise<void>;
}

let template: Promise<{ directory: string; path: string }> | undefined;

/** A copy of the migrated template, which is made once per test process. */
export async function freshStore(options: Partial<StoreOptions> = {}): Promise<FreshStore> {
  template ??= makeTemplate();
  const directory = await mkdtemp(join(tmpdir(), "rowhouse-store-"));
  const path = join(directory, "store.db");
  await copyFile((await template).path, path);
  const database = await openFile(path);
  return {
    store: createStore(database, { clock: systemClock, ...options }),
    database,
    async close() {
      await database.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Closed before it is copied: until then its newest pages stand in the log beside it. */
async function makeTemplate() {
  const directory = await mkdtemp(join(tmpdir(), "rowhouse-template-"));
  const path = join(directory, "template.db");
  const database = await openFile(path, { create: true });
  await migrate(database, ["tenant", "shared"]);
  await database.close();
  return { directory, path };
}

afterAll(async () => {
  if (template) await rm((await template).directory, { recursive: true, force: true });
});
