import type {
  Branding,
  Client,
  Connection,
  DataAdapters,
  EmailProvider,
  Hook,
  ListParams,
  PromptSetting,
  ResourceServer,
  Tenant,
  Theme,
} from "@authhero/adapter-interfaces";

/**
 * Strategies by whose name a child finds the control plane's connection. All others may be the operators' own
 * workforce login, so a new one stands here only when somebody has decided that it may be lent.
 */
export const LENT_BY_STRATEGY: ReadonlySet<string> = new Set([
  "apple",
  "facebook",
  "github",
  "google-oauth2",
  "sms",
  "vipps",
  "windowslive",
]);

/** A control plane as its children see it: what it lends, read from its own database at the moment of use. */
export interface Lender {
  readonly tenantId: string;
  /** Its connections of a strategy that a child may find by that strategy. */
  connectionsOf(strategy: string): Promise<readonly Connection[]>;
  /** What a tenant's connection is a copy of: undefined when it is none, null when that is not lent, or gone. */
  originOf(connection: Connection): Promise<Connection | null | undefined>;
  /** The client whose addresses all clients of its children have, too. */
  client(): Promise<Client | null>;
  emailProvider(): Promise<EmailProvider | null>;
  /** Its hooks that are to be inherited, among those that are asked for. */
  hooks(params?: Pick<ListParams, "q">): Promise<readonly Hook[]>;
  /** Its API of that identifier. */
  resourceServer(identifier: string): Promise<ResourceServer | null>;
  branding(): Promise<Branding | null>;
  promptSettings(): Promise<PromptSetting>;
  theme(id: string): Promise<Theme | null>;
  /** Its own settings as a tenant. */
  settings(): Promise<Partial<Tenant>>;
}

/** Whom a tenant inherits from; null for a tenant that has only its own. */
export type LenderOf = (tenantId: string) => Promise<Lender | null>;

/** Members a lender is read from. */
export type Lent = Pick<
  DataAdapters,
  | "branding"
  | "clients"
  | "connections"
  | "emailProviders"
  | "hooks"
  | "promptSettings"
  | "resourceServers"
  | "tenants"
  | "themes"
>;

/** Answers what was read before, or reads it; `key` says what it is. */
export type Remember = <T>(key: string, read: () => Promise<T>) => Promise<T>;

export interface LenderOptions {
  readonly tenantId: string;
  readonly clientId?: string | undefined;
  readonly adapters: Lent;
  readonly remember: Remember;
  /** The id on the control plane of what a tenant's connection is a copy of; null for one of its own. Default: all are. */
  readonly originIdOf?: ((connectionId: string) => Promise<string | null>) | undefined;
}

/** Two connections are too many already: more than a page of them need not be told apart. */
const ROWS_MAX = 100;

export function createLender({ tenantId, clientId, adapters, remember, originIdOf }: LenderOptions): Lender {
  const { branding, clients, connections, emailProviders, hooks, promptSettings, resourceServers } = adapters;
  return {
    tenantId,
    // The queries are for the pages, what is filtered afterwards is for safety.
    connectionsOf: (strategy) =>
      remember(`connections ${strategy}`, async () => {
        const found = await connections.list(tenantId, { q: termOf("strategy", strategy), per_page: ROWS_MAX });
        return found.connections.filter((each) => each.strategy === strategy && isLent(each));
      }),
    async originOf({ id, is_system }) {
      const originId = is_system && id ? await originIdOf?.(id) : null;
      if (!originId) return undefined;
      const origin = await remember(`connection ${originId}`, () => connections.get(tenantId, originId));
      return origin && isLentByOrigin(origin) ? origin : null;
    },
    client: async () =>
      clientId === undefined ? null : await remember(`client ${clientId}`, () => clients.get(tenantId, clientId)),
    emailProvider: () => remember("email provider", () => emailProviders.get(tenantId)),
    hooks: ({ q } = {}) =>
      remember(`hooks ${q ?? ""}`, async () => {
        const found = await hooks.list(tenantId, { ...(q !== undefined && { q }), per_page: ROWS_MAX });
        return found.hooks.filter(isInheritable);
      }),
    resourceServer: (identifier) =>
      remember(`resource server ${identifier}`, async () => {
        const found = await resourceServers.list(tenantId, { q: termOf("identifier", identifier), per_page: ROWS_MAX });
        return found.resource_servers.find((each) => each.identifier === identifier) ?? null;
      }),
    branding: () => remember("branding", () => branding.get(tenantId)),
    promptSettings: () => remember("prompt settings", () => promptSettings.get(tenantId)),
    theme: (id) => remember(`theme ${id}`, () => adapters.themes.get(tenantId, id)),
    settings: () => remember("settings", async () => (await adapters.tenants.get(tenantId)) ?? {}),
  };
}

const isLent = ({ metadata }: Connection): boolean => metadata?.inheritable !== false;

/** What may be the operators' own login is lent only where they have said that tenants are to have it. */
const isLentByOrigin = (origin: Connection): boolean =>
  isLent(origin) &&
  (origin.metadata?.sync === true || (LENT_BY_STRATEGY.has(origin.strategy) && origin.metadata?.sync !== false));

const termOf = (field: string, value: string) => `${field}:${JSON.stringify(value)}`;

/** Forms and code are in the control plane's database, where a child's login does not look for them. */
const isInheritable = (hook: Hook): boolean =>
  hook.metadata?.inheritable === true && !("form_id" in hook && hook.form_id) && !("code_id" in hook && hook.code_id);
