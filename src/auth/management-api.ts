import { MANAGEMENT_API_AUDIENCE, MANAGEMENT_API_SCOPES } from "authhero";

export { MANAGEMENT_API_AUDIENCE };

/** A scope of an API, as Auth0 writes it. */
export interface Scope {
  readonly value: string;
  readonly description?: string;
}

/** Every scope of the management API, for the API's own registration in a tenant. */
export const managementScopes = (): Scope[] => MANAGEMENT_API_SCOPES.map((scope) => ({ ...scope }));
