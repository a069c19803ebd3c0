import { MANAGEMENT_API_AUDIENCE, MANAGEMENT_API_SCOPES } from "authhero";

export { MANAGEMENT_API_AUDIENCE };

/** A scope of an API, as Auth0 writes it. */
export interface Scope {
  readonly value: string;
  readonly description?: string;
}

/** Scopes that routes of AuthHero's ask for and its own list lacks: without them nobody could call those. */
export const UNLISTED_SCOPES: readonly Scope[] = [{ value: "delete:prompts", description: "Delete custom texts" }];

/** Every scope of the management API, for the API's own registration in a tenant. */
export const managementScopes = (): Scope[] =>
  [...MANAGEMENT_API_SCOPES, ...UNLISTED_SCOPES].map((scope) => ({ ...scope }));

/** What operators may do to the lives of tenants. On the control plane only; some of them AuthHero knows too. */
export const LIFECYCLE_SCOPES: readonly Scope[] = [
  { value: "create:tenants", description: "Create tenants" },
  { value: "delete:tenants", description: "Delete tenants, and bring them back" },
  { value: "suspend:tenants", description: "Suspend and reactivate tenants" },
  { value: "create:tenant_operations", description: "Resume operations on tenants, and purge" },
  { value: "read:tenant_operations", description: "Read what was done to tenants" },
];

/** What operators alone may do. AuthHero's own "Tenant Admin" holds these; nobody gets it from us. */
const OPERATORS_SCOPES: ReadonlySet<string> = new Set([
  "admin:organizations",
  "create:tenants",
  "suspend:tenants",
  "create:tenant_operations",
]);

/** Whether a scope is for operators only. */
export const isOperatorsScope = (scope: string): boolean => OPERATORS_SCOPES.has(scope);
