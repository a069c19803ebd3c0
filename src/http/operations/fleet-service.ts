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

/** What the routes of operations on many tenants need done. */
export interface FleetService {
  /** Newest first. Throws `invalid` (`invalid_cursor`). */
  list(paging: Paging & { readonly kind?: NewFleetOperation["kind"] | undefined }): Promise<FleetPage>;
  /** With a page of the tenants on which it has failed. Null when there is none of that id. */
  get(id: string, failedTenants: Paging): Promise<FleetDetail | null>;
  /** What `begin` would do now. Throws what that throws for wrong tenants. */
  plan(asked: NewFleetOperation): Promise<FleetPlan>;
  /**
   * Begins one and answers its id. Throws `invalid` (`unknown_tenant`) for tenants and canaries that are none, and
   * `conflict` (`operation_running`) while one of its kind is not over.
   */
  begin(asked: NewFleetOperation, initiator: string): Promise<string>;
}
