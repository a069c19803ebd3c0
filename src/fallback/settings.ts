import { isDeepStrictEqual } from "node:util";
import type { DataAdapters, Tenant } from "@authhero/adapter-interfaces";
import { PlatformError } from "../domain/errors.ts";
import type { LenderOf } from "./lender.ts";

export type Settings = Partial<Tenant>;

/** Which settings tenants have from the control plane. */
export interface SettingsInheritance {
  /** Names of settings that a tenant has from the control plane for as long as it has set none of its own. */
  readonly inheritedKeys: readonly (keyof Tenant)[];
  /** Names of settings that no tenant may have of its own. They are inherited, too. */
  readonly lockedKeys?: readonly (keyof Tenant)[];
  /** What a tenant inherits is what this makes of the control plane's values; a name it leaves away is not inherited. */
  transformSettings?(settings: Settings, tenantId: string): Settings | Promise<Settings>;
}

/** What a tenant has from the control plane, and what it may not have itself. */
export interface InheritedSettings {
  readonly values: Settings;
  readonly locked: ReadonlySet<string>;
}

export type InheritedSettingsOf = (tenantId: string) => Promise<InheritedSettings>;

/** For a tenant that inherits no settings. */
export const NOTHING: InheritedSettings = { values: {}, locked: new Set() };

/** What each tenant has from whom it inherits. */
export function inheritedSettings(
  inheritance: SettingsInheritance | undefined,
  lenderOf: LenderOf,
): InheritedSettingsOf {
  if (!inheritance) return () => Promise.resolve(NOTHING);
  const locked: ReadonlySet<string> = new Set(inheritance.lockedKeys ?? []);
  const names: ReadonlySet<string> = new Set([...inheritance.inheritedKeys, ...locked]);
  const named = (settings: Settings): Settings =>
    Object.fromEntries(Object.entries(settings).filter(([name, value]) => names.has(name) && isSet(value)));

  return async (tenantId) => {
    const lender = await lenderOf(tenantId);
    if (!lender) return NOTHING;
    // A copy, because whoever transforms may change what it is given.
    const lent = structuredClone(named(await lender.settings()));
    const values = (await inheritance.transformSettings?.(lent, tenantId)) ?? lent;
    return { values: named(values), locked };
  };
}

/** What holds for a tenant: its own settings, what it inherits where it has none, and what is locked as it is lent. */
export function effective<T extends Settings>(own: T, { values, locked }: InheritedSettings): T {
  const ownSet = Object.entries(own).filter(([name, value]) => !locked.has(name) && isSet(value));
  return { ...values, ...Object.fromEntries(ownSet) } as T;
}

/** The settings that hold for a tenant without those it inherits; one of its own that is the same goes with them. */
export function withoutInherited<T extends Settings>(held: T, { values }: InheritedSettings): T {
  const own = Object.entries(held).filter(([name, value]) => !isDeepStrictEqual(value, values[name as keyof Settings]));
  return Object.fromEntries(own) as T;
}

/** Throws `conflict` (`setting_locked`) when one of these settings is not a tenant's to have. */
export function requireUnlocked(names: readonly string[], { locked }: InheritedSettings): void {
  const refused = names.filter((name) => locked.has(name));
  if (refused.length === 0) return;
  throw new PlatformError("conflict", "setting_locked", `${refused.join(", ")}: decided by the control plane alone`);
}

/** Shows tenants with the settings that hold for them; what a write carries back of inherited ones is taken out. */
export function withSettings(adapters: DataAdapters, inheritedOf: InheritedSettingsOf): DataAdapters {
  const { tenants } = adapters;
  return {
    ...adapters,
    tenants: {
      ...tenants,
      async get(id) {
        const own = await tenants.get(id);
        return own && effective(own, await inheritedOf(id));
      },
      async update(id, patch) {
        const inherited = await inheritedOf(id);
        const own = await tenants.get(id);
        const changes = Object.entries(patch).filter(([name, value]) => !isCarried(name, value, own ?? {}, inherited));
        requireUnlocked(
          changes.map(([name]) => name),
          inherited,
        );
        await tenants.update(id, Object.fromEntries(changes));
      },
    },
    transaction: (work) => adapters.transaction((inside) => work(withSettings(inside, inheritedOf))),
  };
}

/** Whether a value is only what was read, written back. */
function isCarried(name: string, value: unknown, own: Settings, { values, locked }: InheritedSettings): boolean {
  const isOwn = !locked.has(name) && isSet(own[name as keyof Settings]);
  return !isOwn && isSet(value) && isDeepStrictEqual(value, values[name as keyof Settings]);
}

const isSet = (value: unknown): boolean => value !== undefined && value !== null;
