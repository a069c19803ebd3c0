import {
  connectionInsertSchema,
  type DataAdapters,
  resourceServerInsertSchema,
  roleInsertSchema,
} from "@authhero/adapter-interfaces";
import * as z from "zod";
import { PlatformError } from "../domain/errors.ts";
import { createDataAdapters } from "../entities/adapters.ts";
import type { Store } from "../entities/store.ts";
import { readStock } from "./control-plane.ts";
import { KIND_RULES, type Kind } from "./kinds.ts";
import type { SyncRules } from "./rules.ts";
import { type Shared, type Stock, shareOf } from "./shared.ts";

/** It is stored as long as its plan is kept. Far above an API with two hundred scopes. */
const CHANGE_CHARS_MAX = 32_768;

/** What may be set of a kind: what tenants get of it. Null clears, as in a PATCH. Nothing else, above all no secret. */
function settable(kind: Kind, contract: z.ZodObject, more: z.ZodRawShape = {}) {
  const fields = KIND_RULES[kind].fields.map((field) => [field, bare(contract.shape[field]).nullish()]);
  return z.strictObject({ ...(Object.fromEntries(fields) as z.ZodRawShape), ...more });
}

/** Without its default: a PATCH changes what it was sent. */
function bare(field: z.core.$ZodType | undefined): z.ZodType {
  if (field instanceof z.ZodOptional || field instanceof z.ZodDefault) return bare(field.unwrap());
  return field as z.ZodType;
}

const Permissions = z
  .array(z.strictObject({ resource_server_identifier: z.string(), permission_name: z.string() }))
  .describe("All that the role holds then");

/** The others are never shared, and may be secret. */
const ConnectionOptions = z.strictObject({
  domain_aliases: z.array(z.string()).optional(),
  icon_url: z.string().optional(),
  scope: z.string().optional(),
});

const common = {
  id: z.string().min(1).optional().describe("Its id on the control plane; without it, it is to be made"),
  delete: z.literal(true).optional(),
};

/** A change of what the control plane shares that has not been made, in the words of the Management API. */
export const SyncChange = z
  .discriminatedUnion("entity", [
    z.strictObject({
      entity: z.literal("resource_servers"),
      ...common,
      set: settable("resource_server", resourceServerInsertSchema).optional(),
    }),
    z.strictObject({
      entity: z.literal("roles"),
      ...common,
      set: settable("role", roleInsertSchema, { permissions: Permissions.optional() }).optional(),
    }),
    z.strictObject({
      entity: z.literal("connections"),
      ...common,
      set: settable("connection", connectionInsertSchema, { options: ConnectionOptions.optional() }).optional(),
    }),
  ])
  .superRefine((change, context) => {
    for (const [path, message] of problemsOf(change)) context.addIssue({ code: "custom", path, message });
  });
export type SyncChange = z.infer<typeof SyncChange>;

const NEEDED: Readonly<Record<SyncChange["entity"], readonly string[]>> = {
  resource_servers: ["name", "identifier"],
  roles: ["name"],
  connections: ["name", "strategy"],
};

function problemsOf({ entity, id, set, delete: isDeletion }: SyncChange): (readonly [string[], string])[] {
  if ((set === undefined) === (isDeletion === undefined)) return [[["set"], "give either set or delete"]];
  if (isDeletion) return id === undefined ? [[["id"], "is missing: what is to be deleted"]] : [];
  if (JSON.stringify(set).length > CHANGE_CHARS_MAX) return [[["set"], `is more than ${CHANGE_CHARS_MAX} characters`]];
  const given = set as Readonly<Record<string, unknown>>;
  const missing = id === undefined ? NEEDED[entity].filter((field) => typeof given[field] !== "string") : [];
  return missing.map((field) => [["set", field], "is missing: without id it is to be made"]);
}

/**
 * What children would have after a change, or have to have now. The change is made by the control plane's own adapters
 * in a transaction that is taken back: so names that are taken are refused here, too, and what goes with a row goes.
 * Throws `invalid` (`unknown_entity`), and `conflict` (`unique_violation`).
 */
export async function readProposed(
  store: Store,
  tenantId: string,
  rules: SyncRules,
  change: SyncChange | null,
): Promise<Shared> {
  const stock = change ? await stockAfter(store, tenantId, change) : (await readStock(store, tenantId)).stock;
  return shareOf(rules, stock);
}

async function stockAfter(store: Store, tenantId: string, change: SyncChange): Promise<Stock> {
  const takenBack = new Error("taken back");
  let stock: Stock | undefined;
  try {
    await store.transaction(async (inside) => {
      await carryOut(createDataAdapters(inside), tenantId, change);
      ({ stock } = await readStock(inside, tenantId));
      throw takenBack;
    });
  } catch (error) {
    if (error !== takenBack) throw error;
  }
  if (!stock) throw new Error("a transaction has ended without its work");
  return stock;
}

const MEMBER = { resource_servers: "resourceServers", roles: "roles", connections: "connections" } as const;

/** What the three have in common; each was checked for its own kind. */
interface Collection {
  create(tenantId: string, input: object): Promise<{ id?: string }>;
  update(tenantId: string, id: string, patch: object): Promise<boolean>;
  remove(tenantId: string, id: string): Promise<boolean>;
}

async function carryOut(adapters: DataAdapters, tenantId: string, change: SyncChange): Promise<void> {
  const { entity, id, set = {} } = change;
  const collection = adapters[MEMBER[entity]] as unknown as Collection;
  const { permissions, ...fields } = set as Readonly<Record<string, unknown>>;
  if (change.delete) return requireThere(await collection.remove(tenantId, id ?? ""), change);
  if (id !== undefined) requireThere(await collection.update(tenantId, id, fields), change);
  const changed = id ?? (await collection.create(tenantId, fields)).id ?? "";
  if (permissions) await hold(adapters, tenantId, changed, permissions as z.infer<typeof Permissions>);
}

function requireThere(isThere: boolean, { entity, id }: SyncChange): void {
  if (isThere) return;
  throw new PlatformError("invalid", "unknown_entity", `change.id: the control plane has no ${id} among its ${entity}`);
}

async function hold(
  { rolePermissions }: DataAdapters,
  tenantId: string,
  roleId: string,
  permissions: z.infer<typeof Permissions>,
): Promise<void> {
  for (;;) {
    const held = await rolePermissions.list(tenantId, roleId);
    if (held.length === 0) break;
    await rolePermissions.remove(
      tenantId,
      roleId,
      held.map(({ resource_server_identifier, permission_name }) => ({
        role_id: roleId,
        resource_server_identifier,
        permission_name,
      })),
    );
  }
  await rolePermissions.assign(
    tenantId,
    roleId,
    permissions.map((permission) => ({ role_id: roleId, ...permission })),
  );
}
