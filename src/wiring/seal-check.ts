import { Kysely } from "kysely";
import { SEALED_RESERVE } from "../../provisioning/key-reserve.ts";
import { SEALED_LOCATIONS } from "../../provisioning/placements.ts";
import type { Database } from "../db/database.ts";
import { countSealed, type SealedColumn } from "../db/resealing.ts";
import { type KeyRing, seal, unseal } from "../db/seal.ts";
import { PlatformError } from "../domain/errors.ts";
import { SEALED_BESIDE_TENANTS, SEALED_IN_TENANTS } from "../entities/index.ts";

interface Tables {
  rh_seal: { id: number; sealed: string };
}

const AAD = "rh_seal.sealed";
const CONTENT = "rowhouse";

const SEALED_PROOF: SealedColumn = {
  table: "rh_seal",
  field: "sealed",
  home: "column",
  key: ["id"],
  boundTo: () => AAD,
};

/** Wherever secrets stand in the control plane's database. */
export const SEALED_IN_CONTROL_PLANE: readonly SealedColumn[] = [
  ...SEALED_IN_TENANTS,
  ...SEALED_BESIDE_TENANTS,
  ...[SEALED_LOCATIONS, SEALED_RESERVE, SEALED_PROOF],
];

/**
 * Makes sure that this process has the keys with which the control plane's secrets are sealed: the first process leaves
 * something sealed, and everybody after it must be able to open that. Throws `invalid` (`encryption_key`).
 */
export async function requireOwnKeys(database: Database, keyRing: KeyRing): Promise<void> {
  const db = new Kysely<Tables>({ dialect: database.dialect });
  const read = async () => (await db.selectFrom("rh_seal").select("sealed").executeTakeFirst())?.sealed;

  let sealed = await read();
  if (sealed === undefined) {
    const values = { id: 1, sealed: seal(keyRing, CONTENT, AAD) };
    await db
      .insertInto("rh_seal")
      .values(values)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    // Another process may have been faster, with a key of its own.
    sealed = (await read()) ?? "";
  }
  await requireEveryKey(database, keyRing);
  try {
    unseal(keyRing, sealed, AAD);
  } catch (cause) {
    const message =
      "ENCRYPTION_KEY (or the key file in DATA_DIR) is not the key of this control plane: its secrets cannot be opened";
    throw new PlatformError("invalid", "encryption_key", message, { cause });
  }
}

/** A key that was taken away too early is missed now, and not by whoever needs a secret under it. */
async function requireEveryKey(database: Database, keyRing: KeyRing): Promise<void> {
  const counts = await countSealed(database, SEALED_IN_CONTROL_PLANE);
  const missing = counts.filter(({ keyId }) => !keyRing.keys.has(keyId));
  if (missing.length === 0) return;
  const values = missing.map(({ table, field, keyId, count }) => `${keyId}: ${count} in ${table}.${field}`);
  const message =
    "ENCRYPTION_KEY (or the key file in DATA_DIR) is not the key of this control plane, or lacks one of its keys, with " +
    `which secrets are sealed (${values.join("; ")}). Put that key back, behind the first`;
  throw new PlatformError("invalid", "encryption_key", message);
}
