import type { PromptSetting, PromptSettingsAdapter } from "@authhero/adapter-interfaces";
import { doc } from "./columns.ts";
import { type Singleton, singleton } from "./singleton.ts";
import type { Store } from "./store.ts";

/** What the contract's own schema says of a tenant that has set nothing. */
export const DEFAULT_PROMPTS: PromptSetting = {
  universal_login_experience: "new",
  identifier_first: true,
  password_first: false,
  show_last_used_connection: false,
  webauthn_platform_first_factor: false,
};

export const promptSettings: Singleton<PromptSetting> = {
  kind: "prompt_settings",
  columns: {
    universal_login_experience: doc(),
    identifier_first: doc(),
    password_first: doc(),
    show_last_used_connection: doc(),
    webauthn_platform_first_factor: doc(),
  },
  absent: () => ({ ...DEFAULT_PROMPTS }),
};

/** The `promptSettings` adapter. Reading never answers null; fields it does not know are passed over in silence. */
export function createPromptSettings(store: Store): PromptSettingsAdapter {
  const { get, set } = singleton(store, promptSettings);
  return {
    get: async (tenantId) => (await get(tenantId)) ?? { ...DEFAULT_PROMPTS },
    set: (tenantId, settings) => set(tenantId, known(settings)),
  };
}

const known = (settings: Partial<PromptSetting>): Partial<PromptSetting> =>
  Object.fromEntries(Object.entries(settings).filter(([field]) => Object.hasOwn(promptSettings.columns, field)));
