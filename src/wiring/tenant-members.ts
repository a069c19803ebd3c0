import type { DataAdapters } from "@authhero/adapter-interfaces";
import { type Giver, isGivable, requireGivable } from "../auth/team-roles.ts";
import { type TenantMembersBackend, teamBackend } from "../auth/tenant-members.ts";
import type { Config } from "../config.ts";
import { PlatformError } from "../domain/errors.ts";
import { isMember } from "../entities/user-organizations.ts";
import { EVERYWHERE } from "../http/front/reach.ts";
import { tenantForbidden } from "../http/tenant-refusals.ts";
import { raisingEpochs } from "../tenancy/caching.ts";
import { currentContext } from "../tenancy/context.ts";
import { remembering } from "../tenancy/router.ts";
import type { ControlPlane } from "./control-plane.ts";
import type { Team } from "./team.ts";

interface TenantMembersNeeds {
  readonly config: Pick<Config, "ISSUER">;
  readonly team: Pick<Team, "firstRoles" | "requireInvitable" | "sendInvitation">;
}

/** More in one request is no person's doing. */
const IDS_MAX = 50;

/** Of one team at a time: whoever takes over an administrator's login floods no mailboxes. */
const INVITATIONS_MAX = 100;

/**
 * The work of AuthHero's team routes, on the organization of the one tenant that the guard has found the caller to
 * belong to. AuthHero believes the token's `org_name`; here it has to be the guard's word as well.
 */
export function createTenantMembers(controlPlane: ControlPlane, needs: TenantMembersNeeds): TenantMembersBackend {
  const { team } = needs;
  const { tenantId: home, registry, store } = controlPlane;
  const adapters = raisingEpochs(controlPlane.adapters, { raise: registry.raiseEpoch });
  const open = async (tenantId: string) => {
    const scopes = requireTeamOf(tenantId, home);
    const organizationId = (await registry.read(tenantId))?.organizationId ?? "";
    const backend = teamBackend(adapters, { organizationId, controlPlaneTenantId: home, issuer: needs.config.ISSUER });
    const giver = async (): Promise<Giver> => ({ scopes, firstRoles: await team.firstRoles() });
    return { backend, organizationId, giver };
  };

  return answering({
    listMembers: async (tenantId, page) => await (await open(tenantId)).backend.listMembers(tenantId, page),

    async addMembers(tenantId, userIds) {
      const { backend, giver } = await open(tenantId);
      // Before any id is looked up: who else is on the control plane is not the team's to find out.
      requireEverywhere(await giver());
      requireFew("user_ids", userIds);
      for (const id of userIds) {
        if (await adapters.users.get(home, id)) continue;
        throw new PlatformError("invalid", "unknown_user", `user_ids: there is no user ${id} on the control plane`);
      }
      await backend.addMembers(tenantId, userIds);
    },

    async removeMembers(tenantId, userIds) {
      const { backend } = await open(tenantId);
      requireFew("user_ids", userIds);
      await backend.removeMembers(tenantId, userIds);
    },

    listMemberRoles: async (tenantId, userId) => await (await open(tenantId)).backend.listMemberRoles(tenantId, userId),

    async assignMemberRoles(tenantId, userId, roleIds) {
      const { backend, organizationId, giver } = await open(tenantId);
      requireFew("roles", roleIds);
      if (!(await isMember(store, home, organizationId, userId))) throw memberNotFound();
      await requireGivable(adapters, home, roleIds, await giver());
      await backend.assignMemberRoles(tenantId, userId, roleIds);
    },

    async removeMemberRoles(tenantId, userId, roleIds) {
      const { backend } = await open(tenantId);
      requireFew("roles", roleIds);
      await backend.removeMemberRoles(tenantId, userId, roleIds);
    },

    /** Of the control plane's roles those that the caller may give. */
    async listRoles(tenantId, page) {
      const { backend, giver } = await open(tenantId);
      const [roles, by] = await Promise.all([backend.listRoles(tenantId, page), giver()]);
      const givable = await Promise.all(roles.map(({ id }) => isGivable(adapters, home, id, by)));
      return roles.filter((_, index) => givable[index]);
    },

    listInvitations: async (tenantId, page) => await (await open(tenantId)).backend.listInvitations(tenantId, page),

    async createInvitation(tenantId, input) {
      const { backend, organizationId, giver } = await open(tenantId);
      const { roles = [], send_invitation_email: isMailed = true } = input;
      requireFew("roles", roles);
      await requireGivable(adapters, home, roles, await giver());
      await requireRoom(adapters, home, organizationId);
      if (isMailed) await team.requireInvitable();
      const invitation = await backend.createInvitation(tenantId, input);
      if (!isMailed) return invitation;
      try {
        await team.sendInvitation(tenantId, invitation);
        return invitation;
      } catch (error) {
        // Nobody has got it, and whoever asked shall hear so.
        await backend.revokeInvitation(tenantId, invitation.id);
        throw error;
      }
    },

    revokeInvitation: async (tenantId, id) => await (await open(tenantId)).backend.revokeInvitation(tenantId, id),
  });
}

/** What fails is remembered: AuthHero would answer a bare 500. */
function answering(backend: TenantMembersBackend): TenantMembersBackend {
  const methods = Object.entries(backend as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>);
  // The same names and methods; entries lose that.
  return Object.fromEntries(
    methods.map(([name, call]) => [name, (...args: unknown[]) => remembering(() => call(...args))]),
  ) as unknown as TenantMembersBackend;
}

/** The caller's scopes, if the guard let it in as one of this tenant's team. Throws `forbidden` (`tenant_forbidden`). */
function requireTeamOf(tenantId: string, controlPlaneTenantId: string): ReadonlySet<string> {
  const { actor, tenantId: target } = currentContext() ?? {};
  const isTeams = actor?.tenantId === controlPlaneTenantId && actor.organizationTenantId === tenantId;
  if (isTeams && target === tenantId) return actor.scopes;
  throw tenantForbidden();
}

/** Only operators know people by their ids; a team asks whoever is to join it. `forbidden` (`invitation_required`). */
function requireEverywhere({ scopes }: Giver): void {
  if (scopes.has(EVERYWHERE)) return;
  const message = "user_ids: a team takes nobody in by id; invite them (POST /tenant-members/invitations)";
  throw new PlatformError("forbidden", "invitation_required", message);
}

function requireFew(name: string, ids: readonly string[]): void {
  if (ids.length <= IDS_MAX) return;
  throw new PlatformError("invalid", "too_many_ids", `${name}: at most ${IDS_MAX} in one request`);
}

async function requireRoom({ invites }: DataAdapters, home: string, organizationId: string): Promise<void> {
  const query = { q: `organization_id:${organizationId}`, per_page: INVITATIONS_MAX };
  const { invites: found } = await invites.list(home, query);
  if (found.length < INVITATIONS_MAX) return;
  const message = `This team has ${INVITATIONS_MAX} invitations; take one back first`;
  throw new PlatformError("conflict", "too_many_invitations", message);
}

const memberNotFound = () =>
  new PlatformError("not_found", "member_not_found", "user_id: nobody of this id is in the team");
