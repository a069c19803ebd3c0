import {
  actionExecutionInsertSchema,
  actionExecutionSchema,
  auditEventInsertSchema,
  auditEventSchema,
  codeInsertSchema,
  codeSchema,
  logInsertSchema,
  loginSessionInsertSchema,
  loginSessionSchema,
  logSchema,
  refreshTokenInsertSchema,
  refreshTokenSchema,
  sessionInsertSchema,
  sessionSchema,
} from "@authhero/adapter-interfaces";
import type { z } from "zod";
import { collection, pageOf, type Row, type Sample } from "./samples-shapes.ts";

const text = (row: Row, field: string) => String(row[field]);

export const loginSessions = collection((data) => data.loginSessions, {
  insert: loginSessionInsertSchema,
  read: loginSessionSchema,
  key: "id",
  never: { state: "a visit is always in some state" },
  has: ["get", "update", "remove"],
});

export const sessions = collection((data) => data.sessions, {
  insert: sessionInsertSchema,
  read: sessionSchema,
  key: "id",
  as: "sessions",
  unique: [["id"]],
  adds: ["authenticated_at", "last_interaction_at"],
  never: { last_interaction_at: "a session was touched when it was made" },
  sorts: ["id", "user_id", "created_at", "updated_at", "last_interaction_at", "expires_at"],
  filters: ["id", "user_id", "login_session_id"],
  pages: { first: 0, totals: "A" },
});

export const refreshTokens = collection((data) => data.refreshTokens, {
  insert: refreshTokenInsertSchema,
  read: refreshTokenSchema,
  key: "id",
  as: "refresh_tokens",
  unique: [["id"], ["token_lookup"]],
  never: { rotated_at: "the first rotation stays" },
  fixed: ["rotated_at"],
  sorts: ["id", "user_id", "client_id", "created_at", "last_exchanged_at", "expires_at"],
  filters: ["id", "user_id", "client_id", "login_id"],
  pages: { first: 0, totals: "A" },
});

export const codes: Sample = {
  ...collection(({ codes: { create, list, remove } }) => ({ create, list, remove }), {
    insert: codeInsertSchema,
    read: codeSchema,
    key: "code_id",
    as: "codes",
    has: ["list", "remove"],
    unique: [["code_id", "code_type"]],
    sorts: ["code_id", "created_at", "expires_at"],
    filters: ["code_id", "code_type", "login_id", "user_id"],
    pages: { first: 0, totals: "A" },
  }),
  get(data, tenant, row) {
    const { code_id, code_type } = row as Row & z.output<typeof codeSchema>;
    return data.codes.get(tenant, code_id, code_type);
  },
};

const LOG_FIELDS = [
  ...["log_id", "date", "type", "description", "ip", "user_agent", "user_id", "user_name", "client_id", "client_name"],
  ...["connection", "connection_id", "strategy", "strategy_type", "audience", "scope", "hostname"],
];

export const logs = collection((data) => data.logs, {
  insert: logInsertSchema,
  read: logSchema,
  key: "log_id",
  as: "logs",
  has: ["get", "list"],
  unique: [["log_id"]],
  sorts: ["date", "type", "user_id", "client_id", "ip", "log_id"],
  filters: LOG_FIELDS,
  walk: { by: "date", strict: true },
  pages: { first: 0, totals: "A" },
  // All of one moment, which is hard on those who page.
  own: (n) => ({ type: n % 2 === 0 ? "s" : "fp", date: "2031-01-01T00:00:00.000Z" }),
});

export const actionExecutions = collection((data) => data.actionExecutions, {
  insert: actionExecutionInsertSchema,
  read: actionExecutionSchema,
  key: "id",
  has: ["get"],
  unique: [["id"]],
});

/** Events are found by id alone, whoever's they are; only the list of failed ones has a tenant. */
export const outbox: Sample = {
  ...collection(
    (data) => ({
      async create(tenant: string, event: z.input<typeof auditEventInsertSchema>) {
        const id = await data.outbox.create(tenant, event as z.output<typeof auditEventInsertSchema>);
        await data.outbox.deadLetter(id, "refused");
        return { id };
      },
    }),
    {
      insert: auditEventInsertSchema,
      read: auditEventSchema,
      key: "id",
      has: [],
      lenient: "events are kept verbatim",
      verbatim: true,
      computed: ["retry_count", "processed_at", "next_retry_at", "error", "dead_lettered_at", "final_error"],
      hidden: ["tenant_id"],
      pages: { first: 0, totals: "H" },
      sorts: [],
    },
  ),
  async get(data, tenant, row) {
    const [event] = await data.outbox.getByIds([text(row, "id")]);
    return event?.tenant_id === tenant ? event : null;
  },
  list: async (data, tenant, _row, params) => pageOf(await data.outbox.listFailed(tenant, params), "events"),
};
