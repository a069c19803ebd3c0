import type { Connection, ResourceServer, Role } from "@authhero/adapter-interfaces";
import { type Content, contentOf, KIND_RULES, KINDS, type Kind, type Permission } from "./kinds.ts";
import { isShared, type SyncRules, sharedPermissions, sharesKind, withoutCredentials } from "./rules.ts";

/** One entity as every child is to have it. */
export interface SharedEntity {
  readonly kind: Kind;
  /** Its id on the control plane. */
  readonly originId: string;
  /** Its identifier or name. */
  readonly label: string;
  readonly content: Content;
}

/** What is on a control plane, as it was read. */
export interface Stock {
  readonly resourceServers: readonly ResourceServer[];
  readonly roles: readonly Role[];
  readonly connections: readonly Omit<Connection, "enabled_clients">[];
  /** By role. */
  readonly permissions: ReadonlyMap<string, readonly Permission[]>;
}

/** What children are to have. A kind that is not shared has no entry: what children have of it is left alone. */
export type Shared = ReadonlyMap<Kind, readonly SharedEntity[]>;

/** Chooses from what the control plane has what its children get, and leaves out what they must not see. */
export function shareOf(rules: SyncRules, stock: Stock): Shared {
  const apis = stock.resourceServers.filter((api) => isShared.resource_server(rules, api));
  const roles = stock.roles.filter((role) => isShared.role(rules, role, stock.permissions.get(role.id) ?? []));
  const connections = stock.connections.filter((connection) => isShared.connection(rules, connection));
  // Where APIs are nobody's business but the child's, roles may allow what they like on them.
  const granting = sharesKind(rules, "resource_server") ? apis : stock.resourceServers;
  const permissions = permissionsOn(rules, granting, stock);

  const entities: Readonly<Record<Kind, readonly SharedEntity[]>> = {
    resource_server: apis.map((api) => shared("resource_server", api)),
    role: roles.map((role) => shared("role", role, permissions(role.id))),
    connection: connections.map((connection) => shared("connection", withoutCredentials(connection))),
  };
  return new Map(KINDS.filter((kind) => sharesKind(rules, kind)).map((kind) => [kind, entities[kind]]));
}

/** By identifier, also where the control plane has them by the API's id: in a child that is another one. */
function permissionsOn(rules: SyncRules, apis: readonly ResourceServer[], stock: Stock) {
  const identifiers = new Set(apis.map(({ identifier }) => identifier));
  const byId = new Map(stock.resourceServers.map(({ id, identifier }) => [id, identifier]));
  return (roleId: string): Permission[] => {
    const all = stock.permissions.get(roleId) ?? [];
    const named = all.map(([api, scope]): Permission => [byId.get(api) ?? api, scope]);
    return sharedPermissions(rules, named, identifiers);
  };
}

function shared(kind: Kind, row: object, permissions?: readonly Permission[]): SharedEntity {
  const content = contentOf(kind, { ...row, is_system: true }, permissions);
  const { id } = row as { id: string };
  return { kind, originId: id, label: labelOf(kind, content), content };
}

/** The field that is unique within a tenant. Every row has one. */
export const labelOf = (kind: Kind, content: Content): string => String(content[KIND_RULES[kind].label]);
