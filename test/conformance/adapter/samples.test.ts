import { describe, expect, it } from "vitest";
import { z } from "zod";
import { SAMPLES } from "../../support/samples.ts";
import { patchOf } from "../../support/samples-shapes.ts";
import { optionalFieldsOf } from "../../support/samples-values.ts";

const NUMBERS = Array.from({ length: 12 }, (_, n) => n);

describe.each(SAMPLES)("the sample of %s", (_name, sample) => {
  it("is what its schema allows, whichever of its choices are taken", () => {
    const issues = NUMBERS.map((n) => z.safeParse(sample.insert, sample.value(n)).error?.issues);

    expect(issues.filter(Boolean)).toEqual([]);
  });

  it("says something in every field there is", () => {
    const optional = optionalFieldsOf(sample.insert);
    const given = NUMBERS.flatMap((n) => Object.entries(sample.value(n)));
    const said = new Set(given.filter(([, value]) => value !== undefined && value !== null).map(([field]) => field));

    // Nobody is linked to anybody, for walks would hide them.
    expect(optional.filter((field) => !said.has(field) && field !== "linked_to")).toEqual([]);
  });

  it("changes what can be changed", () => {
    const [one, two] = [patchOf(sample, 1), patchOf(sample, 2)];

    if (sample.update) expect(one).not.toEqual(two);
  });
});
