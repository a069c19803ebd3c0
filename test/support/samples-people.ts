import {
  authenticationMethodInsertSchema,
  authenticationMethodSchema,
  grantInsertSchema,
  grantSchema,
  inviteInsertSchema,
  inviteSchema,
  organizationConnectionInsertSchema,
  organizationConnectionSchema,
  organizationInsertSchema,
  organizationSchema,
  passwordInsertSchema,
  passwordSchema,
  roleInsertSchema,
  rolePermissionInsertSchema,
  rolePermissionSchema,
  roleSchema,
  userActivitySchema,
  userInsertSchema,
  userOrganizationInsertSchema,
  userOrganizationSchema,
  userPermissionInsertSchema,
  userPermissionWithDetailsSchema,
  userSchema,
} from "@authhero/adapter-interfaces";
import { z } from "zod";
import { collection, pageOf, type Row, type Sample } from "./samples-shapes.ts";
import { fullValue, instant } from "./samples-values.ts";

const text = (row: Row, field: string) => String(row[field]);

const USER_FIELDS = [
  ...["user_id", "email", "email_verified", "username", "phone_number", "phone_verified", "name", "given_name"],
  ...["family_name", "nickname", "picture", "locale", "provider", "connection", "is_social", "blocked"],
  ...["last_ip", "last_login", "login_count", "created_at", "updated_at"],
];

export const users = collection((data) => data.users, {
  insert: userInsertSchema,
  read: userSchema,
  key: "user_id",
  as: "users",
  unique: [["user_id"], ["email", "provider"], ["username", "provider"]],
  lenient: "the server passes whole requests (contract, section 3)",
  hidden: ["password", "verify_email"],
  computed: ["identities", "login_count"],
  never: {
    email_verified: "clearing it makes it false",
    is_social: "clearing it makes it false",
    blocked: "clearing it makes it false",
    provider: "every user has one",
  },
  sorts: [...USER_FIELDS, "linked_to"],
  // Nobody here is linked to anybody: that would hide them from walks.
  filters: USER_FIELDS,
  walk: { by: "created_at", strict: true },
  pages: { first: 0, totals: "A" },
  imports: { id: true },
  own: (n) => ({
    user_id: `auth2|${n}`,
    provider: "auth2",
    linked_to: undefined,
    profileData: JSON.stringify({ given: `ünï ${n}` }),
    registration_completed_at: instant(n),
  }),
});

const activityRow = userActivitySchema;

export const userActivity: Sample = {
  insert: activityRow,
  read: activityRow,
  key: "user_id",
  merges: true,
  missing: { update: undefined },
  never: { login_count: "no login is 0" },
  value: (n) => fullValue(activityRow, n),
  create(data, tenant, value) {
    const { user_id, ...activity } = value as z.output<typeof activityRow>;
    return data.userActivity.upsert(tenant, user_id, activity);
  },
  get: (data, tenant, row) => data.userActivity.get(tenant, text(row, "user_id")),
  update: (data, tenant, row, patch) => data.userActivity.upsert(tenant, text(row, "user_id"), patch),
};

type NewPassword = z.input<typeof passwordInsertSchema> & z.output<typeof passwordInsertSchema>;

export const passwords: Sample = {
  ...collection(({ passwords: { create } }) => ({ create }), {
    insert: passwordInsertSchema,
    read: passwordSchema,
    key: "id",
    has: [],
    unique: [["id"]],
    imports: { id: true },
    fixed: ["user_id"],
    never: { algorithm: "a hash of unknown kind is no use", is_current: "it is or it is not" },
    own: () => ({ is_current: true }),
  }),
  get: (data, tenant, row) => data.passwords.get(tenant, text(row, "user_id")),
  list: async (data, tenant, row) => ({ rows: await data.passwords.list(tenant, text(row, "user_id")) }),
  update: (data, tenant, row, patch) =>
    data.passwords.update(tenant, { user_id: text(row, "user_id"), id: text(row, "id"), ...patch } as NewPassword),
};

export const authenticationMethods: Sample = {
  ...collection(({ authenticationMethods: { create, get, update, remove } }) => ({ create, get, update, remove }), {
    insert: authenticationMethodInsertSchema,
    read: authenticationMethodSchema,
    key: "id",
    has: ["get", "update", "remove"],
    imports: { id: true },
    missing: { update: "throws" },
    never: { confirmed: "it is or it is not" },
  }),
  list: async (data, tenant, row) => ({
    rows: await data.authenticationMethods.list(tenant, text(row, "user_id")),
  }),
};

export const roles = collection((data) => data.roles, {
  insert: roleInsertSchema,
  read: roleSchema,
  key: "id",
  as: "roles",
  unique: [["id"], ["name"]],
  sorts: ["name", "created_at"],
  filters: ["name"],
  pages: { first: 0, totals: "B" },
  imports: { id: true },
  own: () => ({ is_system: true }),
});

export const rolePermissions: Sample = {
  insert: rolePermissionInsertSchema,
  read: rolePermissionSchema,
  merges: true,
  lenient: "permissions come as they were listed, names and all",
  computed: ["resource_server_name"],
  pages: { first: 0 },
  missing: { remove: true },
  value: (n) => ({ ...(fullValue(rolePermissionInsertSchema, n) as object), role_id: "role" }),
  create: (data, tenant, value) => {
    const permission = value as z.output<typeof rolePermissionInsertSchema>;
    return data.rolePermissions.assign(tenant, permission.role_id, [permission]);
  },
  async get(data, tenant, row) {
    const permissions = await data.rolePermissions.list(tenant, text(row, "role_id"));
    return permissions.find(({ permission_name }) => permission_name === row.permission_name) ?? null;
  },
  list: async (data, tenant, row, params) => ({
    rows: await data.rolePermissions.list(tenant, text(row, "role_id"), params),
  }),
  remove: (data, tenant, row) =>
    data.rolePermissions.remove(tenant, text(row, "role_id"), [
      row as Row & z.output<typeof rolePermissionInsertSchema>,
    ]),
};

type GivenPermission = z.output<typeof userPermissionInsertSchema>;

export const userPermissions: Sample = {
  insert: userPermissionInsertSchema,
  read: userPermissionWithDetailsSchema,
  merges: true,
  lenient: "permissions come as they were listed, names and all",
  computed: ["resource_server_name"],
  never: { organization_id: "none is the whole tenant" },
  pages: { first: 0 },
  missing: { remove: true },
  value: (n) => ({ ...(fullValue(userPermissionInsertSchema, n) as object), user_id: "auth2|ann" }),
  create: (data, tenant, value) => {
    const permission = value as GivenPermission & { user_id: string };
    return data.userPermissions.create(tenant, permission.user_id, permission, permission.organization_id);
  },
  async get(data, tenant, row) {
    const permissions = await data.userPermissions.list(tenant, text(row, "user_id"));
    return permissions.find(({ permission_name }) => permission_name === row.permission_name) ?? null;
  },
  list: async (data, tenant, row, params) => ({
    rows: await data.userPermissions.list(tenant, text(row, "user_id"), params),
  }),
  remove: (data, tenant, row) =>
    data.userPermissions.remove(
      tenant,
      text(row, "user_id"),
      row as Row & GivenPermission,
      text(row, "organization_id"),
    ),
};

const userRoleRow = z.object({ user_id: z.string(), role_id: z.string(), organization_id: z.string() });

/** The row is a user's having a role; what is shown is the role. */
export const userRoles: Sample = {
  insert: userRoleRow,
  read: z.object({ id: z.string() }),
  merges: true,
  lenient: "its methods take ids, not objects",
  hidden: ["user_id", "role_id", "organization_id"],
  computed: ["id", "name"],
  missing: { remove: true },
  value: (n) => ({ user_id: "auth2|ann", role_id: `role-${n}`, organization_id: "" }),
  async create(data, tenant, value) {
    const { user_id, role_id, organization_id } = value as z.output<typeof userRoleRow>;
    if (!(await data.roles.get(tenant, role_id))) await data.roles.create(tenant, { id: role_id, name: role_id });
    await data.userRoles.create(tenant, user_id, role_id, organization_id);
  },
  async get(data, tenant, row) {
    const roles = await data.userRoles.list(tenant, text(row, "user_id"));
    return roles.find(({ id }) => id === row.role_id) ?? null;
  },
  list: async (data, tenant, row) => ({ rows: await data.userRoles.list(tenant, text(row, "user_id")) }),
  remove: (data, tenant, row) => data.userRoles.remove(tenant, text(row, "user_id"), text(row, "role_id")),
};

/** The other side of the same: who has a role. */
export const roleUsers: Sample = {
  ...userRoles,
  read: z.object({ user_id: z.string() }),
  hidden: ["role_id", "organization_id"],
  computed: [],
  walk: { by: "user_id" },
  pages: { first: 0, totals: "E" },
  sorts: [],
  value: (n) => ({ user_id: `auth2|${n}`, role_id: "role", organization_id: "" }),
  async get(data, tenant, row) {
    const { userIds } = await data.userRoles.listUsers(tenant, text(row, "role_id"), { per_page: 1000 });
    return userIds.includes(text(row, "user_id")) ? { user_id: row.user_id } : null;
  },
  async list(data, tenant, row, params) {
    const { userIds, ...counters } = await data.userRoles.listUsers(tenant, text(row, "role_id"), params);
    return pageOf({ rows: userIds.map((user_id) => ({ user_id })), ...counters }, "rows");
  },
};

export const organizations = collection((data) => data.organizations, {
  insert: organizationInsertSchema,
  read: organizationSchema,
  key: "id",
  as: "organizations",
  unique: [["id"], ["name"]],
  sorts: ["name", "display_name", "created_at"],
  filters: ["name", "display_name"],
  walk: { by: "created_at" },
  pages: { first: 0, totals: "D" },
  imports: { id: true },
  own: (n) => ({ name: `organization-${n}` }),
});

const organizationConnectionRow = organizationConnectionInsertSchema.extend({ organization_id: z.string() });

export const organizationConnections: Sample = {
  insert: organizationConnectionRow,
  read: organizationConnectionSchema,
  key: "connection_id",
  hidden: ["organization_id"],
  computed: ["connection"],
  unique: [["organization_id", "connection_id"]],
  imports: { id: false },
  missing: { update: null },
  never: {
    assign_membership_on_login: "a flag is never unknown",
    show_as_button: "a flag is never unknown",
    is_signup_enabled: "a flag is never unknown",
  },
  value: (n) => fullValue(organizationConnectionRow, n, { organization_id: "organization" }),
  create(data, tenant, value, options) {
    const { organization_id, ...rest } = value as z.output<typeof organizationConnectionRow>;
    return data.organizationConnections.create(tenant, organization_id, rest, options);
  },
  get: (data, tenant, row) =>
    data.organizationConnections.get(tenant, text(row, "organization_id"), text(row, "connection_id")),
  list: async (data, tenant, row) => ({
    rows: await data.organizationConnections.list(tenant, text(row, "organization_id")),
  }),
  update: (data, tenant, row, patch) =>
    data.organizationConnections.update(tenant, text(row, "organization_id"), text(row, "connection_id"), patch),
  remove: (data, tenant, row) =>
    data.organizationConnections.remove(tenant, text(row, "organization_id"), text(row, "connection_id")),
};

export const userOrganizations = collection((data) => data.userOrganizations, {
  insert: userOrganizationInsertSchema,
  read: userOrganizationSchema,
  key: "id",
  as: "userOrganizations",
  unique: [["user_id", "organization_id"]],
  sorts: [],
  filters: ["user_id", "organization_id"],
  walk: { by: "created_at" },
  pages: { first: 0, totals: "E" },
  imports: { id: true },
});

export const invites = collection((data) => data.invites, {
  insert: inviteInsertSchema,
  read: inviteSchema,
  key: "id",
  as: "invites",
  unique: [["id"]],
  computed: ["expires_at"],
  sorts: [],
  filters: ["organization_id", "client_id"],
  pages: { first: 1, totals: "F" },
  imports: { id: true },
});

export const grants: Sample = {
  ...collection(({ grants: { create, list, remove } }) => ({ create, list, remove }), {
    insert: grantInsertSchema,
    read: grantSchema,
    key: "id",
    as: "grants",
    has: ["list", "remove"],
    merges: true,
    sorts: ["user_id", "clientID", "audience"],
    filters: ["user_id", "clientID", "audience"],
    pages: { first: 0, totals: "A" },
  }),
  get: (data, tenant, row) =>
    data.grants.get(tenant, text(row, "user_id"), text(row, "clientID"), text(row, "audience")),
};
