import { isIPv4 } from "node:net";
import { RESERVED_TENANT_IDS, TenantId } from "../domain/tenants.ts";
import { DomainName } from "./domain-names.ts";

/** The names this installation answers to. */
export interface HostRules {
  /** The control plane's origin; its scheme and port hold for every tenant. */
  readonly issuer: URL;
  /** Children are `{tenant}.{baseDomain}`. Without it only the control plane has a host. */
  readonly baseDomain: string | undefined;
  readonly controlPlaneTenantId: string;
  /** Labels below the base domain that are nobody's, in lower case, besides those that no tenant can have for its id. */
  readonly reservedSubdomains?: readonly string[];
}

/**
 * What a host name means. `nobody` is a label below the base domain that no tenant can ever have, `foreign` a name that
 * is none of ours: a tenant's own domain or somebody else's; `unknown` are the names that are nobody's in any case.
 */
export type HostMatch =
  | { readonly kind: "control-plane" }
  | { readonly kind: "tenant"; readonly tenantId: string }
  | { readonly kind: "nobody" }
  | { readonly kind: "foreign"; readonly name: string }
  | { readonly kind: "unknown"; readonly why: NobodysName }
  | { readonly kind: "malformed" };

/** A reserved label; a name of ours or below one that is no tenant's; one that can be no domain. */
export type NobodysName = "reserved" | "ours" | "no_domain";

/**
 * Whom a `Host` header (RFC 9110, section 7.2) addresses. Upper case, a trailing dot and the port make no difference.
 * Pure: whether the tenant exists is for the caller to find out.
 */
export function matchHost(header: string, rules: HostRules): HostMatch {
  const name = hostName(header);
  if (name === null) return { kind: "malformed" };
  if (name === withoutTrailingDot(rules.issuer.hostname)) return { kind: "control-plane" };

  const label = labelBelow(rules.baseDomain, name);
  if (label === null) {
    if (isOurs(name, rules)) return { kind: "unknown", why: "ours" };
    return isDomain(name) ? { kind: "foreign", name } : { kind: "unknown", why: "no_domain" };
  }
  // The control plane has one host, the issuer's: its id as a label is no second door.
  if (isReserved(label, rules) || label === rules.controlPlaneTenantId) return { kind: "unknown", why: "reserved" };
  return TenantId.safeParse(label).success ? { kind: "tenant", tenantId: label } : { kind: "nobody" };
}

/** Whether a label leads nowhere, so that no tenant can be reached by it. */
export const isReserved = (label: string, { reservedSubdomains = [] }: Pick<HostRules, "reservedSubdomains">) =>
  RESERVED_TENANT_IDS.includes(label) || reservedSubdomains.includes(label);

/** The canonical origin of a tenant: at the first of its verified domains, else at its sub-domain. */
export function canonicalOrigin(tenantId: string, rules: HostRules, domains: readonly string[]): URL {
  // One that has come to lie below a new base domain is not served there.
  const domain = domains.find((name) => canBeClaimed(name, rules));
  return originOf(tenantId, rules, domain);
}

/** What tokens of a tenant may name as their issuer: its origins under all its names. Not all are canonical any more. */
export function issuersOf(tenantId: string, rules: HostRules, domains: readonly string[]): readonly string[] {
  return [undefined, ...domains].map((domain) => originOf(tenantId, rules, domain).href);
}

/** The origin of a tenant under one of its names, without one its sub-domain, with the issuer's scheme and port. */
export function originOf(tenantId: string, rules: HostRules, domain?: string): URL {
  const origin = new URL("/", rules.issuer);
  if (tenantId === rules.controlPlaneTenantId) return origin;
  const subdomain = rules.baseDomain && `${tenantId}.${withoutTrailingDot(rules.baseDomain)}`;
  const hostname = domain ?? subdomain;
  if (hostname !== undefined) origin.hostname = hostname;
  return origin;
}

/** Whether a tenant may have the name for its own: not an address, and neither ours nor below ours. */
export const canBeClaimed = (name: string, rules: HostRules): boolean => isDomain(name) && !isOurs(name, rules);

const isDomain = (name: string) => DomainName.safeParse(name).success;

function isOurs(name: string, { issuer, baseDomain }: HostRules): boolean {
  const ours = [issuer.hostname, ...(baseDomain === undefined ? [] : [baseDomain])].map(withoutTrailingDot);
  return ours.some((own) => name === own || name.endsWith(`.${own}`));
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
