import { isDeepStrictEqual } from "node:util";
import type { DataAdapters, ThemeInsert } from "@authhero/adapter-interfaces";
import { DEFAULT_PROMPTS } from "../entities/prompt-settings.ts";
import type { LenderOf } from "./lender.ts";

/** The theme that a tenant begins with: one that still has it has chosen none. */
export type FirstTheme = ThemeInsert | undefined;

type Looks = Pick<DataAdapters, "branding" | "promptSettings" | "themes">;

/** How login pages look and ask: a tenant's own, else the control plane's. */
export function inheritedLooks(
  { branding, promptSettings, themes }: Looks,
  lenderOf: LenderOf,
  first: FirstTheme,
): Looks {
  return {
    branding: {
      ...branding,
      get: async (tenantId) => (await branding.get(tenantId)) ?? (await (await lenderOf(tenantId))?.branding()) ?? null,
    },
    promptSettings: {
      ...promptSettings,
      async get(tenantId) {
        const own = await promptSettings.get(tenantId);
        if (!isDeepStrictEqual({ ...DEFAULT_PROMPTS, ...own }, DEFAULT_PROMPTS)) return own;
        return (await (await lenderOf(tenantId))?.promptSettings()) ?? own;
      },
    },
    themes: {
      ...themes,
      async get(tenantId, id) {
        const own = await themes.get(tenantId, id);
        if (own && !isFirst(own, first)) return own;
        return (await (await lenderOf(tenantId))?.theme(id)) ?? own;
      },
    },
  };
}

const isFirst = ({ themeId: _id, ...theme }: { readonly themeId?: string }, first: FirstTheme): boolean =>
  first !== undefined && isDeepStrictEqual(theme, first);
