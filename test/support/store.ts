import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { openClient } from "../../src/db/client.ts";
import type { Database } from "../../src/db/database.ts";
import { migrate } from "../../src/db/migrate.ts";
import { openFile } from "../../src/db/native.ts";
import { systemClock } from "../../src/domain/clock.ts";
import { createStore, type Store, type StoreOptions } from "../../src/entities/store.ts";
import { type Sqld, startSqld } from "./sqld.ts";

/** A migrated database of its own for one test. `close` ends it and removes its files. */
export interface FreshStore {
  readonly store: Store;
  readonly database: Database;
  close(): Promise<void>;
}

interface Place {
  open(): Promise<{ database: Database; remove(): Promise<void> }>;
  close(): Promise<void>;
}

/** What carries a store: a libSQL file, or a real libSQL server over HTTP. */
export type Transport = "file" | "server";

const places: Partial<Record<Transport, Promise<Place>>> = {};

const usual: Transport = process.env.TEST_STORE === "server" ? "server" : "file";

/**
 * A store on a libSQL file, or with `TEST_STORE=server` on a real libSQL server over HTTP: the same tests, the same
 * answers. What takes long is done once per test process.
 */
export async function freshStore(options: Partial<StoreOptions> = {}, on = usual): Promise<FreshStore> {
  places[on] ??= on === "server" ? onServer() : onFiles();
  const { database, remove } = await (await places[on]).open();
  return {
    store: createStore(database, { clock: systemClock, ...options }),
    database,
    async close() {
      await database.close();
      await remove();
    },
  };
}

afterAll(async () => {
  for (const place of Object.values(places)) await (await place).close();
});

/** Copies of one migrated file. It is closed before: until then its newest pages stand in the log beside it. */
async function onFiles(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), "rowhouse-stores-"));
  const template = join(directory, "template.db");
  const database = await openFile(template, { create: true });
  await migrate(database, ["tenant", "shared"]);
  await database.close();
  let count = 0;
  return {
    async open() {
      const path = join(directory, `${++count}.db`);
      await copyFile(template, path);
      const remove = async () => {
        for (const suffix of ["", "-wal", "-shm"]) await rm(path + suffix, { force: true });
      };
      return { database: await openFile(path), remove };
    },
    close: () => rm(directory, { recursive: true, force: true }),
  };
}

/** Forks of one migrated namespace. */
async function onServer(): Promise<Place> {
  const server = await startSqld();
  await server.createNamespace("template");
  const database = openOn(server, "template");
  await migrate(database, ["tenant", "shared"]);
  await database.close();
  let count = 0;
  return {
    async open() {
      const name = `store-${++count}`;
      const forked = await fetch(`${server.adminUrl}/v1/namespaces/template/fork/${name}`, { method: "POST" });
      if (!forked.ok) throw new Error(`sqld refused to fork: ${await forked.text()}`);
      return { database: openOn(server, name), remove: () => Promise.resolve() };
    },
    close: () => server.stop(),
  };
}

const openOn = (server: Sqld, namespace: string) => openClient({ url: server.url, fetch: server.fetchFor(namespace) });
