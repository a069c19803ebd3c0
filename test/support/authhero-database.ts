import { readFileSync } from "node:fs";
import type { SigningKey } from "@authhero/adapter-interfaces";
import Libsql from "libsql";
import { generateSigningKey } from "../../src/auth/signing-keys.ts";

/**
 * Makes a single-database AuthHero: the tenants `acme`, which has something of everything, `globex`, and `Initech_Corp`,
 * whose id is none here. The password of a user `auth2|acme-1` is `Correct-Horse-acme-1`, the secret of a client
 * `acme-web` is `acme-old-client-secret-0123456789`, and it is of acme's own. Answers acme's signing key; globex signs with that of everybody.
 */
export async function makeAuthHeroDatabase(path: string): Promise<SigningKey> {
  const [own, shared] = await Promise.all([generateSigningKey(), generateSigningKey()]);
  change(path, (database) => {
    database.exec(readFileSync(new URL("authhero-database.sql", import.meta.url), "utf8"));
    insertKey(database, own, "acme");
    insertKey(database, shared, null);
    database.exec("update clients set is_first_party = 1 where client_id = 'acme-web'");
  });
  return own;
}

/** Does something to such a database, as its owner might. */
export function change(path: string, work: (database: Libsql.Database) => void): void {
  const database = new Libsql(path);
  try {
    work(database);
  } finally {
    database.close();
  }
}

function insertKey(database: Libsql.Database, key: SigningKey, tenantId: string | null): void {
  const { kid, cert, pkcs7, fingerprint, thumbprint, current_since = null } = key;
  database
    .prepare(
      `insert into keys (kid, tenant_id, type, cert, pkcs7, fingerprint, thumbprint, current_since, created_at)
      values (?, ?, 'jwt_signing', ?, ?, ?, ?, ?, ?)`,
    )
    .run(kid, tenantId, cert, pkcs7 ?? null, fingerprint, thumbprint, current_since, "2026-01-01T00:00:00.000Z");
}
