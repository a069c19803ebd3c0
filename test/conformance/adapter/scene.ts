import { randomBytes } from "node:crypto";
import type { CreateOptions } from "@authhero/adapter-interfaces";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { createKeyRing } from "../../../src/db/seal.ts";
import { createDataAdapters } from "../../../src/entities/adapters.ts";
import type { Row, Sample, Stored } from "../../support/samples-shapes.ts";
import { type FreshStore, freshStore, type Transport } from "../../support/store.ts";

export type { Row, Sample, Stored, Transport };

/** What a clause plays in: the adapters on one database, for as many tenants as there are tests. */
export interface Scene {
  readonly data: Stored;
  /** A tenant nobody has heard of. */
  tenant(): string;
  /** Lets time pass; without it everything happens at one moment. Milliseconds. */
  wait(ms: number): void;
}

export const NOW = Date.UTC(2030, 0, 1);

/** Another secret key in every run: nothing may depend on it. */
const keyRing = createKeyRing({ current: { id: "test", key: randomBytes(32) } });

/**
 * A database of its own for a `describe`, with secrets sealed as Rowhouse seals them. Tests keep apart by their
 * tenants; what belongs to none gets a database for each test.
 */
export function useScene(on: Transport, { global }: Pick<Sample, "global">): Scene {
  let fresh: FreshStore;
  let data: Stored;
  let now = NOW;
  let tenants = 0;

  (global ? beforeEach : beforeAll)(async () => {
    fresh = await freshStore({ clock: () => new Date(now), keyRing }, on);
    data = complete(createDataAdapters(fresh.store));
  });
  (global ? afterEach : afterAll)(() => fresh.close());

  return {
    get data() {
      return data;
    },
    tenant: () => `tenant-${++tenants}`,
    wait(ms) {
      now += ms;
    },
  };
}

/** The contract lets members be missing; ours may not. The samples' table names them all. */
const complete = (data: object) => data as Stored;

/** Creates a row, and tells what finds it again. */
export async function made(
  { data }: Scene,
  sample: Sample,
  tenant: string,
  value: object,
  options?: CreateOptions,
): Promise<Row> {
  const created = await sample.create(data, tenant, value, options);
  return { ...value, ...(typeof created === "object" ? created : {}) } as Row;
}

/** What a reader must see of a value. */
export function shownOf(sample: Sample, value: object): Row {
  return Object.fromEntries(
    Object.entries(value).filter(([field, given]) => given !== undefined && !sample.hidden?.includes(field)),
  );
}

/** The fields of a row that a value names. */
export const like = (value: object, row: object | null | undefined): Row =>
  Object.fromEntries(Object.keys(value).map((field) => [field, (row as Row | null | undefined)?.[field]]));
