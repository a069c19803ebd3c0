import { PlatformError } from "../../src/domain/errors.ts";
import type { Place } from "./provider.ts";
import type { Platform } from "./turso-platform.ts";

interface Needs {
  /** The usual one. */
  readonly group: string;
  /** Further ones. */
  readonly groups: readonly string[];
  /** Where the usual one is made when it is missing. */
  readonly location?: string | undefined;
}

/**
 * Turso's databases live in groups, and a group in a region: its primary location. So a wish for a region is a wish for
 * the first of our groups that is there. The usual place needs no question to Turso.
 */
export function createPlaces({ locations }: Pick<Platform, "locations">, { group, groups, location }: Needs) {
  const ours = [...new Set([group, ...groups])];

  return async (wish: Place): Promise<Place> => {
    if (wish.group === undefined && wish.region === undefined) return { group };
    if (wish.group !== undefined && !ours.includes(wish.group)) throw unknown("group", ours);
    const known = await locations();
    const regionOf = (one: string) => known.get(one) ?? (one === group ? location : undefined);
    const there = ours.filter((one) => regionOf(one) !== undefined);
    const candidates = there.filter((one) => wish.group === undefined || one === wish.group);
    if (candidates.length === 0) throw unknown("group", there);
    const found = candidates.find((one) => wish.region === undefined || regionOf(one) === wish.region);
    const region = found && regionOf(found);
    if (!found || !region) throw unknown("region", [...new Set(candidates.map((one) => regionOf(one) ?? ""))]);
    return { group: found, region };
  };
}

function unknown(member: "group" | "region", existing: readonly string[]): PlatformError {
  return new PlatformError("invalid", `unknown_${member}`, `${member}: must be one of ${existing.join(", ")}`);
}
