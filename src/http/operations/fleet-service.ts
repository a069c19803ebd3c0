import type { FleetDetail, FleetOperation, FleetPlan, NewFleetOperation } from "./fleet-schemas.ts";

/** A page of fleet operations, and where the next one begins. */
export interface FleetPage {
  readonly operations: readonly FleetOperation[];
  readonly next?: string;
}

export interface Paging {
  /** `next` of the page before. */
  readonly from?: string | undefined;
  readonly take: number;
}

/** A page of the tenants on which an operation has failed, and one of what it has found. */
export interface DetailPaging extends Paging {
  /** `next` of the page of findings before. */
  readonly findings_from?: string | undefined;
}

/** What the routes of operations on many tenants need done. */
export interface FleetService {
  /** Newest first. Throws `invalid` (`invalid_cursor`). */
  list(paging: Paging & { readonly kind?: NewFleetOperation["kind"] | undefined }): Promise<FleetPage>;
  /** With a page of the tenants on which it has failed, and of what it found. Null when there is none of that id. */
  get(id: string, paging: DetailPaging): Promise<FleetDetail | null>;
  /** What `begin` would do now. Throws what that throws for wrong tenants. */
  plan(asked: NewFleetOperation): Promise<FleetPlan>;
  /**
   * Begins one and answers its id. Throws `invalid` (`unknown_tenant`) for tenants and canaries that are none,
   * (`not_supported`) where there is no choosing, and `conflict` (`operation_running`) while one of its kind is not over,
   * (`key_not_everywhere`) for new encryption keys that another process does not have.
   */
  begin(asked: NewFleetOperation, initiator: string): Promise<string>;
}
