/** The steps of each operation, in order, without the one that happens in the batch that begins it. */
export const STEPS = {
  create: [
    "create-database",
    "verify-schema",
    "write-identity",
    "signing-key",
    "seed-defaults",
    "sync-entities",
    "organization",
    "verify",
    "invitation",
    "activate",
  ],
  remove: ["fence", "retain", "tombstone"],
  undelete: ["release", "verify", "activate"],
  purge: ["fence", "destroy-database", "remove-records"],
} as const;

/** What can be asked for of a street and is done in steps. */
export type SteppedVerb = keyof typeof STEPS;
