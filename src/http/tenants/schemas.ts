import { tenantInsertSchema, tenantSchema } from "@authhero/adapter-interfaces";
import { z } from "@hono/zod-openapi";
import { TENANT_SCOPES } from "../../auth/management-client.ts";
import { TenantId } from "../../domain/tenants.ts";

/** What a caller may say about a tenant. Its life (state, database, placement) is the registry's. */
export const Described = tenantInsertSchema.omit({
  deployment_type: true,
  provisioning_state: true,
  provisioning_error: true,
  provisioning_state_changed_at: true,
  bundle_configuration: true,
  worker_version: true,
  database_version: true,
  worker_script_name: true,
  storage_kind: true,
  d1_database_id: true,
});

/** Where a new tenant's database is wished. Which of these a provider has, it says itself. */
const DatabaseWish = z.strictObject({
  provider: z.string().min(1).max(100).optional(),
  region: z.string().min(1).max(100).optional(),
  group: z.string().min(1).max(100).optional(),
});
export type DatabaseWish = z.infer<typeof DatabaseWish>;

export const CreateTenant = Described.extend({
  id: TenantId.optional().describe("3–63 of a-z, 0-9 and -; generated when absent"),
  friendly_name: z.string().trim().min(1).max(200),
  audience: z.string().min(1).max(200).optional(),
  admin: z
    .strictObject({ email: z.email().max(254) })
    .optional()
    .describe("Gets an invitation by mail to administer the tenant, as a member of its organization"),
  database: DatabaseWish.optional().describe("Where its database is to be; default: where PROVIDER says"),
}).strict();
export type CreateTenant = z.infer<typeof CreateTenant>;

/** A tenant as operators see it: with where it stands, and when it is gone. */
export const Tenant = tenantSchema.extend({
  state: z.enum(["pending", "provisioning", "ready", "suspended", "read_only", "failed", "deleting", "deleted"]),
  purge_at: z.string().optional().describe("Until then a deleted tenant can be brought back"),
});
export type Tenant = z.infer<typeof Tenant>;

/** Where a tenant's database is and how it is. Never a credential. */
export const TenantDatabase = z.object({
  provider: z.string(),
  group: z.string().nullable(),
  region: z.string().nullable().describe("As it was decided at the creation; null where nobody did"),
  name: z.string().describe("What the provider calls it"),
  generation: z.number(),
  schema_version: z.string().nullable(),
  size_bytes: z.number().nullable().describe("As the provider counts; null when it does not, or cannot be asked"),
  health: z
    .enum(["ok", "unreachable", "retained", "absent"])
    .describe("retained: kept, but closed to everybody; absent: not made yet"),
  problem: z.string().nullable().describe("Why it is unreachable"),
  last_backup: z
    .string()
    .nullable()
    .describe("When the last copy began that `rowhouse backup` has made; null when it has made none"),
});
export type TenantDatabase = z.infer<typeof TenantDatabase>;

/** What may be said about a tenant's management client. */
export const NewManagementClient = z.strictObject({
  name: z.string().trim().min(1).max(100).optional().describe("Default: Management client"),
  scope: z
    .array(z.enum(TENANT_SCOPES))
    .min(1)
    .optional()
    .describe("Of the tenant's management API; default: all but what is the operators'"),
});
export type NewManagementClient = z.infer<typeof NewManagementClient>;

/** A tenant's management client with its secret. */
export const ManagementClient = z.object({
  client_id: z.string(),
  client_secret: z.string().describe("In no operation, event or log; in the tenant, where its clients are read"),
  name: z.string(),
  audience: z.string(),
  scope: z.array(z.string()),
  token_endpoint: z.string().describe("Where it gets its tokens, with `grant_type=client_credentials`"),
});
export type ManagementClient = z.infer<typeof ManagementClient>;

const PAGE_MAX = 100;

/** Auth0's paging, and keyset paging by `from` and `take`. */
export const ListTenants = z.object({
  page: z.coerce.number().int().min(0).default(0),
  per_page: z.coerce.number().int().min(1).max(PAGE_MAX).default(50),
  include_totals: z
    .enum(["true", "false"])
    .default("false")
    .transform((value) => value === "true"),
  q: z.string().max(200).optional().describe("A prefix of the id or the friendly name"),
  sort: z
    .string()
    .regex(/^(?:id|friendly_name|created_at):(?:1|-1)$/, "must be id, friendly_name or created_at, then :1 or :-1")
    .optional(),
  from: z.string().max(500).optional().describe("`next` of the page before"),
  take: z.coerce.number().int().min(1).max(PAGE_MAX).optional(),
});
export type ListTenants = z.infer<typeof ListTenants>;
