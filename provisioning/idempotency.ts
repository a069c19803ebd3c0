import { createHash } from "node:crypto";
import { Kysely } from "kysely";
import type { Database, Statement } from "../src/db/database.ts";
import type { Clock } from "../src/domain/clock.ts";
import type { RegistryTables } from "./tables.ts";

/** As long as a key is remembered: whoever repeats a request does it within a day. */
const KEPT_MS = 24 * 3_600_000;

/** A request that may be repeated, as the caller named it. */
export interface RequestKey {
  readonly caller: string;
  readonly route: string;
  /** The `Idempotency-Key` header. */
  readonly key: string;
  /** What was asked for; anything that JSON can say. */
  readonly body: unknown;
}

export interface Remembered {
  /** The body was the same. */
  readonly isSame: boolean;
  readonly operationId: string;
  /** What was answered; null until then. */
  readonly answer: string | null;
}

/** Which requests were made with a key, so that repeating one does nothing twice. */
export function createIdempotency({ database, clock }: { readonly database: Database; readonly clock: Clock }) {
  const db = new Kysely<RegistryTables>({ dialect: database.dialect });
  const now = () => clock().toISOString();

  return {
    /** The earlier request with this key, null when there was none in the last 24 hours. */
    async find({ caller, route, key, body }: RequestKey): Promise<Remembered | null> {
      const found = await db
        .selectFrom("rh_idempotency_keys")
        .select(["body_hash", "operation_id", "answer"])
        .where("caller", "=", caller)
        .where("route", "=", route)
        .where("key", "=", key)
        .where("expires_at", ">", now())
        .executeTakeFirst();
      if (!found) return null;
      return { isSame: found.body_hash === hashOf(body), operationId: found.operation_id, answer: found.answer };
    },

    /** The statements that remember a request, in the batch that begins what it asks for. They forget old ones too. */
    remembering({ caller, route, key, body }: RequestKey, operationId: string): readonly Statement[] {
      const expires_at = new Date(clock().getTime() + KEPT_MS).toISOString();
      return [
        db.deleteFrom("rh_idempotency_keys").where("expires_at", "<=", now()).compile(),
        db
          .insertInto("rh_idempotency_keys")
          .values({ caller, route, key, body_hash: hashOf(body), operation_id: operationId, expires_at })
          .compile(),
      ];
    },

    /** Keeps the answer for whoever asks again. */
    async answered(operationId: string, answer: string): Promise<void> {
      await db.updateTable("rh_idempotency_keys").set({ answer }).where("operation_id", "=", operationId).execute();
    },
  };
}

/** The order in which a caller writes the fields of an object means nothing. */
function hashOf(body: unknown): string {
  const sorted = (_key: string, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
      : value;
  return createHash("sha256").update(JSON.stringify(body, sorted)).digest("hex");
}
