import type { Branding, BrandingAdapter } from "@authhero/adapter-interfaces";
import { doc } from "./columns.ts";
import { type Singleton, singleton } from "./singleton.ts";
import type { Store } from "./store.ts";

export const branding: Singleton<Branding> = {
  kind: "branding",
  columns: {
    colors: doc(),
    logo_url: doc(),
    favicon_url: doc(),
    powered_by_logo_url: doc(),
    font: doc(),
    dark_mode: doc(),
  },
  absent: () => ({ colors: {} as Branding["colors"] }),
};

export const createBranding = (store: Store): BrandingAdapter => singleton(store, branding);
