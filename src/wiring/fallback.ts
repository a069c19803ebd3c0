import * as z from "zod";
import type { Registry } from "../../provisioning/registry.ts";
import type { Clock } from "../domain/clock.ts";
import { PlatformError } from "../domain/errors.ts";
import { callable, requireOptions } from "../domain/options.ts";
import { createLender, type LenderOf, type Remember } from "../fallback/lender.ts";
import type { SettingsInheritance } from "../fallback/settings.ts";
import { INHERITABLE_SETTINGS } from "../http/tenants/settings.ts";
import type { ControlPlane } from "./control-plane.ts";

/** Says per tenant which control plane it inherits from; undefined for none: the tenant has only its own. */
export type ResolveControlPlane = (params: {
  readonly tenant_id: string;
}) => ControlPlaneChoice | undefined | Promise<ControlPlaneChoice | undefined>;

interface ControlPlaneChoice {
  readonly tenantId: string;
}

/** What tenants inherit, and from whom. */
export interface Inheritance {
  readonly resolveControlPlane?: ResolveControlPlane;
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

/** Whom each tenant of this house inherits from. What is read of the control plane is kept while its epoch lasts. */
export function createLending(
  controlPlane: ControlPlane,
  { resolveControlPlane }: Inheritance,
  clock: Clock,
): LenderOf {
  const { tenantId: own, adapters, registry } = controlPlane;
  const lender = createLender({ tenantId: own, adapters, remember: rememberingWhile(epochOf(registry, own), clock) });
  const resolve = resolveControlPlane ?? (() => ({ tenantId: own }));

  return async (tenantId) => {
    if (tenantId === own) return null;
    const chosen = await resolve({ tenant_id: tenantId });
    if (!chosen) return null;
    if (chosen.tenantId === own) return lender;
    const message = `resolveControlPlane: there is no control plane ${chosen.tenantId} here`;
    throw new PlatformError("internal", "unknown_control_plane", message);
  };
}

const epochOf = (registry: Registry, tenantId: string) => async () => (await registry.get(tenantId))?.epoch ?? 0;

/** A crash between a write and the raised epoch leaves old values for this long. */
const KEPT_MS = 60_000;

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
    if (found?.version === version && clock().getTime() < found.untilMs) return (await found.value) as T;
    const value = read();
    kept.set(key, { version, untilMs: clock().getTime() + KEPT_MS, value });
    value.catch(() => kept.delete(key));
    return await value;
  };
}
