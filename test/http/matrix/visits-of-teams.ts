import { kept, type Visit } from "./visit.ts";

/** What the members of a tenant's team do about it. */
export const TEAM: readonly Visit[] = [
  { route: "GET /tenant-members" },
  { route: "GET /tenant-members/roles" },
  { route: "POST /tenant-members", json: { user_ids: [kept("guest")] } },
  { route: "POST /tenant-members/{user_id}/roles", with: { user_id: "guest" }, json: { roles: [kept("team role")] } },
  { route: "GET /tenant-members/{user_id}/roles", with: { user_id: "guest" } },
  { route: "DELETE /tenant-members/{user_id}/roles", with: { user_id: "guest" }, json: { roles: [kept("team role")] } },
  { route: "DELETE /tenant-members", json: { user_ids: [kept("guest")] } },
  {
    route: "POST /tenant-members/invitations",
    json: { invitee: { email: "carol@example.com" } },
    keep: { "team invitation": "id" },
  },
  { route: "GET /tenant-members/invitations" },
  { route: "DELETE /tenant-members/invitations/{invitation_id}", with: { invitation_id: "team invitation" } },
];
