import {
  customDomainInsertSchema,
  customDomainSchema,
  proxyRouteInsertSchema,
  proxyRouteSchema,
  rolloutInsertSchema,
  rolloutSchema,
  signingKeySchema,
  tenantInsertSchema,
  tenantOperationEventInsertSchema,
  tenantOperationEventSchema,
  tenantOperationInsertSchema,
  tenantOperationSchema,
  tenantSchema,
} from "@authhero/adapter-interfaces";
import type { z } from "zod";
import { collection, pageOf, type Row, type Sample } from "./samples-shapes.ts";
import { fullValue, instant } from "./samples-values.ts";

const text = (row: Row, field: string) => String(row[field]);

type Tenant = z.output<typeof tenantSchema>;

const flags = tenantInsertSchema.shape.flags.unwrap();

export const tenants: Sample = {
  ...collection(
    (data) => ({
      create: (_tenant: string, value: object, options?) => data.tenants.create(value as Tenant, options),
      get: (_tenant, id) => data.tenants.get(id),
      list: (_tenant, params) => data.tenants.list(params),
      update: (_tenant, id, patch) => data.tenants.update(id, patch as Partial<Tenant>),
      remove: (_tenant, id) => data.tenants.remove(id),
    }),
    {
      insert: tenantInsertSchema,
      read: tenantSchema,
      key: "id",
      as: "tenants",
      global: true,
      computed: ["is_control_plane"],
      unique: [["id"]],
      sorts: ["id", "friendly_name", "created_at", "updated_at"],
      filters: ["id", "friendly_name"],
      pages: { first: 0, totals: "I" },
      imports: { id: true },
      missing: { update: undefined },
      own: (n) => ({ flags: fullValue(flags, n, { allow_http_return_to: [`http://localhost:${3000 + n}`] }) }),
    },
  ),
};

/** Without `get`: a key is found in the list, as long as it is not revoked. */
export const keys: Sample = {
  ...collection(
    (data) => ({
      create: (_tenant: string, key: z.input<typeof signingKeySchema>, options?) =>
        data.keys.create(key, options).then(() => undefined),
      list: (_tenant, params) => data.keys.list(params),
      update: (_tenant, kid, patch) => data.keys.update(kid, patch),
    }),
    {
      insert: signingKeySchema,
      read: signingKeySchema,
      key: "kid",
      as: "signingKeys",
      has: ["list", "update"],
      global: true,
      unique: [["kid"]],
      sorts: ["kid", "type", "created_at", "current_since"],
      filters: ["kid", "tenant_id", "type", "connection", "fingerprint", "thumbprint"],
      pages: { first: 0, totals: "A" },
      imports: { id: true },
      own: (n) => ({ kid: `kid-${n}`, revoked_at: instant(1000 + n) }),
    },
  ),
  async get(data, _tenant, row) {
    const { signingKeys } = await data.keys.list({ per_page: 1000 });
    return signingKeys.find(({ kid }) => kid === row.kid) ?? null;
  },
};

export const customDomains = collection((data) => data.customDomains, {
  insert: customDomainInsertSchema,
  read: customDomainSchema,
  key: "custom_domain_id",
  adds: ["status", "primary"],
  unique: [["custom_domain_id"], ["domain"]],
  imports: { id: true },
  own: (n) => ({ domain: `login-${n}.example.com` }),
});

export const proxyRoutes = collection((data) => data.proxyRoutes, {
  insert: proxyRouteInsertSchema,
  read: proxyRouteSchema,
  key: "id",
  as: "proxy_routes",
  unique: [["id"]],
  fixed: ["custom_domain_id"],
  never: { priority: "routes are always in some order" },
  sorts: [],
  pages: { first: 0, totals: "G" },
  imports: { id: true },
});

type Operation = z.output<typeof tenantOperationInsertSchema>;

export const tenantOperations = collection(
  (data) => ({
    create: (_tenant: string, value: object) => data.tenantOperations.create(value as Operation),
    get: (_tenant, id) => data.tenantOperations.get(id),
    list: (_tenant, params) => data.tenantOperations.list(params),
    update: (_tenant, id, patch) => data.tenantOperations.update(id, patch),
    remove: (_tenant, id) => data.tenantOperations.remove(id),
  }),
  {
    insert: tenantOperationInsertSchema,
    read: tenantOperationSchema,
    key: "id",
    as: "operations",
    never: { tenant_id: "null is all tenants" },
    adds: ["status"],
    global: true,
    sorts: [],
    pages: { first: 0, totals: "G" },
  },
);

type Event = z.output<typeof tenantOperationEventInsertSchema>;

export const tenantOperationEvents: Sample = {
  ...collection(
    (data) => ({ create: (_tenant: string, value: object) => data.tenantOperationEvents.create(value as Event) }),
    {
      insert: tenantOperationEventInsertSchema,
      read: tenantOperationEventSchema,
      key: "id",
      has: [],
      global: true,
      never: { attempt: "a first attempt is 1" },
      sorts: [],
      pages: { first: 0, totals: "G" },
      own: () => ({ operation_id: "operation" }),
    },
  ),
  async get(data, _tenant, row) {
    const { events } = await data.tenantOperationEvents.listByOperation(text(row, "operation_id"));
    return events.find(({ id }) => id === row.id) ?? null;
  },
  list: async (data, _tenant, row, params) =>
    pageOf(await data.tenantOperationEvents.listByOperation(text(row, "operation_id"), params), "events"),
};

type Rollout = z.output<typeof rolloutInsertSchema>;

export const rollouts = collection(
  (data) => ({
    create: (_tenant: string, value: object) => data.rollouts.create(value as Rollout),
    get: (_tenant, id) => data.rollouts.get(id),
    list: (_tenant, params) => data.rollouts.list(params),
    update: (_tenant, id, patch) => data.rollouts.update(id, patch),
    remove: (_tenant, id) => data.rollouts.remove(id),
  }),
  {
    insert: rolloutInsertSchema,
    read: rolloutSchema,
    key: "id",
    as: "rollouts",
    never: { wave_size: "a wave is always of some size" },
    adds: ["status"],
    global: true,
    sorts: [],
    pages: { first: 0, totals: "G" },
  },
);
