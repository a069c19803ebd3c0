import type { Statement } from "../src/db/database.ts";
import { PlatformError } from "../src/domain/errors.ts";
import type { Placement } from "./placements.ts";
import type { Registry } from "./registry.ts";

/** What is to stand for a tenant on the control plane: its members administer the tenant. */
export interface NewOrganization {
  readonly id: string;
  /** Make it, and whatever it begins with. They run with the record of its id in the placement or not at all. */
  readonly statements: readonly Statement[];
}

/**
 * Says how a tenant's organization is made; with the id it had, where it has got lost. `creator`: who has asked for the
 * tenant; null when nobody knows.
 */
export type OrganizationOf = (placement: Placement, creator: string | null) => Promise<NewOrganization>;

/**
 * Makes a tenant's organization, unless it has one: in one batch with its id in the placement, so that a crash leaves
 * both or neither. One of that name which is there already was made by somebody else, and is never taken over:
 * `conflict` (`organization_exists`).
 */
export async function ensureOrganization(
  registry: Pick<Registry, "recordOrganization">,
  organizationOf: OrganizationOf,
  placement: Placement,
  creator: string | null,
  alongside: readonly Statement[] = [],
): Promise<void> {
  if (placement.organizationId !== null) return;
  const { id, statements } = await organizationOf(placement, creator);
  try {
    await registry.recordOrganization(placement, id, [...statements, ...alongside]);
  } catch (error) {
    throw isOrganizationTaken(error) ? organizationExists(placement.tenantId, error) : error;
  }
}

/** Whether a batch was stopped by an organization that is there already. The database names the columns. */
export const isOrganizationTaken = (error: unknown): boolean =>
  error instanceof PlatformError && error.reason === "unique_violation" && /\borganizations\./.test(error.message);

export function organizationExists(name: string, cause?: unknown): PlatformError {
  const message = `There is an organization ${name} on the control plane already: rename or delete it first`;
  return new PlatformError("conflict", "organization_exists", message, { cause });
}
