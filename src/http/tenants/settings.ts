import type { tenantSchema } from "@authhero/adapter-interfaces";
import { z } from "@hono/zod-openapi";
import type { InheritedSettings } from "../../fallback/settings.ts";
import { Described } from "./schemas.ts";

const { id: _id, audience: _audience, friendly_name, ...clearable } = Described.shape;
const settings = { friendly_name, ...clearable };

/** Every setting of a tenant that can be changed. Null clears one; a tenant without a name is none. */
export type TenantSettings = { [K in keyof typeof settings]?: z.infer<(typeof settings)[K]> | null };

export const TenantSettings: z.ZodType<TenantSettings> = z.strictObject({
  ...Object.fromEntries(Object.entries(clearable).map(([name, schema]) => [name, schema.nullish()])),
  friendly_name: z.string().trim().min(1).max(200).optional(),
});

/**
 * What a tenant's own administrators may change. What is not named here is the operators': quotas, sandboxes, and
 * whatever a later version of the contract adds.
 */
const TEAM_SETTINGS: ReadonlySet<string> = new Set<keyof TenantSettings>([
  "acr_values_supported",
  "allow_organization_name_in_authentication_api",
  "allowed_logout_urls",
  "attack_protection",
  "authorization_response_iss_parameter_supported",
  "change_password",
  "customize_mfa_in_postlogin_action",
  "default_audience",
  "default_client_id",
  "default_directory",
  "default_organization",
  "default_redirection_uri",
  "device_flow",
  "enabled_locales",
  "ephemeral_session_lifetime",
  "error_page",
  "flags",
  "friendly_name",
  "guardian_mfa_page",
  "idle_ephemeral_session_lifetime",
  "idle_session_lifetime",
  "mfa",
  "oidc_logout",
  "picture_url",
  "sender_email",
  "sender_name",
  "session_cookie",
  "session_lifetime",
  "sessions",
  "support_email",
  "support_url",
]);

/** The settings in a patch that are not a team's to change. */
export const beyondTeam = (patch: TenantSettings): string[] =>
  Object.keys(patch).filter((name) => !TEAM_SETTINGS.has(name));

/** The settings of a tenant's row. */
export const settingsOf = (tenant: z.infer<typeof tenantSchema>): TenantSettings =>
  Object.fromEntries(Object.entries(tenant).filter(([name]) => Object.hasOwn(settings, name)));

/** They name something of one tenant's, or hold a secret (`mfa`), which tenants must not get to read. */
const ONE_TENANTS: ReadonlySet<string> = new Set<keyof TenantSettings>([
  "default_client_id",
  "default_organization",
  "friendly_name",
  "mfa",
]);

/** The settings that a tenant can have from the control plane. */
export const INHERITABLE_SETTINGS: readonly string[] = Object.keys(settings).filter((name) => !ONE_TENANTS.has(name));

const source = z
  .enum(["own", "control_plane", "default"])
  .describe("The tenant itself; the control plane, which it inherits from; or neither");

const Effective = z.object({
  value: z.unknown().describe("Null where nobody has set one: then AuthHero's own default holds"),
  source,
  locked: z.boolean().describe("Whether the tenant may not have one of its own"),
});

/** Settings that hold no secret, and may be shown to whoever reads the tenant. */
const SHOWN = [
  "allowed_logout_urls",
  "default_audience",
  "default_client_id",
  "default_directory",
  "default_organization",
  "default_redirection_uri",
  "enabled_locales",
  "ephemeral_session_lifetime",
  "flags",
  "friendly_name",
  "idle_ephemeral_session_lifetime",
  "idle_session_lifetime",
  "oidc_logout",
  "picture_url",
  "sender_email",
  "sender_name",
  "session_cookie",
  "session_lifetime",
  "support_email",
  "support_url",
] as const satisfies readonly (keyof TenantSettings)[];

export const EffectiveSettings = z.object({
  ...(Object.fromEntries(SHOWN.map((name) => [name, Effective])) as Record<(typeof SHOWN)[number], typeof Effective>),
  email_provider: z
    .object({ set: z.boolean(), source })
    .describe("Who sends the tenant's mail; never with what credentials"),
});
export type EffectiveSettings = z.infer<typeof EffectiveSettings>;

/** Where the provider of a tenant's mail is from; null when there is none. */
export type MailSource = EffectiveSettings["email_provider"]["source"] | null;

/** What holds for a tenant of which this is the row. */
export function effectiveSettings(
  tenant: TenantSettings,
  mail: MailSource,
  inherited: InheritedSettings,
): EffectiveSettings {
  const shown = SHOWN.map((name) => {
    const locked = inherited.locked.has(name);
    const own = locked ? null : (tenant[name] ?? null);
    const value = own ?? inherited.values[name] ?? null;
    const source = own !== null ? "own" : value !== null ? "control_plane" : "default";
    return [name, { value, source, locked }];
  });
  return {
    ...(Object.fromEntries(shown) as Omit<EffectiveSettings, "email_provider">),
    email_provider: { set: mail !== null, source: mail ?? "default" },
  };
}
