import type { Operation, OperationKind } from "./schemas.ts";

/** Work that has begun and ends by itself. */
export interface Accepted {
  readonly operationId: string;
  /** Settles with the first attempt; what it throws is written down, and tried again. */
  readonly ended: Promise<void>;
}

/** What the routes of operations need done. */
export interface OperationsService {
  get(id: string): Promise<Operation | null>;
  /** Newest first, those of earlier tenants of that id included. */
  list(tenantId: string): Promise<readonly Operation[]>;
  /**
   * Resumes what has failed, purges a deleted tenant, gives a database new credentials, or makes a tenant read-only.
   * Throws `not_found` (`tenant_not_found`), `forbidden` (`control_plane`), `conflict` (`nothing_to_resume`,
   * `tenant_not_deleted`, `not_supported`, `illegal_transition`), `unavailable` (`operation_running`).
   */
  begin(tenantId: string, kind: OperationKind, initiator: string): Promise<Accepted>;
}
