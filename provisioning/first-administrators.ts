import { Kysely } from "kysely";
import type { Database, Statement } from "../src/db/database.ts";
import type { RegistryTables } from "./tables.ts";

/** Somebody who is to be invited to administer a tenant that is being made. */
export interface FirstAdministrator {
  readonly email: string;
  /** Null until there is an invitation. */
  readonly invitationId: string | null;
}

/** Whom the creations under way are to invite. */
export function createFirstAdministrators({ database }: { readonly database: Database }) {
  const db = new Kysely<RegistryTables>({ dialect: database.dialect });
  const of = (tenantId: string) => db.deleteFrom("rh_first_administrators").where("tenant_id", "=", tenantId);

  return {
    /** Null when there is nobody to invite, or no more. */
    async find(tenantId: string): Promise<FirstAdministrator | null> {
      const row = await db
        .selectFrom("rh_first_administrators")
        .select(["email", "invitation_id"])
        .where("tenant_id", "=", tenantId)
        .executeTakeFirst();
      return row ? { email: row.email, invitationId: row.invitation_id } : null;
    },

    /** Notes whom to invite, in the batch that begins the creation. */
    wanting: (tenantId: string, email: string): Statement =>
      db.insertInto("rh_first_administrators").values({ tenant_id: tenantId, email }).compile(),

    /** Notes the invitation, in the batch that makes it. */
    inviting: (tenantId: string, invitationId: string): Statement =>
      db
        .updateTable("rh_first_administrators")
        .set({ invitation_id: invitationId })
        .where("tenant_id", "=", tenantId)
        .compile(),

    /** Forgets it, in a batch with what makes it superfluous. */
    forgetting: (tenantId: string): Statement => of(tenantId).compile(),

    /** Forgets it: the invitation is out. */
    async forget(tenantId: string): Promise<void> {
      await of(tenantId).execute();
    },
  };
}
