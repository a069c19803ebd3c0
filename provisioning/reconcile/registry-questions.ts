import { Kysely, sql } from "kysely";
import type { Database } from "../../src/db/database.ts";
import type { Clock } from "../../src/domain/clock.ts";
import type { Tag } from "../../src/domain/names.ts";
import type { RegistryTables } from "../tables.ts";
import { GRACE_MS, PAGE_ROWS } from "./needs.ts";

/** A tag as it is noted. */
export interface NotedTag {
  readonly tag: string;
  readonly tenantId: string;
  readonly claimedAt: string;
  /** Null while its tenant lives. */
  readonly retiredAt: string | null;
}

/** An entry of the directory. */
export interface ListedClient {
  readonly clientId: string;
  /** Whether its creation may still be under way. */
  readonly isNew: boolean;
}

type Db = Kysely<RegistryTables>;

/** What only a comparison asks of the registry's tables. */
export function createRegistryQuestions(database: Database, clock: Clock) {
  const db: Db = new Kysely<RegistryTables>({ dialect: database.dialect });
  const latest = () => new Date(clock().getTime() - GRACE_MS).toISOString();
  const placed = db.selectFrom("rh_placements").select("tenant_id");

  return {
    ...createTagQuestions(db),
    ...createDomainQuestions(db),

    /** A page of the clients that the directory has of a tenant, in the order of SQLite's bytes. */
    async listedClients(tenantId: string, after: string): Promise<readonly ListedClient[]> {
      const query = db.selectFrom("rh_client_directory").select(["client_id", "added_at"]);
      const rows = await query
        .where("tenant_id", "=", tenantId)
        .where("client_id", ">", after)
        .orderBy("client_id")
        .limit(PAGE_ROWS)
        .execute();
      return rows.map(({ client_id, added_at }) => ({
        clientId: client_id,
        isNew: added_at !== null && added_at > latest(),
      }));
    },

    /** Removes an entry, unless it is of a tenant that is there and its client may still be coming. */
    async unlistClient(tenantId: string, clientId: string): Promise<void> {
      await db
        .deleteFrom("rh_client_directory")
        .where("tenant_id", "=", tenantId)
        .where("client_id", "=", clientId)
        .where(({ or, eb }) =>
          or([eb("added_at", "is", null), eb("added_at", "<=", latest()), eb("tenant_id", "not in", placed)]),
        )
        .execute();
    },

    /** Clients of tenants that are not there, in an order of their own, after a cursor; at most a page. */
    async strayClients(after: string) {
      const cursor = sql<string>`client_id || ' ' || tenant_id`;
      const rows = await db
        .selectFrom("rh_client_directory")
        .select(["tenant_id", "client_id", cursor.as("cursor")])
        .where("tenant_id", "not in", placed)
        .where(cursor, ">", after)
        .orderBy("cursor")
        .limit(PAGE_ROWS)
        .execute();
      return rows.map(({ tenant_id, client_id, cursor: at }) => ({
        tenantId: tenant_id,
        clientId: client_id,
        cursor: at,
      }));
    },

    /** States of tenants that are not there, after an id; at most a page. */
    async strayStates(after: string) {
      const query = db.selectFrom("rh_state_directory").select(["id", "tenant_id"]).where("id", ">", after);
      const rows = await query.where("tenant_id", "not in", placed).orderBy("id").limit(PAGE_ROWS).execute();
      return rows.map(({ id, tenant_id }) => ({ id, tenantId: tenant_id }));
    },

    /** Whether an entry of the directory leads to a tenant that is not there. */
    async isStrayClient(tenantId: string, clientId: string): Promise<boolean> {
      const query = db.selectFrom("rh_client_directory").select("client_id").where("tenant_id", "not in", placed);
      const row = await query.where("tenant_id", "=", tenantId).where("client_id", "=", clientId).executeTakeFirst();
      return row !== undefined;
    },

    /** The same of a state. */
    async isStrayState(id: string): Promise<boolean> {
      const query = db.selectFrom("rh_state_directory").select("id").where("tenant_id", "not in", placed);
      return (await query.where("id", "=", id).executeTakeFirst()) !== undefined;
    },

    /** Removes the entry of a state, if its tenant is not there. */
    async unlistState(id: string): Promise<void> {
      await db.deleteFrom("rh_state_directory").where("id", "=", id).where("tenant_id", "not in", placed).execute();
    },
  };
}

export type RegistryQuestions = ReturnType<typeof createRegistryQuestions>;

/** Of purged tenants. What is of a tenant that the registry has lost is that tenant's, and stays. */
const ofNobody = sql<boolean>`tenant_id not in (select tenant_id from rh_placements)
  and tenant_id not in (select tenant_id from rh_retired_tags where retired_at is null)`;

function createDomainQuestions(db: Db) {
  return {
    /** Custom domains of purged tenants, in an order of their own, after a cursor; at most a page. */
    async leftoverDomains(after: string) {
      const cursor = sql<string>`domain || ' ' || tenant_id`;
      const query = db.selectFrom("custom_domains").select(["tenant_id", "domain", cursor.as("cursor")]);
      const page = query.where(ofNobody).where(cursor, ">", after).orderBy("cursor").limit(PAGE_ROWS);
      return (await page.execute()).map((row) => ({ ...row, tenantId: row.tenant_id }));
    },

    async isLeftoverDomain(tenantId: string, domain: string): Promise<boolean> {
      const query = db.selectFrom("custom_domains").select("domain").where(ofNobody);
      const row = await query.where("tenant_id", "=", tenantId).where("domain", "=", domain).executeTakeFirst();
      return row !== undefined;
    },

    async removeLeftoverDomain(tenantId: string, domain: string): Promise<void> {
      const query = db.deleteFrom("custom_domains").where(ofNobody);
      await query.where("tenant_id", "=", tenantId).where("domain", "=", domain).execute();
    },
  };
}

function createTagQuestions(db: Db) {
  const tags = db.selectFrom("rh_retired_tags").select(["tag", "tenant_id", "claimed_at", "retired_at"]);
  const shown = (row: Awaited<ReturnType<typeof tags.execute>>[number]): NotedTag => ({
    tag: row.tag,
    tenantId: row.tenant_id,
    claimedAt: row.claimed_at,
    retiredAt: row.retired_at,
  });

  return {
    async tag(tag: string): Promise<NotedTag | null> {
      const row = await tags.where("tag", "=", tag).executeTakeFirst();
      return row ? shown(row) : null;
    },

    /** Those of these tags that are noted, by tag. */
    async tags(among: readonly string[]): Promise<ReadonlyMap<string, NotedTag>> {
      const rows = among.length > 0 ? await tags.where("tag", "in", among).execute() : [];
      return new Map(rows.map((row) => [row.tag, shown(row)]));
    },

    /** Where the databases of these tags are to be, by tag. */
    async placesOf(among: readonly string[]) {
      const places = db.selectFrom("rh_placements").select(["tag", "provider", "database"]);
      const rows = among.length > 0 ? await places.where("tag", "in", among).execute() : [];
      return new Map(rows.map((row) => [row.tag, row]));
    },

    /** Tags that are in use though no tenant has them, after a tag; at most a page. */
    async lostTags(after: string): Promise<readonly NotedTag[]> {
      const query = tags.where("retired_at", "is", null).where("tag", ">", after).orderBy("tag").limit(PAGE_ROWS);
      const taken = db.selectFrom("rh_placements").select("tag");
      return (await query.where("tag", "not in", taken).execute()).map(shown);
    },

    /** Tags of purged tenants, after a tag; at most a page. */
    async retiredTags(after: string): Promise<readonly NotedTag[]> {
      const query = tags.where("retired_at", "is not", null).where("tag", ">", after).orderBy("tag").limit(PAGE_ROWS);
      return (await query.execute()).map(shown);
    },

    /** The lives that ids have had. */
    async livesOf(tenantIds: readonly string[]): Promise<readonly NotedTag[]> {
      return (await tags.where("tenant_id", "in", tenantIds).execute()).map(shown);
    },

    /** The statement that notes a tag as in use by a tenant; another tenant's stays what it is. */
    claiming: (tenantId: string, tag: Tag, at: string) =>
      db
        .insertInto("rh_retired_tags")
        .values({ tag, tenant_id: tenantId, claimed_at: at })
        .onConflict((row) =>
          row.column("tag").doUpdateSet({ retired_at: null }).where("rh_retired_tags.tenant_id", "=", tenantId),
        )
        .compile(),
  };
}
