import { expect, it } from "vitest";
import { patchOf } from "../../support/samples-shapes.ts";
import { optionalFieldsOf } from "../../support/samples-values.ts";
import { like, made, type Row, type Sample, type Scene, shownOf } from "./scene.ts";

// Enough for every member of the largest union, and for both sides of every choice.
const VARIANTS = [0, 1, 2, 3, 4];

const TIMES = ["created_at", "updated_at"];

/** No field, and no key inside of one, is lost or changed on its way to the database and back. */
export function roundTrip(scene: Scene, sample: Sample): void {
  const { get, list, update } = sample;
  if (!get && !list) return;

  it.each(VARIANTS)("comes back from create with every field it was given (%i)", async (n) => {
    const tenant = scene.tenant();
    const value = sample.value(n);
    const shown = shownOf(sample, value);

    const row = await made(scene, sample, tenant, value);

    const found = await get?.(scene.data, tenant, row);
    if (get) expect(like(shown, found)).toEqual(shown);
    if (found) expect(unexpected(sample, value, found)).toEqual([]);
    if (list) expect(partsOf((await list(scene.data, tenant, row)).rows, shown)).toContainEqual(shown);
  });

  it("keeps what its values hold besides what a schema knows, null included", async () => {
    const tenant = scene.tenant();
    const value = mapped(sample.value(0), enriched);
    const shown = shownOf(sample, value);

    const row = await made(scene, sample, tenant, value);

    expect(like(shown, (await get?.(scene.data, tenant, row)) ?? shown)).toEqual(shown);
  });

  if (!update) return;

  it.each(VARIANTS)("takes a change of every field (%i)", async (n) => {
    const tenant = scene.tenant();
    const row = await made(scene, sample, tenant, sample.value(n + 1));
    const patch = patchOf(sample, n);

    await update(scene.data, tenant, row, patch);

    expect(like(patch, await get?.(scene.data, tenant, row))).toEqual(patch);
  });
}

const mapped = (value: object, change: (inner: unknown) => unknown): Row =>
  Object.fromEntries(Object.entries(value).map(([field, inner]) => [field, change(inner)]));

/** An object, or the objects of a list, with more in them than anybody asked for. */
function enriched(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(enriched);
  return typeof value === "object" && value !== null
    ? { ...value, "un heard.of": { nothing: null, list: [null] } }
    : value;
}

/** What the rows say of the fields of `shown`. A list that shows less than `get` is taken at its word. */
const partsOf = (rows: readonly Row[], shown: Row): Row[] => rows.map((row) => like(shown, { ...shown, ...row }));

/** What a reader sees although nobody gave it. */
function unexpected(sample: Sample, value: object, found: object): string[] {
  const known = [...Object.keys(value), ...TIMES, "tenant_id", sample.key, ...(sample.computed ?? [])];
  const made = Object.keys(found).filter((field) => !known.includes(field));
  return made.filter((field) => !sample.adds?.includes(field));
}

function takesNulls(scene: Scene, sample: Sample, get: NonNullable<Sample["get"]>): void {
  it("takes null at creation for nothing", async () => {
    const tenant = scene.tenant();
    const { value, optional } = bareOf(sample);
    const nulls = Object.fromEntries(optional.map((field) => [field, null]));

    const row = await made(scene, sample, tenant, { ...value, ...nulls });

    const unset = Object.entries((await get(scene.data, tenant, row)) ?? {}).filter(([, shown]) => shown === null);
    expect(unset).toEqual([]);
  });
}

/** In a change, undefined says nothing and null says that there is nothing. */
export function clearing(scene: Scene, sample: Sample): void {
  const { get, update } = sample;
  if (!get) return;

  if (!sample.verbatim) takesNulls(scene, sample, get);
  if (!update) return;

  it("keeps what a change does not mention or mentions as undefined", async () => {
    const tenant = scene.tenant();
    const row = await made(scene, sample, tenant, sample.value(1));
    const before = await get(scene.data, tenant, row);
    const nothing = Object.fromEntries(Object.keys(patchOf(sample, 2)).map((field) => [field, undefined]));

    await update(scene.data, tenant, row, nothing);
    await update(scene.data, tenant, row, {});

    expect({ ...before, updated_at: null }).toEqual({ ...(await get(scene.data, tenant, row)), updated_at: null });
  });

  const never = Object.keys(sample.never ?? {}).filter((field) => field in patchOf(sample, 1));
  if (never.length > 0) {
    it("keeps something in what cannot be empty: null is refused there, or means the least there can be", async () => {
      const tenant = scene.tenant();
      const row = await made(scene, sample, tenant, sample.value(1));

      for (const field of never) {
        const status = await update(scene.data, tenant, row, { [field]: null }).then(
          () => 200,
          (error) => error.status,
        );

        expect([200, 400]).toContain(status);
        expect([field, valueIn(await get(scene.data, tenant, row), field)]).not.toEqual([field, undefined]);
      }
    });
  }

  const clearable = optionalFieldsOf(sample.read).filter(
    (field) => field in patchOf(sample, 1) && !(field in (sample.never ?? {})),
  );
  if (clearable.length === 0) return;

  it("loses what becomes null, and nothing else", async () => {
    const tenant = scene.tenant();
    const row = await made(scene, sample, tenant, sample.value(0));
    const bare = await bareRow(scene, sample);

    for (const field of clearable) {
      await update(scene.data, tenant, row, patchOf(sample, 1));
      const before = await get(scene.data, tenant, row);

      await update(scene.data, tenant, row, { [field]: null });

      const after = await get(scene.data, tenant, row);
      const cleared = valueIn(after, field);
      expect([field, cleared]).toEqual([field, cleared === undefined ? undefined : valueIn(bare, field)]);
      expect(apart(sample, field, after)).toEqual(apart(sample, field, before));
    }
  });
}

const valueIn = (row: object | null | undefined, field: string) => (row as Row | null | undefined)?.[field];

/** A row without one field, and without what follows from the others. */
const apart = (sample: Sample, field: string, row: object | null): Row =>
  Object.fromEntries(
    Object.entries(row ?? {}).filter(
      ([other]) => other !== field && other !== "updated_at" && !sample.computed?.includes(other),
    ),
  );

/** A value of which only what must be given is given, and what else there would be. */
function bareOf(sample: Sample) {
  const optional = optionalFieldsOf(sample.insert).filter(
    (field) => field !== sample.key && !(field in (sample.never ?? {})),
  );
  const value = Object.fromEntries(Object.entries(sample.value(9)).filter(([field]) => !optional.includes(field)));
  return { value, optional };
}

async function bareRow(scene: Scene, sample: Sample): Promise<object | null | undefined> {
  const tenant = scene.tenant();
  return sample.get?.(scene.data, tenant, await made(scene, sample, tenant, bareOf(sample).value));
}

const IMPORTED = { id: "imported", created_at: "2001-02-03T04:05:06.007Z", updated_at: "2002-03-04T05:06:07.008Z" };

/** An import keeps what is known from before. */
export function imports(scene: Scene, sample: Sample): void {
  const { get, key } = sample;
  if (!sample.imports || !get) return;
  const { id, ...times } = IMPORTED;

  it("keeps the id and the times it is imported with", async () => {
    const tenant = scene.tenant();
    const row = await made(scene, sample, tenant, sample.value(1), { importMetadata: IMPORTED });

    const found = await get(scene.data, tenant, sample.imports?.id && key ? { ...row, [key]: id } : row);

    expect(found).not.toBeNull();
    expect(found).toEqual({ ...found, ...like(shownTimes(found), times) });
  });

  it("was last changed when it was created, unless the import says otherwise", async () => {
    const tenant = scene.tenant();
    const importMetadata = { id, created_at: times.created_at };
    const row = await made(scene, sample, tenant, sample.value(1), { importMetadata });

    const found = await get(scene.data, tenant, sample.imports?.id && key ? { ...row, [key]: id } : row);

    const expected = { created_at: times.created_at, updated_at: times.created_at };
    expect(found).toEqual({ ...found, ...like(shownTimes(found), expected) });
  });
}

/** Some rows show no times. */
const shownTimes = (row: object | null): Row =>
  Object.fromEntries(Object.entries(row ?? {}).filter(([field]) => TIMES.includes(field)));
