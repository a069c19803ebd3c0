import type { Connection, DataAdapters } from "@authhero/adapter-interfaces";

/** What the login pages of a tenant lead to and show, for their Content-Security-Policy. */
export function createPageSources({ branding, connections, loginSessions, themes }: DataAdapters) {
  return {
    /**
     * Absolute URLs to which a form of this login may redirect: its redirect URI, and the authorization endpoints of
     * the identity providers the tenant has. Empty when there is no such login session.
     */
    async formTargets(tenantId: string, state: string): Promise<readonly string[]> {
      const session = await loginSessions.get(tenantId, state);
      if (!session) return [];
      const { connections: offered } = await connections.list(tenantId);
      const targets = [session.authParams.redirect_uri, ...offered.map(authorizationEndpoint)];
      return targets.filter(isAbsolute);
    },

    /** Absolute URLs of the logos, pictures and fonts that the tenant's own branding names. */
    async assets(tenantId: string): Promise<readonly string[]> {
      const [brand, theme] = await Promise.all([branding.get(tenantId), themes.get(tenantId, "default")]);
      const named = [
        brand?.logo_url,
        brand?.favicon_url,
        brand?.powered_by_logo_url,
        brand?.font?.url,
        theme?.widget.logo_url,
        theme?.fonts.font_url,
        theme?.page_background.background_image_url,
      ];
      return named.filter(isAbsolute);
    },
  };
}

const SOCIAL_ENDPOINTS: Readonly<Record<string, string>> = {
  "google-oauth2": "https://accounts.google.com/",
  apple: "https://appleid.apple.com/",
  facebook: "https://www.facebook.com/",
  github: "https://github.com/",
  windowslive: "https://login.microsoftonline.com/",
  vipps: "https://api.vipps.no/",
};

function authorizationEndpoint({ strategy, options }: Connection): string | undefined {
  const own = options?.authorization_endpoint;
  return typeof own === "string" && own !== "" ? own : SOCIAL_ENDPOINTS[strategy];
}

const isAbsolute = (value: string | undefined): value is string => value !== undefined && /^https?:\/\//.test(value);
