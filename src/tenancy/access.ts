/**
 * Whether a token of the control plane reaches a tenant. Without an organization it reaches the control plane only;
 * with one, the tenant that organization stands for and nothing else, the control plane neither. Upper and lower case
 * make no difference.
 *
 * `organizationId` is the token's `org_id`, undefined when it has none; `organizationName` its `org_name`, which is
 * the tenant's id. Without a name, an organization whose id is the tenant's id is meant.
 */
export function validateTenantAccess(
  organizationId: string | undefined,
  targetTenantId: string,
  controlPlaneTenantId: string,
  organizationName?: string,
): boolean {
  const target = targetTenantId.toLowerCase();
  const isControlPlane = target === controlPlaneTenantId.toLowerCase();
  if (organizationId === undefined) return organizationName === undefined && isControlPlane;
  return !isControlPlane && target !== "" && (organizationName ?? organizationId).toLowerCase() === target;
}
