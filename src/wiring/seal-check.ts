import { Kysely } from "kysely";
import type { Database } from "../db/database.ts";
import { type KeyRing, seal, unseal } from "../db/seal.ts";
import { PlatformError } from "../domain/errors.ts";

interface Tables {
  rh_seal: { id: number; sealed: string };
}

const AAD = "rh_seal.sealed";
const CONTENT = "rowhouse";

/**
 * Makes sure that this process has the key with which the control plane's secrets are sealed: the first process leaves
 * something sealed, and everybody after it must be able to open that. Throws `invalid` (`encryption_key`).
 */
export async function requireOwnKey(database: Database, keyRing: KeyRing): Promise<void> {
  const db = new Kysely<Tables>({ dialect: database.dialect });
  const read = async () => (await db.selectFrom("rh_seal").select("sealed").executeTakeFirst())?.sealed;
  const write = () =>
    db
      .insertInto("rh_seal")
      .values({ id: 1, sealed: seal(keyRing, CONTENT, AAD) })
      .onConflict((conflict) => conflict.doNothing())
      .execute();

  let sealed = await read();
  if (sealed === undefined) {
    await write();
    // Another process may have been faster, with a key of its own.
    sealed = (await read()) ?? "";
  }
  try {
    unseal(keyRing, sealed, AAD);
  } catch (cause) {
    const message =
      "ENCRYPTION_KEY (or the key file in DATA_DIR) is not the key of this control plane: its secrets cannot be opened";
    throw new PlatformError("invalid", "encryption_key", message, { cause });
  }
  const [, keyId] = sealed.split(".");
  // So that the old key may be taken away one day, as soon as nothing else needs it.
  if (keyId !== keyRing.currentId) {
    await db
      .updateTable("rh_seal")
      .set({ sealed: seal(keyRing, CONTENT, AAD) })
      .where("sealed", "=", sealed)
      .execute();
  }
}
