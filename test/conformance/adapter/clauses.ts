import { describe } from "vitest";
import { SAMPLES } from "../../support/samples.ts";
import { describeCascades } from "./cascades.ts";
import { filtering, pages, sorting, walks } from "./lists.ts";
import { absence, isolation, uniqueness, unknownFields } from "./rows.ts";
import { type Transport, useScene } from "./scene.ts";
import { clearing, imports, roundTrip } from "./values.ts";

const CLAUSES = [
  ...[isolation, absence, uniqueness, unknownFields],
  ...[roundTrip, clearing, imports],
  ...[pages, walks, sorting, filtering],
];

/** What holds of every member that stores something, on one transport. */
export function describeAdapter(on: Transport): void {
  describe.each(SAMPLES)("%s", (_name, sample) => {
    const scene = useScene(on, sample);
    for (const clause of CLAUSES) clause(scene, sample);
  });
  describeCascades(on);
}
