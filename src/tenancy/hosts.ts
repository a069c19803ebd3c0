import { isIPv4 } from "node:net";
import { RESERVED_TENANT_IDS, TenantId } from "../domain/tenants.ts";

/** The names this installation answers to. */
export interface HostRules {
  /** The control plane's origin; its scheme and port hold for every tenant. */
  readonly issuer: URL;
  /** Children are `{tenant}.{baseDomain}`. Without it only the control plane has a host. */
  readonly baseDomain: string | undefined;
  readonly controlPlaneTenantId: string;
}

/** What a host name means. `nobody` is a label below the base domain that no tenant can ever have. */
export type HostMatch =
  | { readonly kind: "control-plane" }
  | { readonly kind: "tenant"; readonly tenantId: string }
  | { readonly kind: "nobody" }
  | { readonly kind: "unknown" }
  | { readonly kind: "malformed" };

/**
 * Whom a `Host` header (RFC 9110, section 7.2) addresses. Upper case, a trailing dot and the port make no difference.
 * Pure: whether the tenant exists is for the caller to find out.
 */
export function matchHost(header: string, rules: HostRules): HostMatch {
  const name = hostName(header);
  if (name === null) return { kind: "malformed" };
  if (name === withoutTrailingDot(rules.issuer.hostname)) return { kind: "control-plane" };

  const label = labelBelow(rules.baseDomain, name);
  if (label === null) return { kind: "unknown" };
  // The control plane has one host, the issuer's: its id as a label is no second door.
  if (RESERVED_TENANT_IDS.includes(label) || label === rules.controlPlaneTenantId) return { kind: "unknown" };
  return TenantId.safeParse(label).success ? { kind: "tenant", tenantId: label } : { kind: "nobody" };
}

/** The one origin of a tenant: canonical name, with scheme and port of the issuer. Ends in `/`. */
export function originOf(tenantId: string, rules: HostRules): URL {
  const origin = new URL("/", rules.issuer);
  if (tenantId !== rules.controlPlaneTenantId && rules.baseDomain !== undefined) {
    origin.hostname = `${tenantId}.${withoutTrailingDot(rules.baseDomain)}`;
  }
  return origin;
}

// RFC 1035, section 2.3.4.
const NAME_CHARACTERS_MAX = 253;
const LABEL_CHARACTERS_MAX = 63;
const PORT_MAX = 65_535;

const HOST = /^(?:(?<name>[a-z0-9._-]+)|(?<address>\[[0-9a-f:.]+\]))(?::(?<port>\d{0,5}))?$/i;

/** The name in lower case without port and trailing dot, or null when it is none. */
function hostName(header: string): string | null {
  const { name, address, port } = HOST.exec(header)?.groups ?? {};
  if (Number(port ?? 0) > PORT_MAX) return null;
  if (address !== undefined) return address.toLowerCase();
  if (name === undefined) return null;

  const plain = withoutTrailingDot(name);
  const wellFormed =
    plain.length <= NAME_CHARACTERS_MAX &&
    plain.split(".").every((label) => label.length > 0 && label.length <= LABEL_CHARACTERS_MAX);
  return wellFormed ? plain : null;
}

/** The single label in front of the base domain; null for the base domain itself, nested labels and foreign names. */
function labelBelow(baseDomain: string | undefined, name: string): string | null {
  if (baseDomain === undefined || isIPv4(name)) return null;
  const suffix = `.${withoutTrailingDot(baseDomain)}`;
  if (!name.endsWith(suffix)) return null;
  const label = name.slice(0, -suffix.length);
  return label.includes(".") ? null : label;
}

const withoutTrailingDot = (name: string) => name.toLowerCase().replace(/\.$/, "");
