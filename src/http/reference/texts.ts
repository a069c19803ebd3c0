/** What a route is for, in a few words, and a body it takes. */
interface OperationText {
  readonly summary: string;
  readonly example?: unknown;
}

/** The routes that are Rowhouse's own, or that it answers in a way of its own. */
export const OPERATION_TEXTS: Readonly<Record<string, OperationText>> = {
  "GET /tenants": { summary: "List tenants" },
  "POST /tenants": {
    summary: "Make a tenant, with a database of its own",
    example: { id: "acme", friendly_name: "Acme", admin: { email: "ada@acme.example" } },
  },
  "GET /tenants/settings": { summary: "Read the settings of the request's tenant" },
  "PATCH /tenants/settings": {
    summary: "Change settings of the request's tenant",
    example: { support_email: "help@acme.example", session_lifetime: 168 },
  },
  "GET /tenants/{id}": { summary: "Read a tenant" },
  "PATCH /tenants/{id}": { summary: "Change a tenant's settings", example: { friendly_name: "Acme Inc." } },
  "DELETE /tenants/{id}": { summary: "Delete a tenant" },
  "GET /tenants/{id}/effective-settings": { summary: "See which settings hold, and whose they are" },
  "GET /tenants/{id}/database": { summary: "See where a tenant's database is, and how it is" },
  "POST /tenants/{id}/undelete": { summary: "Bring a deleted tenant back" },
  "POST /tenants/{id}/suspend": { summary: "Suspend a tenant" },
  "POST /tenants/{id}/reactivate": { summary: "End a suspension, or read-only" },
  "POST /tenants/{id}/management-client": {
    summary: "Make a management client inside a tenant",
    example: { name: "Deployment", scope: ["read:clients", "update:clients"] },
  },
  "GET /tenants/{id}/operations": { summary: "See what was done to a tenant" },
  "POST /tenants/{id}/operations": {
    summary: "Begin an operation on a tenant, or resume one that failed",
    example: { kind: "migrate" },
  },
  "GET /operations": { summary: "List operations on many tenants" },
  "POST /operations": {
    summary: "Begin an operation on many tenants",
    example: { kind: "migrate", canary: ["acme"], dry_run: true },
  },
  "GET /operations/{id}": { summary: "See how an operation goes" },
  "GET /hosts": { summary: "See where a host leads, and why" },
  "GET /tenant-members": { summary: "List a tenant's team" },
  "POST /tenant-members": { summary: "Add somebody to the team by id, as an operator" },
  "DELETE /tenant-members": { summary: "Remove somebody from the team" },
  "GET /tenant-members/roles": { summary: "List the roles a team can have" },
  "GET /tenant-members/invitations": { summary: "List open invitations to the team" },
  "POST /tenant-members/invitations": { summary: "Invite somebody to the team, by mail" },
  "DELETE /tenant-members/invitations/{invitation_id}": { summary: "Withdraw an invitation" },
  "GET /tenant-members/{user_id}/roles": { summary: "List a member's roles" },
  "POST /tenant-members/{user_id}/roles": { summary: "Give a member roles" },
  "DELETE /tenant-members/{user_id}/roles": { summary: "Take roles from a member" },
  "GET /custom-domains": { summary: "List the tenant's own domains" },
  "POST /custom-domains": {
    summary: "Claim a domain",
    example: { domain: "login.acme.example", type: "self_managed_certs" },
  },
  "POST /custom-domains/{id}/verify": { summary: "Look for the DNS record that proves a claim" },
};

const NO_CODE =
  "Not available: nothing here isolates a tenant's code from other tenants' keys. Answers 400 " +
  "`code_hooks_unavailable`, or 404 for code that is not there. Use a webhook instead.";

/** What AuthHero describes and Rowhouse refuses, with the reason. What is there already can be read and removed. */
export const UNAVAILABLE: Readonly<Record<string, string>> = {
  "POST /actions/actions": NO_CODE,
  "PATCH /actions/actions/{id}": NO_CODE,
  "POST /actions/actions/{id}/deploy": NO_CODE,
  "POST /actions/actions/{id}/test": NO_CODE,
  "POST /actions/actions/{actionId}/versions/{id}/deploy": NO_CODE,
  "POST /hook-code": NO_CODE,
  "PUT /hook-code/{id}": NO_CODE,
  "PUT /custom-domains/{id}/certificate": "Not available: certificates belong to what ends TLS. Answers 501.",
};
