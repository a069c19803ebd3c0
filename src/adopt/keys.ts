import { PlatformError } from "../domain/errors.ts";
import { createDataAdapters } from "../entities/adapters.ts";
import type { Store } from "../entities/store.ts";
import type { Findings } from "./findings.ts";
import { createFindings } from "./findings.ts";
import { SIGNING_KEYS, type Values } from "./kinds.ts";
import { mapRow } from "./mapping.ts";
import type { Source } from "./source.ts";

/** The keys that have signed a tenant's tokens. What is wrong with one is noted. */
export async function keysIn(source: Source, tenantId: string, findings: Findings): Promise<readonly Values[]> {
  const found: Values[] = [];
  if (!source.tables.has(SIGNING_KEYS.from)) return found;
  for await (const rows of source.pages(SIGNING_KEYS.from, tenantId)) {
    found.push(...rows.map((row) => mapRow(SIGNING_KEYS, row, findings)).filter((values) => values !== null));
  }
  return found;
}

/** Who has the key of an id already, in the control plane's database: a tenant, or '' for the control plane itself. */
export async function ownersOfKeys(db: Store["db"], kids: readonly unknown[]): Promise<ReadonlyMap<unknown, string>> {
  if (kids.length === 0) return new Map();
  const rows = await db.selectFrom("signing_keys").select(["kid", "tenant_id"]).where("kid", "in", kids).execute();
  return new Map(rows.map(({ kid, tenant_id }) => [kid, String(tenant_id ?? "")]));
}

/**
 * Gives a tenant the keys it has had, in the control plane's database, so that tokens which they have signed still
 * verify. Those that are there stay. Throws `conflict` (`key_taken`).
 */
export async function copyKeys(source: Source, store: Store, tenantId: string): Promise<void> {
  const adapters = createDataAdapters(store);
  const keys = await keysIn(source, tenantId, createFindings());
  const owners = await ownersOfKeys(
    store.db,
    keys.map(({ kid }) => kid),
  );
  for (const { created_at, ...key } of keys) {
    const owner = owners.get(key.kid);
    if (owner === tenantId) continue;
    if (owner !== undefined) {
      throw new PlatformError("conflict", "key_taken", `The signing key ${String(key.kid)} is somebody else's here`);
    }
    // The contract has said yes to it before anything was begun.
    const own = { ...key, tenant_id: tenantId } as Parameters<typeof adapters.keys.create>[0];
    await adapters.keys.create(own, { importMetadata: { created_at: String(created_at) } });
  }
}
