import type { DataAdapters, Tenant } from "@authhero/adapter-interfaces";
import { deepMergePatch, isInteractiveClient } from "authhero";
import { PlatformError } from "../domain/errors.ts";

/** The fields a patch changes, as they are to be stored: objects merged leaf by leaf, null where it clears. */
export function mergeSettings(current: Tenant, patch: object): Partial<Tenant> {
  const merged = deepMergePatch<Record<string, unknown>>({ ...current }, { ...patch });
  return Object.fromEntries(Object.keys(patch).map((name) => [name, merged[name]]));
}

/** Throws `invalid` (`invalid_default_client`) unless the client is there and people can sign in to it. */
export async function requireInteractive(
  { get }: Pick<DataAdapters["clients"], "get">,
  tenantId: string,
  id: string,
): Promise<void> {
  const client = await get(tenantId, id);
  if (client && isInteractiveClient(client)) return;
  const message = "default_client_id: must be an application of this tenant that people sign in to";
  throw new PlatformError("invalid", "invalid_default_client", message);
}
