import type { DataAdapters } from "@authhero/adapter-interfaces";
import { createLocalTenantMembersBackend, type TenantMembersBackend } from "authhero";
import { CONSOLE_CLIENT_ID } from "./console-client.ts";

export type { TenantMembersBackend };

export interface TeamBackendOptions {
  readonly organizationId: string;
  readonly controlPlaneTenantId: string;
  /** The control plane's: where invitations are accepted. */
  readonly issuer: string;
}

/**
 * AuthHero's own work on a team, which is an organization of the control plane: on the one given, and on no other. It
 * sends no mail: AuthHero would hide that it failed.
 */
export const teamBackend = (adapters: DataAdapters, options: TeamBackendOptions): TenantMembersBackend =>
  createLocalTenantMembersBackend({
    data: within(adapters, options.organizationId),
    controlPlaneTenantId: options.controlPlaneTenantId,
    issuer: options.issuer,
    invitationClientId: CONSOLE_CLIENT_ID,
  });

/** Adapters in which the one organization is found, by id or by name, and no other. */
function within(adapters: DataAdapters, organizationId: string): DataAdapters {
  const { organizations } = adapters;
  return {
    ...adapters,
    organizations: {
      ...organizations,
      async get(home, idOrName) {
        const own = await organizations.get(home, organizationId);
        return own && [own.id, own.name].includes(idOrName) ? own : null;
      },
    },
  };
}
