import { createHash } from "node:crypto";
import { connections } from "../entities/connections.ts";
import type { Definition } from "../entities/entity.ts";
import { resourceServers } from "../entities/resource-servers.ts";
import { roles } from "../entities/roles.ts";

/** What a control plane shares. Stored in `synced_entities`, so never renamed. */
export const KINDS = ["resource_server", "role", "connection"] as const;
export type Kind = (typeof KINDS)[number];

/** What is true of a kind wherever it is. */
export interface KindRules {
  readonly definition: Definition;
  /** The field that is unique within a tenant. */
  readonly label: "identifier" | "name";
  /** What a child gets of it. Whatever is not here stays on the control plane: secrets above all. */
  readonly fields: readonly string[];
}

export const KIND_RULES: Readonly<Record<Kind, KindRules>> = {
  resource_server: {
    definition: resourceServers,
    label: "identifier",
    fields: [
      "identifier",
      "name",
      "scopes",
      "signing_alg",
      "token_lifetime",
      "token_lifetime_for_web",
      "skip_consent_for_verifiable_first_party_clients",
      "allow_offline_access",
      "options",
      "metadata",
    ],
  },
  role: { definition: roles, label: "name", fields: ["name", "description", "metadata"] },
  connection: {
    definition: connections,
    label: "name",
    fields: [
      "name",
      "strategy",
      "display_name",
      "response_type",
      "response_mode",
      "is_domain_connection",
      "show_as_button",
      "metadata",
      "options",
    ],
  },
};

/** What a row is made of, and of a role what it allows: what has to be equal in every child. */
export type Content = Readonly<Record<string, unknown>>;

/** A permission of a role: the API's identifier, and the scope. */
export type Permission = readonly [api: string, scope: string];

/** The content of a row that was read: its fields, that it is the control plane's, and a role's permissions. */
export function contentOf(kind: Kind, row: object, permissions?: readonly Permission[]): Content {
  const fields = Object.entries(row).filter(([field]) => KIND_RULES[kind].fields.includes(field));
  const { is_system: isSystem = false } = row as { is_system?: boolean };
  return {
    ...Object.fromEntries(fields),
    is_system: isSystem,
    ...(kind === "role" && { permissions: [...(permissions ?? [])].sort(byText) }),
  };
}

const byText = (one: Permission, other: Permission) => (one.join("\n") < other.join("\n") ? -1 : 1);

/** The same for equal contents, whatever the order of their keys. */
export const hashOf = (content: unknown): string => createHash("sha256").update(canonical(content)).digest("hex");

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonical(each)}`).join(",")}}`;
}
