import type { ListParams } from "@authhero/adapter-interfaces";
import { expect, it } from "vitest";
import type { Page } from "../../support/samples-shapes.ts";
import { fieldsOf } from "../../support/samples-values.ts";
import { made, type Row, type Sample, type Scene } from "./scene.ts";

const ROWS = 7;

interface Listed {
  readonly tenant: string;
  page(params?: ListParams): Promise<Page>;
  names(rows: readonly Row[]): string[];
}

const lists = new WeakMap<Scene, Promise<Listed>>();

/** The rows of those who only read them, made once. */
function listed(scene: Scene, sample: Sample): Promise<Listed> {
  if (sample.global) return newlyListed(scene, sample);
  const found = lists.get(scene) ?? newlyListed(scene, sample);
  lists.set(scene, found);
  return found;
}

/** Seven rows of one moment, in an order that no key follows; and as many of another tenant. */
async function newlyListed(scene: Scene, sample: Sample): Promise<Listed> {
  const tenant = scene.tenant();
  const other = scene.tenant();
  let row: Row = {};
  for (const n of [3, 0, 6, 2, 5, 1, 4]) {
    row = await made(scene, sample, tenant, sample.value(n));
    if (!sample.global) await made(scene, sample, other, sample.value(n + ROWS));
  }
  return {
    tenant,
    page: async (params) => (await sample.list?.(scene.data, tenant, row, params)) ?? { rows: [] },
    names: (rows) => rows.map((shown) => JSON.stringify(shown)),
  };
}

/** Pages by offset never overlap and leave nothing out, whatever the order. */
export function pages(scene: Scene, sample: Sample): void {
  const { pages: first, sorts = [], list } = sample;
  if (!first || !list) return;
  const orders = [undefined, ...sorts.flatMap((sort_by) => [asc(sort_by), desc(sort_by)])];

  it("shows every row once over the pages, in every order, although all are of one moment", async () => {
    const { page, names } = await listed(scene, sample);
    const all = names((await page({ per_page: 100 })).rows);

    const walked = await Promise.all(
      orders.map(async (sort) => {
        const numbers = [0, 1, 2].map((number) => first.first + number);
        const parts = numbers.map((number) => page({ page: number, per_page: 3, ...(sort && { sort }) }));
        return (await Promise.all(parts)).flatMap(({ rows }) => names(rows));
      }),
    );

    for (const rows of walked) expect([...rows].sort()).toEqual([...all].sort());
  });

  it("tells where a page stands as its family does, and shows no more than asked for", async () => {
    const { page } = await listed(scene, sample);
    const second = { page: first.first + 1, per_page: 3 };

    const plain = await page(second);
    const counted = await page({ ...second, include_totals: true });

    expect([plain.rows, counted.rows].map(({ length }) => length)).toEqual([3, 3]);
    if (first.totals) expect([plain.counters, counted.counters]).toEqual(COUNTERS[first.totals]);
    expect((await page({ page: first.first + 99, per_page: 2 })).rows).toEqual([]);
  });
}

const ZERO = { start: 0, limit: 0, length: 0 };
const PAGE = { start: 3, limit: 3, length: 3 };
const ALL = { start: 3, limit: 3, length: ROWS };

/** The contract's section 1.3 for the second page of three rows: without and with `include_totals`. */
const COUNTERS = {
  A: [ZERO, ALL],
  B: [PAGE, ALL],
  C: [
    { ...PAGE, total: 3 },
    { ...PAGE, total: ROWS },
  ],
  D: [
    { ...PAGE, total: 3 },
    { ...PAGE, total: ROWS },
  ],
  E: [ALL, ALL],
  F: [PAGE, PAGE],
  G: [PAGE, PAGE],
  H: [PAGE, ALL],
  I: [{}, ALL],
} as const;

const asc = (sort_by: string) => ({ sort_by, sort_order: "asc" as const });
const desc = (sort_by: string) => ({ sort_by, sort_order: "desc" as const });

/** Walks by checkpoint: every row that was there at the start exactly once, whatever happens meanwhile. */
export function walks(scene: Scene, sample: Sample): void {
  const { walk, list } = sample;
  if (!walk || !list) return;

  it("shows every row once on a walk by checkpoint, although all are of one moment and others are added", async () => {
    const { page, names, tenant } = await newlyListed(scene, sample);
    const all = names((await page({ per_page: 100 })).rows).sort();
    const walked: string[] = [];
    let added = 20;
    let from: string | undefined;

    do {
      const { rows, next } = await page({ take: 2, ...(from && { from }) });
      walked.push(...names(rows));
      from = next;
      await made(scene, sample, tenant, sample.value(added++));
      scene.wait(1);
      await made(scene, sample, tenant, sample.value(added++));
    } while (from && walked.length < 100);

    expect(new Set(walked).size).toBe(walked.length);
    expect(walked.filter((name) => all.includes(name)).sort()).toEqual(all);
  });

  it("ends a walk with the last row, and begins anew where a checkpoint cannot be read", async () => {
    const { page, names } = await listed(scene, sample);

    const whole = await page({ take: ROWS });
    const anew = await page({ take: ROWS, from: "no checkpoint" });

    expect(whole.rows).toHaveLength(ROWS);
    expect(whole.next).toBeUndefined();
    expect(names(anew.rows)).toEqual(names(whole.rows));
  });

  it(walk.strict ? "refuses another order on a walk" : "does not let a caller's order disturb a walk", async () => {
    const { page, names } = await listed(scene, sample);
    const usual = await page({ take: 3 });
    const others = [
      asc("tenant_id"),
      asc("rowid"),
      ...(sample.sorts ?? []).filter((field) => field !== walk.by).map(asc),
    ];

    for (const sort of others) {
      if (walk.strict) await expect(page({ take: 3, sort })).rejects.toMatchObject({ status: 400 });
      else expect(names((await page({ take: 3, sort })).rows)).toEqual(names(usual.rows));
    }
    if (walk.strict) {
      const replay = page({ take: 3, from: usual.next ?? "", sort: asc(walk.by) });
      await expect(replay).rejects.toMatchObject({ status: 400 });
    }
  });
}

const HOSTILE_SORTS = ["tenant_id", "rowid", "doc", "nope", "1; drop table users --", "__proto__"];

/** Only what is listed may be sorted by; anything else changes nothing. */
export function sorting(scene: Scene, sample: Sample): void {
  const { sorts, list } = sample;
  if (!sorts || !list) return;

  it("is not sorted by anything that may not be sorted by", async () => {
    const { page, names } = await listed(scene, sample);
    const usual = names((await page()).rows);
    const others = [...fieldsOf(sample.read), ...fieldsOf(sample.insert)].filter((field) => !sorts.includes(field));

    const orders = [...HOSTILE_SORTS, ...others].flatMap((field) => [asc(field), desc(field)]);
    const found = await Promise.all(orders.map(async (sort) => ({ sort, rows: names((await page({ sort })).rows) })));

    expect(found.filter(({ rows }) => String(rows) !== String(usual)).map(({ sort }) => sort)).toEqual([]);
  });

  if (sorts.length === 0) return;

  it.each(sorts)("is sorted by %s, either way, and by its key where that is the same", async (field) => {
    const { page } = await listed(scene, sample);
    const rowsBy = async (sort: ListParams["sort"]) => (await page({ per_page: 100, ...(sort && { sort }) })).rows;
    const placeOf = (row: Row) => [row[field], sample.key && row[sample.key]];

    const rising = (await rowsBy(asc(field))).map(placeOf);
    const falling = (await rowsBy(desc(field))).map(placeOf);

    expect(rising).toEqual([...rising].sort(([a, b], [c, d]) => compare(a, c) || compare(b, d)));
    expect(falling).toEqual([...rising].reverse());
  });
}

/** As SQLite orders what one column holds: nothing first. */
function compare(a: unknown, b: unknown): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  if (typeof a === "string" && typeof b === "string") return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return Number(a) - Number(b);
}

/** Only what is listed may be asked for, and no question reaches another tenant. */
export function filtering(scene: Scene, sample: Sample): void {
  const { filters, list } = sample;
  if (!filters || !list) return;

  it.each(filters)("is found by %s, and only where it equals", async (field) => {
    const { page, names } = await listed(scene, sample);
    const all = (await page({ per_page: 100 })).rows;
    const wanted = all.find((row) => row[field] !== undefined && row[field] !== "")?.[field];

    const { rows } = await page({ per_page: 100, q: `${field}:${quoted(wanted)}` });

    expect(wanted).toBeDefined();
    expect(names(rows).sort()).toEqual(names(all.filter((row) => row[field] === wanted)).sort());
  });

  it("answers questions about anything else without an error and without another tenant's rows", async () => {
    const { page, names, tenant } = await listed(scene, sample);
    const all = names((await page({ per_page: 100 })).rows);

    for (const q of hostile(tenant)) {
      const rows = names((await page({ per_page: 100, q })).rows);
      expect(rows.filter((row) => !all.includes(row))).toEqual([]);
    }
  });

  if (sample.global) return;

  it("passes over a question that it may not be asked", async () => {
    const { page, names } = await listed(scene, sample);
    const all = names((await page({ per_page: 100 })).rows);

    for (const q of ["tenant_id:tenant-1", "nope:1", "-_exists_:doc"]) {
      expect([[], all].map(String)).toContainEqual(String(names((await page({ per_page: 100, q })).rows)));
    }
  });
}

const quoted = (value: unknown) => (typeof value === "string" ? `"${value.replace(/[\\"]/g, "\\$&")}"` : String(value));

const hostile = (tenant: string): string[] => [
  "tenant_id:tenant-1",
  `-tenant_id:${tenant}`,
  `tenant_id:tenant-1 OR tenant_id:${tenant}`,
  "_exists_:tenant_id",
  "tenant_id:>0",
  "doc:{} OR rowid:1",
  "name:' or 1=1 --",
  'name:"\\" or 1=1 --"',
  "*:*",
  '"',
  " OR ",
  "(",
];
