interface Explanation {
  /** What is not as it should be. */
  readonly means: string;
  /** What repairing does; null where that is for people to decide. */
  readonly repair: string | null;
}

/**
 * Every way in which registry, providers, organizations and directories can disagree, and what repairing does about it.
 * `docs/reconcile.md` is this table. The names are stored and shown, so never renamed.
 *
 * What is only reported is what could be somebody's data, or somebody's own: nothing is deleted on a suspicion.
 */
export const FINDINGS = {
  operation_stalled: {
    means: "an operation has failed for good, or nobody has been at it for ten minutes",
    repair: "it is resumed, and its attempts are counted anew",
  },
  operation_obsolete: {
    means: "an unfinished operation does not fit the tenant's state, or is of a tenant that is not there",
    repair: "it is abandoned",
  },
  operation_missing: {
    means: "a tenant is being made, deleted or brought back, and no operation does it",
    repair: "that operation begins anew; a deletion keeps the undelete window",
  },
  purge_unscheduled: {
    means: "a deleted tenant has no date for its purge",
    repair: "it is deleted again, which gives it the whole window",
  },
  purge_overdue: {
    means: "a deleted tenant should have been purged more than ten minutes ago",
    repair: "it is purged",
  },
  tag_unclaimed: {
    means: "the tag of a tenant is not noted as in use, so it could be given out again",
    repair: "it is noted, unless another tenant has it",
  },
  tenant_row_missing: { means: "a tenant has a database, but no name and settings", repair: null },
  provider_unknown: { means: "a tenant lives at a provider that is not configured", repair: null },
  database_missing: { means: "the database of a tenant is not at its provider", repair: null },
  database_foreign: { means: "the database of a tenant says that it is another's", repair: null },
  database_unreachable: { means: "the database of a tenant could not be looked at", repair: null },
  database_retained: {
    means: "the database of a tenant that is served is put away",
    repair: "it is put back",
  },
  database_open: {
    means: "the database of a deleted tenant still answers",
    repair: "it is put away",
  },
  organization_missing: {
    means: "a tenant has no organization on the control plane",
    repair: "it is made, under the id it had; one that somebody else has made under the tenant's name is never taken",
  },
  organization_misnamed: {
    means: "a tenant's organization is not called like the tenant",
    repair: "it is renamed, unless the name is taken",
  },
  client_unlisted: {
    means: "an application of a tenant is not in the directory by which requests without a tenant find it",
    repair: "it is entered",
  },
  client_directory_stale: {
    means: "the directory leads to a tenant or an application that is not there",
    repair: "the entry is removed",
  },
  state_directory_stray: {
    means: "the state of a foreign login leads to a tenant that is not there",
    repair: "the entry is removed",
  },
  custom_domain_leftover: {
    means: "a custom domain, or a claim of one, is of a purged tenant, and perhaps keeps it from its next owner",
    repair: "it is removed",
  },
  placement_lost: { means: "a tag is in use, and no tenant has it: the registry has lost a tenant", repair: null },
  tenant_row_unplaced: { means: "a tenant has a name and settings, but no place for a database", repair: null },
  organization_foreign: {
    means: "an organization has the name of a tenant, and is not the tenant's",
    repair: null,
  },
  organization_leftover: {
    means: "an organization has the name of a purged tenant, and was made while that one lived",
    repair: null,
  },
  provider_unreachable: { means: "the databases of a provider could not be listed", repair: null },
  database_unknown: { means: "a database at a provider is none of ours", repair: null },
  database_unplaced: { means: "a database has the tag of a tenant that the registry has lost", repair: null },
  database_elsewhere: {
    means: "a database has the tag of a tenant whose placement names another database or another provider",
    repair: null,
  },
  database_leftover: {
    means: "a database has the tag of a purged tenant",
    repair: "it is destroyed, if it says itself that it is that tenant's, or nobody's yet",
  },
  file_companion: {
    means: "the log (`-wal`) or index (`-shm`) of a database lies where its database is not",
    repair: "it is removed if its tenant is purged, or if nothing is in it",
  },
  file_half_made: {
    means: "a copy of a database was never finished, and its process is gone",
    repair: "it is removed",
  },
  file_twice: { means: "a database is both in use and put away", repair: null },
  file_unknown: { means: "a file among the databases is none of ours", repair: null },
} as const satisfies Record<string, Explanation>;

export type FindingKind = keyof typeof FINDINGS;

/** How a tenant may differ from what the control plane shares: lacks it, has it otherwise, has it still, has its own. */
export const SYNC_FINDINGS = ["sync_missing", "sync_different", "sync_leftover", "sync_collision"] as const;

export type SyncFindingKind = (typeof SYNC_FINDINGS)[number];

/** What a change would do in a tenant before it is made. */
export const SYNC_PLAN_FINDINGS = [
  "sync_create",
  "sync_adopt",
  "sync_update",
  "sync_remove",
  "sync_collision",
  "sync_nothing",
] as const;

export type SyncPlanFindingKind = (typeof SYNC_PLAN_FINDINGS)[number];

/**
 * What the rotation of the encryption key finds of a tenant, key by key: values under an older key, values under a key
 * that ENCRYPTION_KEY does not have, values that their key does not open, and a deleted tenant that may come back.
 */
export const KEY_FINDINGS = ["key_older", "key_missing", "key_refused", "key_deleted_tenant"] as const;

export type KeyFindingKind = (typeof KEY_FINDINGS)[number];

/** Whatever a job may find: each kind of job finds its own. */
export type AnyFindingKind = FindingKind | SyncFindingKind | SyncPlanFindingKind | KeyFindingKind;

/** One disagreement. */
export interface Finding<K extends string = FindingKind> {
  readonly kind: K;
  readonly tenantId: string | null;
  readonly provider: string | null;
  /** The database, file, organization, operation, tag, client or tenant it is about. */
  readonly subject: string;
  /** What else is known of it: a reason, a state, a name. */
  readonly detail: string | null;
}

/** What became of a finding: `left` for those that are only reported, `gone` when it was no longer so. */
export type FindingOutcome = "found" | "repaired" | "left" | "gone" | "failed";

/** Whether two looks have seen the same thing. */
export const isSame = (one: Finding) => (other: Finding) =>
  one.kind === other.kind &&
  one.tenantId === other.tenantId &&
  one.provider === other.provider &&
  one.subject === other.subject;

export const finding = (
  kind: FindingKind,
  subject: string,
  about: Partial<Pick<Finding, "tenantId" | "provider" | "detail">> = {},
): Finding => ({ kind, subject, tenantId: null, provider: null, detail: null, ...about });
