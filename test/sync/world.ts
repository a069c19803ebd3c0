import type { DataAdapters } from "@authhero/adapter-interfaces";
import fc from "fast-check";
import type { Database, Statement } from "../../src/db/database.ts";
import { PlatformError } from "../../src/domain/errors.ts";
import { contentOf, KINDS, type Kind } from "../../src/sync/kinds.ts";
import { stockOf } from "../../src/sync/over-adapters.ts";
import type { SyncChange } from "../../src/sync/proposal.ts";
import { CONTROL_PLANE, type House } from "./estate.ts";

/** Few enough that they meet: control plane and children take their names from here. */
const NAMES = ["Editor", "Viewer", `Bob's "own"; --`];
const APIS = ["https://one.example", "https://two.example"];
const SCOPES = ["read", "write"];

const metadata = fc.constantFrom({}, { sync: false }, { sync: true }, { team: "desk" });
const permission = fc.record({
  resource_server_identifier: fc.constantFrom(...APIS),
  permission_name: fc.constantFrom(...SCOPES),
});
const sometimes = { requiredKeys: [] };

/** What becomes of one entity; which of those that are there, is a number that wraps around. */
const wishes = fc.oneof(
  fc.record({
    entity: fc.constant("roles" as const),
    needed: fc.record({ name: fc.constantFrom(...NAMES) }),
    set: fc.record(
      {
        name: fc.constantFrom(...NAMES),
        description: fc.constantFrom("Writes", "Reads", null),
        metadata,
        permissions: fc.uniqueArray(permission, { selector: (each) => JSON.stringify(each) }),
      },
      sometimes,
    ),
  }),
  fc.record({
    entity: fc.constant("resource_servers" as const),
    needed: fc.record({ identifier: fc.constantFrom(...APIS), name: fc.constant("API") }),
    set: fc.record(
      {
        identifier: fc.constantFrom(...APIS),
        scopes: fc.subarray(SCOPES).map((values) => values.map((value) => ({ value }))),
        metadata,
      },
      sometimes,
    ),
  }),
  fc.record({
    entity: fc.constant("connections" as const),
    needed: fc.record({ name: fc.constantFrom(...NAMES), strategy: fc.constantFrom("github", "oidc") }),
    set: fc.record(
      {
        name: fc.constantFrom(...NAMES),
        display_name: fc.constantFrom("One", null),
        metadata,
        options: fc.constantFrom({}, { scope: "openid" }),
      },
      sometimes,
    ),
  }),
);

export const wish = fc.record({
  what: wishes,
  which: fc.nat(),
  how: fc.constantFrom("make" as const, "change" as const, "change" as const, "delete" as const),
});
export type Wish = typeof wish extends fc.Arbitrary<infer T> ? T : never;

const MEMBER = { resource_servers: "resourceServers", roles: "roles", connections: "connections" } as const;
const KIND = { resource_servers: "resource_server", roles: "role", connections: "connection" } as const;
const ENTITY = { resource_server: "resource_servers", role: "roles", connection: "connections" } as const;

/** The change that a wish is where things stand. */
export async function changeOf({ adapters }: House, { what, which, how }: Wish): Promise<SyncChange> {
  const rows = rowsOf(await stockOf(adapters, CONTROL_PLANE), KIND[what.entity]);
  const { id } = rows[which % Math.max(rows.length, 1)] ?? {};
  const { entity, needed, set } = what;
  if (how === "make" || id === undefined) return { entity, set: { ...set, ...needed } } as SyncChange;
  return (how === "delete" ? { entity, id, delete: true } : { entity, id, set }) as SyncChange;
}

interface Collection {
  create(tenantId: string, input: object): Promise<{ id?: string }>;
  update(tenantId: string, id: string, patch: object): Promise<boolean>;
  remove(tenantId: string, id: string): Promise<boolean>;
}

/** Makes a change as the Management API does. False: the name is taken, and nothing has changed. */
export async function make({ adapters }: House, change: SyncChange): Promise<boolean> {
  const collection = adapters[MEMBER[change.entity]] as unknown as Collection;
  const { permissions, ...fields } = (change.set ?? {}) as { permissions?: Permission[] };
  try {
    if (change.delete) return await collection.remove(CONTROL_PLANE, change.id ?? "");
    let { id } = change;
    if (id === undefined) id = (await collection.create(CONTROL_PLANE, fields)).id;
    else await collection.update(CONTROL_PLANE, id, fields);
    if (permissions) await regrant(adapters, id ?? "", permissions);
    return true;
  } catch (error) {
    if (error instanceof PlatformError && error.reason === "unique_violation") return false;
    throw error;
  }
}

interface Permission {
  resource_server_identifier: string;
  permission_name: string;
}

async function regrant({ rolePermissions }: DataAdapters, role_id: string, permissions: readonly Permission[]) {
  const named = (all: readonly Permission[]) =>
    all.map(({ resource_server_identifier, permission_name }) => ({
      role_id,
      resource_server_identifier,
      permission_name,
    }));
  const had = await rolePermissions.list(CONTROL_PLANE, role_id);
  await rolePermissions.remove(CONTROL_PLANE, role_id, named(had));
  await rolePermissions.assign(CONTROL_PLANE, role_id, named(permissions));
}

export const ownEntity = fc.record({
  kind: fc.constantFrom(...KINDS),
  name: fc.constantFrom(...NAMES),
  api: fc.constantFrom(...APIS),
});
export type OwnEntity = typeof ownEntity extends fc.Arbitrary<infer T> ? T : never;

/** Lets a child's administrator make something of its own, unless the name is taken. */
export async function makeOwn({ adapters, tenantId }: House, { kind, name, api }: OwnEntity): Promise<void> {
  const input = {
    role: { name, description: "Own" },
    resource_server: { identifier: api, name: "Own" },
    connection: { name, strategy: "github", options: { client_secret: "own" } },
  };
  const collection = adapters[MEMBER[ENTITY[kind]]] as unknown as Collection;
  await collection.create(tenantId, input[kind]).catch((error: unknown) => {
    if (!(error instanceof PlatformError && error.reason === "unique_violation")) throw error;
  });
}

const rowsOf = (
  stock: Awaited<ReturnType<typeof stockOf>>,
  kind: Kind,
): readonly { id?: string; is_system?: boolean }[] =>
  ({ role: stock.roles, resource_server: stock.resourceServers, connection: stock.connections })[kind];

/** Everything in a house, by kind and id. */
export async function contentsOf({
  adapters,
  tenantId,
}: House): Promise<ReadonlyMap<string, Readonly<Record<string, unknown>>>> {
  const stock = await stockOf(adapters, tenantId);
  return new Map(
    KINDS.flatMap((kind) =>
      rowsOf(stock, kind).map((row) => [
        `${kind} ${row.id}`,
        contentOf(kind, row, stock.permissions.get(row.id ?? "")),
      ]),
    ),
  );
}

/** What is a child's own. */
export const ownContents = async (house: House) =>
  [...(await contentsOf(house))].filter(([, { is_system: isSystem }]) => isSystem !== true).sort();

/** When a process dies: before or after its n-th round trip, or when a batch is half done. */
export const death = fc.record({
  trip: fc.integer({ min: 1, max: 5 }),
  moment: fc.constantFrom("before" as const, "within" as const, "after" as const),
  statement: fc.nat(40),
});
export type Death = typeof death extends fc.Arbitrary<infer T> ? T : never;

export class Died extends Error {}

/** SQLite finds out when it is run, not before. */
const FAILING: Statement = { sql: "select abs(-9223372036854775808)", parameters: [] };

/** Databases of a process that dies: what it had committed is there, and nothing comes after it. */
export function mortal({ trip, moment, statement }: Death) {
  let trips = 0;
  return (database: Database): Database => ({
    dialect: database.dialect,
    close: () => database.close(),
    async batch(statements) {
      trips += 1;
      if (trips < trip) return await database.batch(statements);
      if (trips === trip && moment === "after") await database.batch(statements);
      if (trips === trip && moment === "within") {
        const half = statements.slice(0, statement % (statements.length + 1));
        await database.batch([...half, FAILING]).catch(() => undefined);
      }
      throw new Died("the process has died");
    },
  });
}
