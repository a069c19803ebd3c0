import { Kysely, sql } from "kysely";
import type { Database } from "../../src/db/database.ts";
import { PlatformError } from "../../src/domain/errors.ts";
import { DatabaseName, databaseNameParts } from "../../src/domain/names.ts";
import { readOwner } from "../ownership.ts";
import type { DatabaseProvider } from "../providers/provider.ts";
import type { Finding } from "./findings.ts";
import type { RegistryQuestions } from "./registry-questions.ts";
import type { TenantCheckNeeds } from "./tenant-checks.ts";

/**
 * Destroys a database of a purged tenant, if it proves to be that: its name has a tag that was ours and is retired, and
 * inside stands that tenant and that tag, or nobody yet. Anything else is `conflict` (`ownership_unclear`), and stays.
 */
export async function destroyLeftover(
  { providers, questions }: Pick<TenantCheckNeeds, "providers" | "questions">,
  { provider: place, subject }: Finding,
): Promise<void> {
  const provider = place !== null && Object.hasOwn(providers, place) ? providers[place] : undefined;
  if (!provider) return;
  const name = DatabaseName.parse(subject);
  const life = await retiredLife(questions, name);
  const { database, wasRetained } = await openUnplaced(provider, name);
  let isOurs: boolean;
  try {
    isOurs = await isOf(database, name, life.tenantId);
  } finally {
    await database.close();
  }
  if (isOurs) return await provider.destroy(name);
  if (wasRetained) await provider.retain(name);
  throw unclear(name);
}

async function retiredLife(questions: RegistryQuestions, name: DatabaseName) {
  const parts = databaseNameParts(name);
  const life = parts && (await questions.tag(parts.tag));
  if (life?.retiredAt) return life;
  throw unclear(name);
}

/** Nobody has its credentials any more: where there are any, new ones are made. */
async function openUnplaced(provider: DatabaseProvider, name: DatabaseName) {
  const location = await (provider.rotateCredentials?.(name) ?? provider.ensure(name));
  try {
    return { database: await provider.open(name, location), wasRetained: false };
  } catch (error) {
    if (!(error instanceof PlatformError) || error.code !== "not_found") throw error;
    await provider.release(name);
    return { database: await provider.open(name, location), wasRetained: true };
  }
}

async function isOf(database: Database, name: DatabaseName, tenantId: string): Promise<boolean> {
  const owner = await readOwner(database);
  const parts = databaseNameParts(name);
  if (owner) return owner.tenant_id === tenantId && owner.tag === parts?.tag && owner.generation === parts.generation;
  return await isUntouched(database);
}

/** A copy that was never given to anybody: as it came from the template, or without any table of anybody's. */
async function isUntouched(database: Database): Promise<boolean> {
  const db = new Kysely<unknown>({ dialect: database.dialect });
  const { rows } = await sql<{ name: string }>`select name from sqlite_schema where type = 'table'`.execute(db);
  const names = rows.map(({ name }) => name);
  return names.includes("database_identity") || names.every((name) => /^(?:_|sqlite_|libsql_)/.test(name));
}

const unclear = (name: DatabaseName) =>
  new PlatformError("conflict", "ownership_unclear", `The database ${name} does not prove to be a purged tenant's`);
