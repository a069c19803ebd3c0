import { sql } from "kysely";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withFields, withoutFields } from "../../src/entities/json-document.ts";
import { type FreshStore, freshStore } from "../support/store.ts";

let fresh: FreshStore;

beforeAll(async () => {
  fresh = await freshStore();
});

afterAll(() => fresh.close());

const read = async (document: ReturnType<typeof withFields>): Promise<unknown> => {
  const { rows } = await sql<{ document: string }>`select ${document} as document`.execute(fresh.store.db);
  return JSON.parse(rows[0]?.document ?? "");
};

const names = (count: number) => Array.from({ length: count }, (_, n) => `field ${n}.x`);

describe("a JSON document", () => {
  it("takes fields whole: nulls, objects and dotted names included", async () => {
    const document = sql`${JSON.stringify({ kept: 1, replaced: { a: 1 } })}`;
    const fields = [
      ["replaced", '{"b":null}'],
      ["with.dot", "null"],
    ] as const;

    expect(await read(withFields(document, fields))).toEqual({ kept: 1, replaced: { b: null }, "with.dot": null });
    expect(await read(withoutFields(document, ["replaced", "absent"]))).toEqual({ kept: 1 });
    expect(await read(withoutFields(withFields(document, []), []))).toEqual({ kept: 1, replaced: { a: 1 } });
  });

  it.each([1, 50, 51, 200])("takes and loses %i fields at once", async (count) => {
    const all = Object.fromEntries(names(count).map((name, n) => [name, n]));
    const filled = withFields(
      sql`'{}'`,
      Object.entries(all).map(([name, value]) => [name, String(value)] as const),
    );

    expect(await read(filled)).toEqual(all);
    expect(await read(withoutFields(filled, names(count)))).toEqual({});
  });
});
