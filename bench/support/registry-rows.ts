import { type CompiledQuery, Kysely, sql } from "kysely";
import type { Database } from "../../src/db/database.ts";

/**
 * Fills a control plane with so many tenants that have no databases: what its own size costs shows in them. Every tenth
 * of the first hundred has `auth2|member` in its organization.
 */
export async function fillRegistry(database: Database, count: number, schemaVersion: string | null = null) {
  const db = new Kysely<never>({ dialect: database.dialect });
  const numbers = sql`with recursive n(i) as (select 0 union all select i + 1 from n where i < ${count - 1})`;
  const fill: readonly CompiledQuery[] = [
    sql`insert into tenants (id, friendly_name, created_at, updated_at)
      ${numbers} select printf('tenant-%05d', i), printf('Name %05d', ${count} - i), i, i from n`.compile(db),
    sql`insert into organizations (tenant_id, id, name, created_at, updated_at)
      ${numbers} select 'control_plane', printf('org_%05d', i), printf('tenant-%05d', i), i, i from n`.compile(db),
    sql`insert into rh_placements
      (tenant_id, state, tag, generation, provider, database, nonce, organization_id, schema_version, incarnation_at,
        created_at, updated_at)
      ${numbers} select printf('tenant-%05d', i), 'ready', printf('tag%07d', i), 1, 'file', printf('t-tag%07d-1', i), '',
        printf('org_%05d', i), ${schemaVersion}, '2026', '2026', '2026' from n`.compile(db),
    sql`insert into user_organizations (tenant_id, id, user_id, organization_id, created_at, updated_at)
      ${numbers} select 'control_plane', printf('m%05d', i), 'auth2|member', printf('org_%05d', i), i, i
        from n where i < 100 and i % 10 = 0`.compile(db),
  ];
  await database.batch(fill);
}
