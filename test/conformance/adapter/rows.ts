import { expect, it } from "vitest";
import { patchOf } from "../../support/samples-shapes.ts";
import { like, made, type Sample, type Scene, shownOf } from "./scene.ts";

/** Nobody sees, changes or deletes what is another tenant's. */
export function isolation(scene: Scene, sample: Sample): void {
  if (sample.global) return;
  const { get, list, update, remove, missing = {}, nothing = null } = sample;

  it("is neither seen nor changed nor deleted by another tenant", async () => {
    const [ours, theirs] = [scene.tenant(), scene.tenant()];
    const row = await made(scene, sample, ours, sample.value(1));
    const before = await snapshot(scene, sample, ours, row);

    expect(await get?.(scene.data, theirs, row)).toEqual(get && nothing);
    expect((await list?.(scene.data, theirs, row))?.rows).toEqual(list && []);
    const changed = update?.(scene.data, theirs, row, patchOf(sample, 2));
    if (missing.update === "throws") await expect(changed).rejects.toMatchObject({ code: "not_found" });
    else expect(await changed).toEqual(update && answerOf(missing, "update"));
    expect(await remove?.(scene.data, theirs, row)).toEqual(remove && answerOf(missing, "remove"));

    expect(await snapshot(scene, sample, ours, row)).toEqual(before);
  });

  it("may be the same for two tenants, and stays when the other's goes", async () => {
    const [ours, theirs] = [scene.tenant(), scene.tenant()];
    const row = await made(scene, sample, ours, sample.value(1));
    const before = await snapshot(scene, sample, ours, row);

    const other = await made(scene, sample, theirs, sample.value(1));
    await update?.(scene.data, theirs, other, patchOf(sample, 2));
    await remove?.(scene.data, theirs, other);

    expect(await snapshot(scene, sample, ours, row)).toEqual(before);
  });
}

async function snapshot({ data }: Scene, { get, list }: Sample, tenant: string, row: Awaited<ReturnType<typeof made>>) {
  return { got: await get?.(data, tenant, row), listed: await list?.(data, tenant, row) };
}

const answerOf = (missing: NonNullable<Sample["missing"]>, write: "update" | "remove") =>
  write in missing ? missing[write] : false;

/** What is not there cannot be changed or deleted, and saying so is not an error. */
export function absence(scene: Scene, sample: Sample): void {
  const { get, list, update, remove, missing = {}, nothing = null } = sample;
  const absent = { ...sample.value(1), ...(sample.key && { [sample.key]: "absent" }) };

  if (get || list) {
    it("is nothing before it was created", async () => {
      const tenant = scene.tenant();

      expect(await get?.(scene.data, tenant, absent)).toEqual(get && nothing);
      expect((await list?.(scene.data, tenant, absent))?.rows).toEqual(list && []);
    });
  }

  if (update && !sample.merges) {
    it("cannot be changed when it is not there, not even by an empty patch", async () => {
      for (const patch of [patchOf(sample, 2), {}]) {
        const changed = update(scene.data, scene.tenant(), absent, patch);

        if (missing.update === "throws")
          await expect(changed).rejects.toMatchObject({ code: "not_found", status: 404 });
        else expect(await changed).toEqual(answerOf(missing, "update"));
      }
    });
  }

  if (remove) {
    it("is deleted once, and the second time there is nothing to delete", async () => {
      const tenant = scene.tenant();
      const row = await made(scene, sample, tenant, sample.value(1));
      const rest = sample.single ? null : await made(scene, sample, tenant, sample.value(2));
      const untouched = rest && (await get?.(scene.data, tenant, rest));

      // Where a deletion answers nothing, it answers nothing in any case.
      expect(await remove(scene.data, tenant, row)).toEqual(
        "remove" in missing && missing.remove === undefined ? undefined : true,
      );
      expect(await get?.(scene.data, tenant, row)).toEqual(get && nothing);
      expect(await remove(scene.data, tenant, row)).toEqual(sample.removesAgain ?? answerOf(missing, "remove"));
      if (rest) expect(await get?.(scene.data, tenant, rest)).toEqual(untouched);
    });
  }
}

/** What must be unique is, and a caller can tell. */
export function uniqueness(scene: Scene, sample: Sample): void {
  const { unique = [], merges, imports, key } = sample;

  for (const fields of unique) {
    it(`is refused as a conflict when another has the same ${fields.join(" and ") || "tenant"}`, async () => {
      const tenant = scene.tenant();
      const first = await made(scene, sample, tenant, sample.value(1));
      const same = Object.fromEntries(fields.map((field) => [field, first[field]]));
      const before = await snapshot(scene, sample, tenant, first);

      const second = sample.create(scene.data, tenant, { ...sample.value(2), ...same });

      await expect(second).rejects.toMatchObject({ code: "conflict", status: 409 });
      expect(await snapshot(scene, sample, tenant, first)).toEqual(before);
    });
  }

  if (merges) {
    it("can be created again", async () => {
      const tenant = scene.tenant();
      const value = sample.value(1);

      await made(scene, sample, tenant, value);
      const row = await made(scene, sample, tenant, value);

      const shown = shownOf(sample, value);
      expect(like(shown, await sample.get?.(scene.data, tenant, row))).toEqual(shown);
      if (sample.list) expect((await sample.list(scene.data, tenant, row)).rows).toHaveLength(1);
    });
  }

  if (imports?.id && key) {
    it("is refused as a conflict when it is imported twice", async () => {
      const tenant = scene.tenant();
      const options = { importMetadata: { id: "imported" } };
      await made(scene, sample, tenant, sample.value(1), options);

      const second = sample.create(scene.data, tenant, sample.value(2), options);

      await expect(second).rejects.toMatchObject({ code: "conflict", status: 409 });
    });
  }
}

const UNHEARD_OF = { unheard_of: "value" };

/** A field that has no column is refused: what is dropped without a word is lost without a word. */
export function unknownFields(scene: Scene, sample: Sample): void {
  const { get, update, lenient } = sample;
  const refusal = { code: "invalid", reason: "unknown_field", status: 400 };

  it(
    lenient ? `takes unknown fields: ${lenient}` : "refuses fields it does not know, and keeps nothing of them",
    async () => {
      const tenant = scene.tenant();
      const value = sample.value(1);
      const create = () => made(scene, sample, tenant, { ...value, ...UNHEARD_OF });

      if (lenient) await create();
      else {
        await expect(create()).rejects.toMatchObject(refusal);
        await made(scene, sample, tenant, value);
      }
    },
  );

  if (update && !lenient) {
    it("refuses fields it does not know in a change, and changes nothing", async () => {
      const tenant = scene.tenant();
      const row = await made(scene, sample, tenant, sample.value(1));
      const before = await get?.(scene.data, tenant, row);

      const changed = update(scene.data, tenant, row, { ...patchOf(sample, 2), ...UNHEARD_OF });

      await expect(changed).rejects.toMatchObject(refusal);
      expect(await get?.(scene.data, tenant, row)).toEqual(before);
    });
  }
}
