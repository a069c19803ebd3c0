import type { SyncedEntity } from "../tenancy/protect-synced.ts";

/** A row that the control plane may own. */
export interface SyncedRow {
  readonly entity: SyncedEntity;
  readonly id: string;
}

/** The collections of the Management API whose rows may be synced. */
const COLLECTIONS: Readonly<Record<string, SyncedEntity>> = {
  "client-grants": "clientGrants",
  connections: "connections",
  "resource-servers": "resourceServers",
  roles: "roles",
};

const READS = ["GET", "HEAD", "OPTIONS"];

/** The collection that a path is in or below, wherever the API is mounted; undefined for other paths. */
export const syncedCollection = (path: string): SyncedEntity | undefined => placeOf(path)?.entity;

/** The row that a request changes, itself or what belongs to it; null when it changes none that could be synced. */
export function changedRow(method: string, path: string): SyncedRow | null {
  const place = READS.includes(method) ? null : placeOf(path);
  return place?.id ? { entity: place.entity, id: place.id } : null;
}

function placeOf(path: string): { entity: SyncedEntity; id: string | undefined } | null {
  const segments = path.split("/").filter((segment) => segment !== "");
  const at = segments.findIndex((segment) => Object.hasOwn(COLLECTIONS, segment));
  const entity = COLLECTIONS[segments[at] ?? ""];
  return entity ? { entity, id: plain(segments[at + 1]) } : null;
}

/** Routers decode what is between slashes; what cannot be decoded is nobody's id. */
function plain(segment: string | undefined): string | undefined {
  if (segment === undefined) return undefined;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
