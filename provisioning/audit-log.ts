import { type Generated, Kysely, sql } from "kysely";
import type { Database, Statement } from "../src/db/database.ts";
import type { Clock } from "../src/domain/clock.ts";
import { PlatformError } from "../src/domain/errors.ts";

/** As long as anybody asks who it was; then housekeeping removes it. */
const KEPT_DAYS = 365;

/**
 * Of each outcome. Refusals are counted apart, so that nobody who is refused a million times can push out what was
 * allowed; at some 300 bytes each the table stays below a gigabyte.
 */
const ROWS_KEPT = 1_000_000;

/** No sweep holds the database's one writer for longer than these take. */
const ROWS_PER_SWEEP = 5_000;

/** What arrives while a batch is being written goes into the next one, up to so many. */
const ENTRIES_PER_BATCH = 200;

/** More requests than this do not wait for a database that answers. */
const ENTRIES_WAITING_MAX = 5_000;

/** Callers choose paths, subjects and ids. */
const TEXT_CHARACTERS_MAX = 300;

/** Who acted, as far as it is known. */
export interface AuditActor {
  readonly actor: string;
  readonly actorKind: "operator" | "control-plane" | "organization" | "tenant" | "system";
  readonly clientId?: string | undefined;
  /** The tenant whose key signed the token. */
  readonly keyOwner?: string | undefined;
  readonly organizationId?: string | undefined;
  readonly requestId?: string | undefined;
  readonly address?: string | undefined;
}

/** What was done or refused. */
export interface AuditEntry extends AuditActor {
  /** Method and path, or the kind of an operation. */
  readonly action: string;
  readonly tenantId?: string | undefined;
  readonly outcome: "allowed" | "refused";
  readonly reason?: string | undefined;
  readonly operationId?: string | undefined;
}

interface AuditTables {
  rh_audit_log: {
    number: Generated<number>;
    at: string;
    actor: string;
    actor_kind: AuditActor["actorKind"];
    client_id: string | null;
    key_owner: string | null;
    organization_id: string | null;
    action: string;
    tenant_id: string | null;
    outcome: AuditEntry["outcome"];
    reason: string | null;
    operation_id: string | null;
    request_id: string | null;
    address: string | null;
  };
}

export interface AuditLogOptions {
  /** The control plane's, with the `control-plane` migrations. */
  readonly database: Database;
  readonly clock: Clock;
}

/** The journal of who did what to which tenant, and of who was refused. Rows are added, and removed when they are old. */
export function createAuditLog({ database, clock }: AuditLogOptions) {
  const db = new Kysely<AuditTables>({ dialect: database.dialect });
  const inserting = (entry: AuditEntry): Statement =>
    db.insertInto("rh_audit_log").values(rowOf(entry, clock())).compile();

  return {
    /** The statement that adds an entry, for the batch of the change that it is about. */
    inserting,

    /**
     * Adds an entry, and settles when it is stored; entries that arrive together share a batch. Throws `unavailable`
     * (`audit_unavailable`): whoever asked for what cannot be written down is not served.
     */
    write: createWriter(database, inserting),

    /** Removes what is older than a year and what is beyond a million rows of its outcome; returns how many. */
    async sweep(): Promise<number> {
      const until = new Date(clock().getTime() - KEPT_DAYS * 24 * 3_600_000).toISOString();
      const old = sql`select number from rh_audit_log where at < ${until} order by number limit ${ROWS_PER_SWEEP}`;
      const beyond = (outcome: AuditEntry["outcome"]) => sql`select number from rh_audit_log
        where outcome = ${outcome} order by number desc limit ${ROWS_PER_SWEEP} offset ${ROWS_KEPT}`;
      let removed = 0;
      for (const rows of [old, beyond("allowed"), beyond("refused")]) {
        let count: number;
        do {
          const result = await sql`delete from rh_audit_log where number in (${rows})`.execute(db);
          count = Number(result.numAffectedRows ?? 0);
          removed += count;
        } while (count === ROWS_PER_SWEEP);
      }
      return removed;
    },
  };
}

interface Waiting {
  readonly statement: Statement;
  stored(): void;
  failed(cause: unknown): void;
}

/** Writes entries in the order of their arrival, one batch at a time. */
function createWriter(database: Database, inserting: (entry: AuditEntry) => Statement) {
  const waiting: Waiting[] = [];
  let isWriting = false;

  const writeAll = async () => {
    isWriting = true;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, ENTRIES_PER_BATCH);
      try {
        await database.batch(batch.map(({ statement }) => statement));
        for (const { stored } of batch) stored();
      } catch (cause) {
        for (const { failed } of batch) failed(unavailable({ cause }));
      }
    }
    isWriting = false;
  };

  return (entry: AuditEntry): Promise<void> => {
    if (waiting.length >= ENTRIES_WAITING_MAX) return Promise.reject(unavailable());
    return new Promise((stored, failed) => {
      waiting.push({ statement: inserting(entry), stored, failed });
      // It settles every entry itself and throws nothing.
      if (!isWriting) void writeAll();
    });
  };
}

const unavailable = (options?: ErrorOptions) =>
  new PlatformError("unavailable", "audit_unavailable", "The audit log cannot be written to", options);

function rowOf(entry: AuditEntry, now: Date) {
  const text = (value: string | undefined) => value?.slice(0, TEXT_CHARACTERS_MAX) ?? null;
  return {
    at: now.toISOString(),
    actor: entry.actor.slice(0, TEXT_CHARACTERS_MAX),
    actor_kind: entry.actorKind,
    client_id: text(entry.clientId),
    key_owner: text(entry.keyOwner),
    organization_id: text(entry.organizationId),
    action: entry.action.slice(0, TEXT_CHARACTERS_MAX),
    tenant_id: text(entry.tenantId),
    outcome: entry.outcome,
    reason: text(entry.reason),
    operation_id: text(entry.operationId),
    request_id: text(entry.requestId),
    address: text(entry.address),
  };
}
