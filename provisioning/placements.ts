import type { Selectable } from "kysely";
import type { SealedColumn } from "../src/db/resealing.ts";
import { type KeyRing, seal, unseal } from "../src/db/seal.ts";
import { DatabaseName, Tag } from "../src/domain/names.ts";
import type { TenantState } from "../src/domain/tenants.ts";
import type { Location, Place } from "./providers/provider.ts";
import type { PlacementRow } from "./tables.ts";

/** Where one tenant's database is, and how the tenant stands. */
export interface Placement {
  readonly tenantId: string;
  readonly state: TenantState;
  readonly tag: Tag;
  /** Counts the databases of one incarnation. */
  readonly generation: number;
  readonly provider: string;
  /** Where at the provider it is to be, as was decided at the creation; null where there is nothing to decide. */
  readonly place: Place | null;
  readonly database: DatabaseName;
  /** Null until the database was made. */
  readonly location: Location | null;
  /** Stands in the database too: see `ownership.ts`. */
  readonly nonce: string;
  /** The hash of the migrations the database has; null until it was made. */
  readonly schemaVersion: string | null;
  readonly epoch: number;
  readonly organizationId: string | null;
  /** When this incarnation began (ISO 8601): what was issued before belongs to another. */
  readonly incarnationAt: string;
  readonly outboxPendingSince: string | null;
  readonly syncedVersion: number;
  /** What a deleted tenant goes back to; null while it is not deleted, and for one that never was ready. */
  readonly restoreState: TenantState | null;
  /** When a deleted tenant is purged (ISO 8601). */
  readonly purgeAt: string | null;
  /** The verified domains of its own, the canonical one first. */
  readonly domains: readonly string[];
  /** When the last copy of its database began (ISO 8601); null while there is none that we have made. */
  readonly lastBackup: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** A placement without its location: what can be read without the key that seals that. */
export type Standing = Omit<Placement, "location">;

/** A row as code sees it. Throws `internal` (`unseal_failed`) when the key of its secret is not in the ring. */
export const toPlacement = (keyRing: KeyRing, row: Selectable<PlacementRow>): Placement => ({
  ...toStanding(row),
  location: locationOf(keyRing, row),
});

/** The same without its location. */
export function toStanding(row: Selectable<PlacementRow>): Standing {
  return {
    tenantId: row.tenant_id,
    state: row.state,
    tag: Tag.parse(row.tag),
    generation: row.generation,
    provider: row.provider,
    place: placeOf(row),
    database: DatabaseName.parse(row.database),
    nonce: row.nonce,
    schemaVersion: row.schema_version,
    epoch: row.epoch,
    organizationId: row.organization_id,
    incarnationAt: row.incarnation_at,
    outboxPendingSince: row.outbox_pending_since,
    syncedVersion: row.synced_version,
    restoreState: row.restore_state,
    purgeAt: row.purge_at,
    domains: JSON.parse(row.domains) as string[],
    // A control plane that is only looked at may be of before the column.
    lastBackup: row.last_backup ?? null,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function placeOf({ place_group: group, place_region: region }: Selectable<PlacementRow>): Place | null {
  if (group === null && region === null) return null;
  return { ...(group !== null && { group }), ...(region !== null && { region }) };
}

/** The columns of a location: its secret is sealed for this tenant's incarnation and opens for no other. */
export function toLocationColumns(keyRing: KeyRing, { tenantId, tag }: SecretOwner, { locator, secret }: Location) {
  return { locator, secret: secret === undefined ? null : seal(keyRing, secret, aadOf({ tenantId, tag })) };
}

function locationOf(keyRing: KeyRing, row: Selectable<PlacementRow>): Location | null {
  if (row.locator === null) return null;
  if (row.secret === null) return { locator: row.locator };
  const aad = aadOf({ tenantId: row.tenant_id, tag: row.tag });
  return { locator: row.locator, secret: unseal(keyRing, row.secret, aad) };
}

interface SecretOwner {
  readonly tenantId: string;
  readonly tag: string;
}

/** Where the credentials of databases stand. */
export const SEALED_LOCATIONS: SealedColumn = {
  table: "rh_placements",
  field: "secret",
  home: "column",
  key: ["tenant_id"],
  besides: ["tag"],
  boundTo: ({ tenant_id, tag }) => aadOf({ tenantId: String(tenant_id), tag: String(tag) }),
};

const aadOf = ({ tenantId, tag }: SecretOwner) => `rh_placements.secret ${tenantId} ${tag}`;
