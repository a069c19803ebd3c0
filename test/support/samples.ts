import * as configuration from "./samples-configuration.ts";
import * as people from "./samples-people.ts";
import * as sessions from "./samples-sessions.ts";
import type { Sample, Stored } from "./samples-shapes.ts";
import * as shared from "./samples-shared.ts";

const { roleUsers, ...ofPeople } = people;

/** One per member of the contract that stores something: a member that is new to the contract does not compile. */
const MEMBERS = { ...configuration, ...ofPeople, ...sessions, ...shared } satisfies Record<keyof Stored, Sample>;

const NAMED = { ...MEMBERS, "userRoles.listUsers": roleUsers };

export type SampleName = keyof typeof NAMED;

/** All samples by name, and those of members that show their rows from two sides. */
export const SAMPLES: readonly (readonly [name: string, sample: Sample])[] = Object.entries(NAMED);

export const sampleOf = (name: SampleName): Sample => NAMED[name];
