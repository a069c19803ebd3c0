import { createFirstAdministrators } from "../../provisioning/first-administrators.ts";
import type { OrganizationOf } from "../../provisioning/organization.ts";
import type { Placement } from "../../provisioning/placements.ts";
import { CONSOLE_CLIENT_ID, ensureConsoleClient } from "../auth/console-client.ts";
import { invitationMail } from "../auth/mail/invitation.ts";
import { isOperatorsScope } from "../auth/management-api.ts";
import { ensureTeamRole, findRole } from "../auth/roles.ts";
import type { Config } from "../config.ts";
import type { Statement } from "../db/database.ts";
import { PlatformError } from "../domain/errors.ts";
import { prefixedId } from "../domain/ids.ts";
import { inviteInsert } from "../entities/invites.ts";
import type { ControlPlane } from "./control-plane.ts";
import type { Mailing } from "./mail.ts";
import { organizationIn } from "./organizations.ts";

/** What a tenant's creator and its invited administrators get in its organization, besides the team's own role. */
export interface FirstRights {
  /** Names of roles on the control plane. They must exist. */
  readonly defaultRoles?: readonly string[];
  /** Scopes that are added to the control plane's management API and to the team's role. */
  readonly defaultPermissions?: readonly string[];
}

export interface TeamNeeds extends FirstRights {
  readonly config: Pick<Config, "ISSUER">;
  readonly mailing: Pick<Mailing, "requireSender" | "send">;
}

const DEFAULT_PERMISSIONS: readonly string[] = ["tenant:admin"];

/** As long as AuthHero's own invitations live. */
const INVITATION_SECONDS = 604_800;

/** Those who administer one tenant: members of its organization on the control plane. */
export interface Team {
  readonly organizationOf: OrganizationOf;
  /** The statement that keeps whom a creation is to invite. */
  readonly wanting: (tenantId: string, email: string) => Statement;
  /** Throws when an invitation could not be sent, before anything has begun. */
  readonly requireInvitable: () => Promise<void>;
  /** Invites whoever a creation is to invite, once. */
  readonly invite: (placement: Placement, alongside: readonly Statement[]) => Promise<void>;
  /** The ids of the roles that a creator and those invited first get. */
  readonly firstRoles: () => Promise<readonly string[]>;
  /** Mails an invitation into a tenant's team. */
  readonly sendInvitation: (tenantId: string, invited: Invited) => Promise<void>;
  /** The statement that forgets whom a tenant's creation was to invite. */
  readonly forgetting: (tenantId: string) => Statement;
}

/**
 * Makes what every team needs on the control plane: the role, and the console's client. Each start does it. Throws
 * `invalid`: `unknown_default_role`, `operators_permission`.
 */
export async function ensureTeams(
  controlPlane: Pick<ControlPlane, "tenantId" | "adapters">,
  callbacks: readonly string[],
  rights: FirstRights,
): Promise<void> {
  await ensureConsoleClient(controlPlane.adapters, controlPlane.tenantId, callbacks);
  await rolesIn(controlPlane, rights)();
}

/** How a tenant gets its team. */
export function createTeam(controlPlane: ControlPlane, needs: TeamNeeds): Team {
  const { tenantId, adapters } = controlPlane;
  const firstRoles = rolesIn(controlPlane, needs);
  const administrators = createFirstAdministrators(controlPlane);

  return {
    organizationOf: organizationIn(controlPlane, firstRoles),
    wanting: administrators.wanting,
    forgetting: administrators.forgetting,
    firstRoles,
    sendInvitation: (id, invited) => sendInvitation(controlPlane, needs, id, invited),
    requireInvitable: () => needs.mailing.requireSender(tenantId),

    async invite(placement, alongside) {
      const wanted = await administrators.find(placement.tenantId);
      if (!wanted) return;
      const invitation =
        wanted.invitationId === null
          ? await createInvitation(wanted.email, placement, alongside)
          : // Null when it was accepted or taken back: then its mail has arrived.
            await adapters.invites.get(tenantId, wanted.invitationId);
      if (invitation) await sendInvitation(controlPlane, needs, placement.tenantId, invitation);
      await administrators.forget(placement.tenantId);
    },
  };

  async function createInvitation(email: string, placement: Placement, alongside: readonly Statement[]) {
    const { organizationId } = placement;
    if (organizationId === null) {
      throw new PlatformError("internal", "organization_missing", `${placement.tenantId} has no organization`);
    }
    const id = prefixedId("inv");
    const invitation = {
      id,
      organization_id: organizationId,
      client_id: CONSOLE_CLIENT_ID,
      inviter: { name: await nameOf(controlPlane, tenantId) },
      invitee: { email },
      invitation_url: invitationUrl(needs.config.ISSUER, id, organizationId),
      roles: [...(await firstRoles())],
      ttl_sec: INVITATION_SECONDS,
    };
    await controlPlane.registry.ifUnchanged(placement, [
      inviteInsert(controlPlane.store, tenantId, invitation).compile(),
      administrators.inviting(placement.tenantId, id),
      ...alongside,
    ]);
    return invitation;
  }
}

/** The ids of the roles of a first administrator, looked up each time: somebody may have made them anew. */
export function rolesIn({ tenantId, adapters }: Pick<ControlPlane, "tenantId" | "adapters">, rights: FirstRights) {
  const { defaultRoles = [], defaultPermissions = DEFAULT_PERMISSIONS } = rights;
  const operators = defaultPermissions.filter(isOperatorsScope);
  if (operators.length > 0) {
    const message = `defaultPermissions: ${operators.join(", ")} is for operators only; give it to them by a role`;
    throw new PlatformError("invalid", "operators_permission", message);
  }
  const permissions = defaultPermissions.map((value) => ({ value, description: `Administer one tenant: ${value}` }));
  const roleIdOf = async (name: string) => {
    const role = await findRole(adapters, tenantId, name);
    if (role) return role.id;
    const message = `defaultRoles: there is no role ${name} on the control plane; create it first`;
    throw new PlatformError("invalid", "unknown_default_role", message);
  };
  return async (): Promise<readonly string[]> => [
    await ensureTeamRole(adapters, tenantId, permissions),
    ...(await Promise.all(defaultRoles.map(roleIdOf))),
  ];
}

/** What of an invitation its mail tells. */
export interface Invited {
  readonly invitee?: { readonly email?: string | undefined } | undefined;
  readonly inviter?: { readonly name?: string | undefined } | undefined;
  readonly invitation_url: string;
  readonly ttl_sec?: number | undefined;
}

async function sendInvitation(controlPlane: ControlPlane, { mailing }: TeamNeeds, tenantId: string, invited: Invited) {
  const tenant = await nameOf(controlPlane, tenantId);
  const mail = invitationMail({
    to: invited.invitee?.email ?? "",
    inviter: invited.inviter?.name ?? tenant,
    tenant,
    url: invited.invitation_url,
    secondsToLive: invited.ttl_sec ?? INVITATION_SECONDS,
  });
  await mailing.send(controlPlane.tenantId, "tenant-invitation", mail);
}

const nameOf = async ({ adapters }: ControlPlane, tenantId: string): Promise<string> =>
  (await adapters.tenants.get(tenantId))?.friendly_name ?? tenantId;

/** Where AuthHero lets an invitation be accepted. */
function invitationUrl(issuer: string, invitation: string, organization: string): string {
  const url = new URL("u2/accept-invitation", issuer);
  url.search = new URLSearchParams({ invitation, organization }).toString();
  return url.href;
}
