import {
  actionInsertSchema,
  actionSchema,
  actionVersionInsertSchema,
  actionVersionSchema,
  brandingSchema,
  clientGrantInsertSchema,
  clientGrantSchema,
  clientInsertSchema,
  clientRegistrationTokenInsertSchema,
  clientRegistrationTokenSchema,
  clientSchema,
  connectionInsertSchema,
  connectionSchema,
  customTextSchema,
  emailProviderSchema,
  emailTemplateSchema,
  flowInsertSchema,
  flowSchema,
  formInsertSchema,
  formSchema,
  hookCodeInsertSchema,
  hookCodeSchema,
  hookInsertSchema,
  hookSchema,
  logStreamInsertSchema,
  logStreamSchema,
  migrationSourceInsertSchema,
  migrationSourceSchema,
  promptScreenSchema,
  promptSettingSchema,
  resourceServerInsertSchema,
  resourceServerSchema,
  scimConfigurationInsertSchema,
  scimConfigurationSchema,
  scimExternalIdInsertSchema,
  scimExternalIdSchema,
  scimTokenInsertSchema,
  scimTokenSchema,
  themeInsertSchema,
  themeSchema,
} from "@authhero/adapter-interfaces";
import { z } from "zod";
import { collection, pageOf, type Row, type Sample } from "./samples-shapes.ts";
import { fullValue } from "./samples-values.ts";

const text = (row: Row, field: string) => String(row[field]);

export const clients = collection((data) => data.clients, {
  insert: clientInsertSchema,
  read: clientSchema,
  key: "client_id",
  as: "clients",
  unique: [["client_id"]],
  sorts: ["name", "client_id", "created_at", "updated_at"],
  filters: ["owner_user_id", "registration_type"],
  walk: { by: "created_at" },
  pages: { first: 0, totals: "C" },
  imports: { id: true },
});

export const clientGrants = collection((data) => data.clientGrants, {
  insert: clientGrantInsertSchema,
  read: clientGrantSchema,
  key: "id",
  as: "client_grants",
  unique: [["client_id", "audience"]],
  sorts: ["id", "client_id", "audience", "created_at", "updated_at"],
  filters: ["client_id", "audience", "allow_any_organization"],
  walk: { by: "created_at" },
  pages: { first: 0, totals: "A" },
  imports: { id: true },
});

export const clientRegistrationTokens: Sample = {
  ...collection((data) => data.clientRegistrationTokens, {
    insert: clientRegistrationTokenInsertSchema,
    read: clientRegistrationTokenSchema,
    key: "id",
    has: ["get", "remove"],
    unique: [["id"], ["token_hash"]],
    never: { single_use: "it is or it is not" },
  }),
  list: async (data, tenant, row) => ({
    rows: await data.clientRegistrationTokens.listByClient(tenant, text(row, "client_id")),
  }),
};

/** A view of `clients.connections`: the row is a client's having a connection. */
export const clientConnections: Sample = {
  insert: z.object({ client_id: z.string(), id: z.string() }),
  read: z.object({ id: z.string() }),
  hidden: ["client_id"],
  computed: ["name", "strategy", "options"],
  merges: true,
  lenient: "its methods take ids, not objects",
  removesAgain: true,
  value: (n) => ({ client_id: `client-${n}`, id: `connection-${n}` }),
  async create(data, tenant, value) {
    const { client_id, id } = value as { client_id: string; id: string };
    if (!(await data.clients.get(tenant, client_id))) await data.clients.create(tenant, { client_id, name: client_id });
    if (!(await data.connections.get(tenant, id))) {
      await data.connections.create(tenant, { id, name: id, strategy: "auth2", options: {} });
    }
    await data.clientConnections.addClientToConnection(tenant, id, client_id);
  },
  async get(data, tenant, row) {
    const rows = await data.clientConnections.listByClient(tenant, text(row, "client_id"));
    return rows.find(({ id }) => id === row.id) ?? null;
  },
  list: async (data, tenant, row) => ({
    rows: await data.clientConnections.listByClient(tenant, text(row, "client_id")),
  }),
  remove: (data, tenant, row) =>
    data.clientConnections.removeClientFromConnection(tenant, text(row, "id"), text(row, "client_id")),
};

export const connections = collection((data) => data.connections, {
  insert: connectionInsertSchema,
  read: connectionSchema,
  key: "id",
  as: "connections",
  unique: [["id"], ["name"]],
  hidden: ["enabled_clients"],
  sorts: ["name", "strategy", "created_at"],
  filters: ["id", "name", "strategy"],
  pages: { first: 0, totals: "A" },
  imports: { id: true },
  // A mark: true or not there.
  own: () => ({ is_system: true }),
});

export const resourceServers = collection((data) => data.resourceServers, {
  insert: resourceServerInsertSchema,
  read: resourceServerSchema,
  key: "id",
  as: "resource_servers",
  unique: [["id"], ["identifier"]],
  sorts: ["name", "identifier", "created_at"],
  filters: ["name", "identifier"],
  pages: { first: 0, totals: "A" },
  imports: { id: true },
  own: () => ({ is_system: true }),
});

export const hooks = collection((data) => data.hooks, {
  insert: hookInsertSchema,
  read: hookSchema,
  key: "hook_id",
  as: "hooks",
  unique: [["hook_id"]],
  sorts: ["hook_id", "trigger_id", "enabled", "priority", "created_at", "updated_at"],
  filters: ["trigger_id", "url", "form_id", "template_id", "code_id", "page_id", "enabled"],
  pages: { first: 0, totals: "A" },
  imports: { id: true },
});

export const hookCode = collection((data) => data.hookCode, {
  insert: hookCodeInsertSchema,
  read: hookCodeSchema,
  key: "id",
  has: ["get", "update", "remove"],
  imports: { id: true },
});

export const actions = collection((data) => data.actions, {
  insert: actionInsertSchema,
  read: actionSchema,
  key: "id",
  adds: ["status"],
  as: "actions",
  sorts: ["name", "created_at"],
  filters: ["name"],
  pages: { first: 0, totals: "A" },
  imports: { id: true },
});

export const actionVersions: Sample = {
  ...collection(({ actionVersions: { create } }) => ({ create }), {
    insert: actionVersionInsertSchema,
    read: actionVersionSchema,
    key: "id",
    has: [],
    imports: { id: true },
    pages: { first: 0, totals: "A" },
    sorts: [],
    computed: ["number"],
    never: { deployed: "it is or it is not" },
    own: () => ({ action_id: "action" }),
  }),
  get: (data, tenant, row) => data.actionVersions.get(tenant, text(row, "action_id"), text(row, "id")),
  list: async (data, tenant, row, params) =>
    pageOf(await data.actionVersions.list(tenant, text(row, "action_id"), params), "versions"),
};

export const flows = collection((data) => data.flows, {
  insert: flowInsertSchema,
  read: flowSchema,
  key: "id",
  as: "flows",
  sorts: ["name", "created_at"],
  filters: ["name"],
  pages: { first: 0, totals: "A" },
  imports: { id: true },
  missing: { update: null },
});

export const forms = collection((data) => data.forms, {
  insert: formInsertSchema,
  read: formSchema,
  key: "id",
  as: "forms",
  sorts: ["name", "created_at"],
  filters: ["name"],
  pages: { first: 0, totals: "A" },
  imports: { id: true },
});

export const logStreams = collection((data) => data.logStreams, {
  insert: logStreamInsertSchema,
  read: logStreamSchema,
  key: "id",
});

export const migrationSources = collection((data) => data.migrationSources, {
  insert: migrationSourceInsertSchema,
  read: migrationSourceSchema,
  key: "id",
  unique: [["id"]],
  imports: { id: true },
});

export const scimConfigurations = collection((data) => data.scimConfigurations, {
  insert: scimConfigurationInsertSchema,
  read: scimConfigurationSchema,
  key: "connection_id",
  has: ["get", "update", "remove"],
  unique: [["connection_id"]],
});

export const scimTokens: Sample = {
  ...collection((data) => data.scimTokens, {
    insert: scimTokenInsertSchema,
    read: scimTokenSchema,
    key: "token_id",
    has: ["get", "remove"],
    unique: [["token_id"], ["token_hash"]],
  }),
  list: async (data, tenant, row) => ({
    rows: await data.scimTokens.listByConnection(tenant, text(row, "connection_id")),
  }),
};

export const scimExternalIds: Sample = {
  ...collection(({ scimExternalIds: { create } }) => ({ create }), {
    insert: scimExternalIdInsertSchema,
    read: scimExternalIdSchema,
    key: "user_id",
    has: [],
    unique: [
      ["connection_id", "user_id"],
      ["connection_id", "external_id"],
    ],
  }),
  get: (data, tenant, row) =>
    data.scimExternalIds.getByUserId(tenant, text(row, "connection_id"), text(row, "user_id")),
  remove: (data, tenant, row) => data.scimExternalIds.remove(tenant, text(row, "connection_id"), text(row, "user_id")),
};

export const themes = collection(
  ({ themes: { create, get, update, remove } }) => ({
    create: (tenant, theme, options?) => create(tenant, theme, undefined, options),
    get,
    update,
    remove,
  }),
  {
    insert: themeInsertSchema,
    read: themeSchema,
    key: "themeId",
    has: ["get", "update", "remove"],
    imports: { id: true },
  },
);

export const emailTemplates = collection((data) => data.emailTemplates, {
  insert: emailTemplateSchema,
  read: emailTemplateSchema,
  key: "template",
  unique: [["template"]],
});

const customTextRow = z.object({ prompt: promptScreenSchema, language: z.string(), texts: customTextSchema });

export const customText: Sample = {
  insert: customTextRow,
  read: customTextRow,
  lenient: "any text has a name of its own",
  merges: true,
  missing: { remove: undefined },
  value: (n) => fullValue(customTextRow, n) as object,
  create(data, tenant, value) {
    const { prompt, language, texts } = value as z.output<typeof customTextRow>;
    return data.customText.set(tenant, prompt, language, texts);
  },
  async get(data, tenant, row) {
    const { prompt, language } = row as z.output<typeof customTextRow>;
    const texts = await data.customText.get(tenant, prompt, language);
    return texts && { prompt, language, texts };
  },
  list: async (data, tenant) => ({ rows: await data.customText.list(tenant) }),
  remove(data, tenant, row) {
    const { prompt, language } = row as z.output<typeof customTextRow>;
    return data.customText.delete(tenant, prompt, language);
  },
};

const templateRow = z.object({ body: z.string() });

export const universalLoginTemplates: Sample = {
  single: true,
  insert: templateRow,
  read: templateRow,
  merges: true,
  missing: { remove: undefined },
  value: (n) => fullValue(templateRow, n),
  create: (data, tenant, value) => data.universalLoginTemplates.set(tenant, value as z.output<typeof templateRow>),
  get: (data, tenant) => data.universalLoginTemplates.get(tenant),
  remove: (data, tenant) => data.universalLoginTemplates.delete(tenant),
};

export const branding: Sample = {
  single: true,
  insert: brandingSchema,
  read: brandingSchema,
  merges: true,
  value: (n) => fullValue(brandingSchema, n),
  create: (data, tenant, value) => data.branding.set(tenant, value),
  get: (data, tenant) => data.branding.get(tenant),
  update: (data, tenant, _row, patch) => data.branding.set(tenant, patch),
  missing: { update: undefined },
};

export const promptSettings: Sample = {
  single: true,
  insert: promptSettingSchema,
  read: promptSettingSchema,
  merges: true,
  lenient: "the server sends whole forms",
  nothing: {
    universal_login_experience: "new",
    identifier_first: true,
    password_first: false,
    show_last_used_connection: false,
    webauthn_platform_first_factor: false,
  },
  value: (n) => fullValue(promptSettingSchema, n + 1),
  create: (data, tenant, value) => data.promptSettings.set(tenant, value),
  get: (data, tenant) => data.promptSettings.get(tenant),
  update: (data, tenant, _row, patch) => data.promptSettings.set(tenant, patch),
  missing: { update: undefined },
};

export const emailProviders: Sample = {
  single: true,
  insert: emailProviderSchema,
  read: emailProviderSchema,
  unique: [[]],
  missing: { update: undefined, remove: undefined },
  value: (n) => fullValue(emailProviderSchema, n),
  create: (data, tenant, value) => data.emailProviders.create(tenant, value as z.output<typeof emailProviderSchema>),
  get: (data, tenant) => data.emailProviders.get(tenant),
  update: (data, tenant, _row, patch) => data.emailProviders.update(tenant, patch),
  remove: (data, tenant) => data.emailProviders.remove(tenant),
};
