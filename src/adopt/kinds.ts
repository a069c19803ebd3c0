import { createPrivateKey, X509Certificate } from "node:crypto";
import {
  authenticationMethodSchema,
  brandingSchema,
  clientGrantSchema,
  clientSchema,
  connectionSchema,
  customTextSchema,
  emailProviderSchema,
  flowSchema,
  formSchema,
  hookSchema,
  inviteSchema,
  organizationSchema,
  passwordSchema,
  promptScreenSchema,
  promptSettingSchema,
  resourceServerSchema,
  rolePermissionSchema,
  roleSchema,
  signingKeySchema,
  tenantSchema,
  themeSchema,
  userActivitySchema,
  userOrganizationSchema,
  userPermissionSchema,
  userRoleSchema,
  userSchema,
} from "@authhero/adapter-interfaces";
import * as z from "zod";
import { MANAGEMENT_API_AUDIENCE } from "../auth/management-api.ts";
import { authenticationMethods } from "../entities/authentication-methods.ts";
import { branding } from "../entities/branding.ts";
import { clientGrants } from "../entities/client-grants.ts";
import { clients } from "../entities/clients.ts";
import { type Column, text, time } from "../entities/columns.ts";
import { connections } from "../entities/connections.ts";
import { customText } from "../entities/custom-text.ts";
import { emailProviders } from "../entities/email-providers.ts";
import type { Shape } from "../entities/entity.ts";
import { flows } from "../entities/flows.ts";
import { forms } from "../entities/forms.ts";
import { hooks } from "../entities/hooks.ts";
import { invites } from "../entities/invites.ts";
import { keys } from "../entities/keys.ts";
import type { Link } from "../entities/link.ts";
import { organizations } from "../entities/organizations.ts";
import { passwords } from "../entities/passwords.ts";
import { promptSettings } from "../entities/prompt-settings.ts";
import { resourceServers } from "../entities/resource-servers.ts";
import { rolePermissions } from "../entities/role-permissions.ts";
import { roles } from "../entities/roles.ts";
import { tenants } from "../entities/tenants.ts";
import { themes } from "../entities/themes.ts";
import { universalLoginTemplates } from "../entities/universal-login-templates.ts";
import { userActivity } from "../entities/user-activity.ts";
import { userOrganizations } from "../entities/user-organizations.ts";
import { userPermissions } from "../entities/user-permissions.ts";
import { userRoles } from "../entities/user-roles.ts";
import { users } from "../entities/users.ts";

/** Where rows of a kind are written: a table of a tenant's database, and what makes a row of it one of its kind. */
interface Target extends Shape {
  /** Besides the tenant. */
  readonly key: readonly string[];
  /** In a table that several kinds share. */
  readonly kind?: string;
}

/** Something that a tenant has, and how it goes from a table of AuthHero's to one of ours. */
export interface Kind {
  /** For people. */
  readonly name: string;
  readonly from: string;
  readonly into: Target;
  /** The contract's word on it. */
  readonly schema: z.ZodType;
  /** Where a column goes, field by field inwards; null: another kind takes it, or nobody has to. Default: its own name. */
  readonly path?: (column: string) => readonly string[] | null | undefined;
  /** Why a row stays behind, where one does. */
  readonly aside?: (values: Values) => string | null;
  /** What somebody should know of a row that is taken: what about it, and why. */
  readonly means?: (values: Values) => readonly [what: string, why: string] | null;
  /** What is made of a row besides; null: there is nothing to write. */
  readonly made?: (values: Values) => Values | null;
}

export type Values = Readonly<Record<string, unknown>>;

interface Defined extends Shape {
  readonly key: string;
}

const into = ({ key, ...shape }: Defined, ...more: readonly string[]): Target => ({ ...shape, key: [key, ...more] });

const intoPairs = ({ table, pair }: Link): Target => ({
  table,
  key: pair,
  columns: { ...Object.fromEntries(pair.map((name) => [name, text()])), created_at: time() },
});

const intoSingleton = (singleton: { readonly kind: string; readonly columns: object }): Target => ({
  table: "tenant_singletons",
  key: ["kind"],
  kind: singleton.kind,
  columns: { kind: text(), ...(singleton.columns as Readonly<Record<string, Column<unknown>>>) },
});

/** A group of columns that is an object in the contract: `colors_body_text` is `colors.body_text`. */
const grouped = (column: string, groups: readonly string[]): readonly string[] | undefined => {
  const group = groups.find((name) => column.startsWith(`${name}_`));
  return group === undefined ? undefined : [group, column.slice(group.length + 1)];
};

const FONTS = ["body_text", "buttons_text", "input_labels", "links", "subtitle", "title"];

function themePath(column: string): readonly string[] | null | undefined {
  if (column === "created_at" || column === "updated_at") return null;
  const [group, field] = grouped(column, ["borders", "colors", "fonts", "page_background", "widget"]) ?? [];
  if (group !== "fonts" || field === undefined || field === "links_style")
    return group && field ? [group, field] : undefined;
  return [group, ...(grouped(field, FONTS) ?? [field])];
}

function brandingPath(column: string): readonly string[] | undefined {
  const background = /^colors_page_background_(type|start|end|angle)/.exec(column)?.[1];
  if (background) return ["colors", "page_background", background === "angle" ? "angle_deg" : background];
  return grouped(column, ["colors", "font"]);
}

const ACTIVITY = ["last_login", "last_ip", "login_count"];

/** Ids of pairs: the contract has one schema for the pair, and our tables have no more than the pair. */
const pairs = ({ shape }: { readonly shape: Readonly<Record<string, unknown>> }, { pair }: Link) => {
  const of = (name: string) => (shape[name] instanceof z.ZodType ? shape[name] : z.string());
  return z.object({ ...Object.fromEntries(pair.map((name) => [name, of(name)])), created_at: z.string() });
};

const once = ({ created_at: _created, updated_at: _updated, ...values }: Values): Values => values;

/** Everything a tenant takes along, in an order in which nothing hangs on what comes later. */
export const KINDS: readonly Kind[] = [
  { name: "connections", from: "connections", into: into(connections), schema: connectionSchema },
  {
    ...{ name: "clients", from: "clients", into: into(clients) },
    schema: clientSchema.refine(({ client_id }) => client_id !== "DEFAULT_CLIENT", {
      ...{ path: ["client_id"], message: "DEFAULT_CLIENT is reserved here" },
    }),
    means: ({ is_first_party, grant_types }) =>
      is_first_party === false && JSON.stringify(grant_types ?? []).includes("authorization_code")
        ? ["clients.is_first_party", "it is false: people are asked for consent; set it for applications of your own"]
        : null,
  },
  { name: "client grants", from: "client_grants", into: into(clientGrants), schema: clientGrantSchema },
  {
    ...{ name: "APIs", from: "resource_servers", into: into(resourceServers), schema: resourceServerSchema },
    path: (column) => (column === "verification_key" ? ["verificationKey"] : undefined),
    aside: ({ identifier }) =>
      identifier === MANAGEMENT_API_AUDIENCE ? "every tenant gets its own management API here" : null,
  },
  { name: "roles", from: "roles", into: into(roles), schema: roleSchema },
  {
    ...{ name: "permissions of roles", from: "role_permissions", into: intoPairs(rolePermissions) },
    schema: pairs(rolePermissionSchema, rolePermissions),
  },
  {
    ...{ name: "users", from: "users", into: into(users), schema: userSchema },
    path: (column) => (ACTIVITY.includes(column) ? null : undefined),
    // One address is one user, in whatever case; an empty one is none. Whoever is not said to be blocked is not.
    made: ({ email, ...values }) => ({
      ...{ blocked: false, ...values },
      ...(email ? { email: String(email).toLowerCase() } : {}),
    }),
  },
  {
    ...{ name: "activities of users", from: "users", into: into(userActivity), schema: userActivitySchema },
    path: (column) => ([...ACTIVITY, "user_id"].includes(column) ? undefined : null),
    made: (values) => (values.last_login || values.last_ip || values.login_count ? values : null),
  },
  { name: "passwords", from: "passwords", into: into(passwords), schema: passwordSchema },
  {
    ...{ name: "second factors", from: "authentication_methods", into: into(authenticationMethods) },
    schema: authenticationMethodSchema,
  },
  {
    ...{ name: "roles of users", from: "user_roles", into: intoPairs(userRoles) },
    schema: pairs(userRoleSchema, userRoles),
  },
  {
    ...{ name: "permissions of users", from: "user_permissions", into: intoPairs(userPermissions) },
    schema: pairs(userPermissionSchema, userPermissions),
  },
  { name: "organizations", from: "organizations", into: into(organizations), schema: organizationSchema },
  {
    ...{ name: "members of organizations", from: "user_organizations", into: into(userOrganizations) },
    schema: userOrganizationSchema,
  },
  { name: "invitations", from: "invites", into: into(invites), schema: inviteSchema },
  { name: "hooks", from: "hooks", into: into(hooks), schema: hookSchema },
  { name: "forms", from: "forms", into: into(forms), schema: formSchema },
  { name: "flows", from: "flows", into: into(flows), schema: flowSchema },
  {
    ...{ name: "branding", from: "branding", into: intoSingleton(branding), schema: brandingSchema },
    path: brandingPath,
  },
  { name: "themes", from: "themes", into: into(themes), schema: themeSchema, path: themePath },
  {
    ...{ name: "prompt settings", from: "prompt_settings", into: intoSingleton(promptSettings) },
    schema: promptSettingSchema,
  },
  {
    ...{
      name: "login page templates",
      from: "universal_login_templates",
      into: intoSingleton(universalLoginTemplates),
    },
    schema: z.object({ body: z.string() }),
    made: once,
  },
  {
    ...{ name: "custom texts", from: "custom_text", into: into(customText, "language") },
    schema: z.object({ prompt: promptScreenSchema, language: z.string(), texts: customTextSchema }),
    path: (column) => (column === "custom_text" ? ["texts"] : undefined),
    made: once,
  },
  {
    ...{ name: "mail providers", from: "email_providers", into: { ...into(emailProviders), kind: "email_provider" } },
    schema: emailProviderSchema,
    made: once,
  },
];

/** The tenant's own row. */
export const TENANT: Kind = {
  ...{ name: "the tenant", from: "tenants", into: { table: tenants.table, key: ["id"], columns: tenants.columns } },
  schema: tenantSchema.omit({ created_at: true, updated_at: true }),
  // When it was made is when it was made here.
  path: (column) => (/^(?:created|updated)_at/.test(column) ? null : undefined),
  made: ({ id, ...values }) => ({ id, friendly_name: id, ...values }),
};

/** The keys that sign its tokens. They stand beside the tenants. */
export const SIGNING_KEYS: Kind = {
  ...{ name: "signing keys", from: "keys", into: { table: keys.table, key: ["kid"], columns: keys.columns } },
  schema: signingKeySchema.extend({ created_at: z.string() }).refine(isPair, {
    ...{ path: ["pkcs7"], message: "is not the private key of the certificate, or cannot be read" },
  }),
  aside: ({ type }) => (type === "jwt_signing" ? null : "only keys that sign tokens are taken"),
};

function isPair({ cert, pkcs7 }: { readonly cert: string; readonly pkcs7?: string | undefined }): boolean {
  try {
    const certificate = new X509Certificate(cert);
    return pkcs7 === undefined || certificate.checkPrivateKey(createPrivateKey(pkcs7));
  } catch {
    return false;
  }
}

/** What stays behind, and why. What else a database has is not known here, which is said, too. */
export const LEFT: Readonly<Record<string, string>> = {
  logs: "logs are not taken: export what has to be kept",
  codes: "codes are over within minutes",
  sessions: "people sign in again",
  refresh_tokens: "people sign in again",
  login_sessions: "logins that are under way begin again",
  outbox_events: "let the old server deliver them before it ends",
  custom_domains: "a domain has to be proved here: claim it with POST /api/v2/custom-domains",
};
