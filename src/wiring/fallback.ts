import * as z from "zod";
import type { Registry } from "../../provisioning/registry.ts";
import type { Clock } from "../domain/clock.ts";
import { PlatformError } from "../domain/errors.ts";
import { callable, requireOptions } from "../domain/options.ts";
import { keepRecent } from "../domain/recent.ts";
import type { Store } from "../entities/store.ts";
import { createLender, type LenderOf, type Remember } from "../fallback/lender.ts";
import { choosing, type ResolveControlPlane } from "../fallback/runtime-fallback.ts";
import type { SettingsInheritance } from "../fallback/settings.ts";
import { INHERITABLE_SETTINGS } from "../http/tenants/settings.ts";
import { originOf } from "../sync/origins.ts";
import { remembering } from "../tenancy/router.ts";
import type { ControlPlane } from "./control-plane.ts";

/** What tenants inherit, and from whom. */
export interface Inheritance {
  readonly resolveControlPlane?: ResolveControlPlane;
  /** A client of the control plane, whose addresses all clients of all tenants have, too. Default: none. */
  readonly controlPlaneClientId?: string;
  readonly settingsInheritance?: SettingsInheritance;
}

const settingNames = () =>
  z.array(z.string().refine((name) => INHERITABLE_SETTINGS.includes(name), "is no setting that can be inherited"));

/** The options of `Inheritance`, as whoever calls gives them. */
export const InheritanceOptions = {
  resolveControlPlane: callable().optional(),
  settingsInheritance: z
    .strictObject({
      inheritedKeys: settingNames(),
      lockedKeys: settingNames().optional(),
      transformSettings: callable().optional(),
    })
    .optional(),
};

/** Refuses what cannot be: `invalid` (`invalid_options`). */
export function requireInheritance({ resolveControlPlane, settingsInheritance }: Inheritance): void {
  const schema = z.strictObject(InheritanceOptions);
  requireOptions("createRowhouse", schema, { resolveControlPlane, settingsInheritance });
}

export interface Lending {
  readonly inheritance: Inheritance;
  /** Runs a call on a tenant's open database. */
  readonly onStore: <T>(tenantId: string, call: (store: Store) => Promise<T>) => Promise<T>;
  readonly clock: Clock;
}

/** Whom each tenant of this house inherits from. What is read of the control plane is kept while its epoch lasts. */
export function createLending(controlPlane: ControlPlane, { inheritance, onStore, clock }: Lending): LenderOf {
  const { tenantId: own, adapters, registry, lastKnown } = controlPlane;
  const choose = choosing({ ...inheritance, controlPlaneTenantId: own });
  const whileItIs = rememberingWhile(epochOf(registry, own), clock);
  const remember: Remember = (key, read) =>
    remembering(() => whileItIs(key, () => lastKnown(own, `lent ${key}`, read)));

  return async (tenantId) => {
    const chosen = await choose(tenantId);
    if (!chosen) return null;
    const originIdOf = (id: string) => onStore(tenantId, (store) => originOf(store, tenantId, "connection", id));
    if (chosen.tenantId === own) return createLender({ ...chosen, adapters, remember, originIdOf });
    throw unknownControlPlane(chosen.tenantId);
  };
}

/** A house has one control plane. */
export const unknownControlPlane = (tenantId: string) =>
  new PlatformError(
    "internal",
    "unknown_control_plane",
    `resolveControlPlane: there is no control plane ${tenantId} here`,
  );

const epochOf = (registry: Registry, tenantId: string) => async () => (await registry.get(tenantId))?.epoch ?? 0;

/** A crash between a write and the raised epoch leaves old values for this long. */
const KEPT_MS = 60_000;

/** What is asked for differs by a few names only; what falls out is read again. */
const KEPT_MAX = 1_000;

interface Kept {
  readonly version: number;
  readonly untilMs: number;
  readonly value: Promise<unknown>;
}

/** Keeps what was read for as long as the version stays; callers that ask while it is being read share it. */
function rememberingWhile(versionOf: () => Promise<number>, clock: Clock): Remember {
  const kept = new Map<string, Kept>();
  return async <T>(key: string, read: () => Promise<T>): Promise<T> => {
    // Before the reading: what a change makes old is never stored as if read after it.
    const version = await versionOf();
    const found = kept.get(key);
    // A key stands for one kind of value.
    if (found?.version === version && clock().getTime() < found.untilMs) return structuredClone(await found.value) as T;
    const value = read();
    keepRecent(kept, key, { version, untilMs: clock().getTime() + KEPT_MS, value }, KEPT_MAX);
    value.catch(() => kept.delete(key));
    // Each gets its own: what one changes in it must not be another's.
    return structuredClone(await value);
  };
}
