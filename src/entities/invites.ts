import type { Invite, InviteInsert, InvitesAdapter, ListParams } from "@authhero/adapter-interfaces";
import { prefixedId } from "../domain/ids.ts";
import { doc, text, time } from "./columns.ts";
import { crud, decoded, insertRow, matching, newRow, ordered, rowsOf } from "./crud.ts";
import { entity, storedColumns } from "./entity.ts";
import { offsetOf, readPage } from "./page.ts";
import type { Store } from "./store.ts";

const SECONDS_TO_LIVE_DEFAULT = 604_800;
const INVITES_MAX = 10_000;

/** Invitations into an organization. They expire `ttl_sec` after they were made or last given a time to live. */
export const invites = entity<Invite, InviteInsert>({
  table: "invites",
  key: "id",
  columns: {
    id: text(),
    organization_id: text(),
    client_id: text(),
    created_at: time(),
    expires_at: time(),
    ticket_id: doc(),
    inviter: doc(),
    invitee: doc(),
    invitation_url: doc(),
    connection_id: doc(),
    app_metadata: doc(),
    user_metadata: doc(),
    ttl_sec: doc(),
    roles: doc(),
    send_invitation_email: doc(),
  },
  defaults: ({ ttl_sec = SECONDS_TO_LIVE_DEFAULT }, { now }) => ({
    id: prefixedId("inv"),
    ttl_sec,
    expires_at: secondsAfter(now, ttl_sec),
    send_invitation_email: true,
  }),
  touch: (now, { ttl_sec }) => (typeof ttl_sec === "number" ? { expires_at: secondsAfter(now, ttl_sec) } : {}),
  absent: () => ({ app_metadata: {}, user_metadata: {}, roles: [] }),
  filters: { fields: { id: "text", organization_id: "text", client_id: "text" } },
  order: [["created_at", "desc"]],
});

/** The INSERT of an invitation, for a batch with whatever has to know of it. */
export const inviteInsert = (store: Store, tenantId: string, input: InviteInsert & { id: string }) =>
  insertRow(store, invites, newRow(store, invites, tenantId, input));

const secondsAfter = (time: string, seconds: number) => new Date(Date.parse(time) + seconds * 1000).toISOString();

/** The `invites` adapter. */
export function createInvites(store: Store): InvitesAdapter {
  const { create, get, update, remove } = crud(store, invites, { as: "invites" });
  return { create, get, update, remove, list: (tenantId, params = {}) => listInvites(store, tenantId, params) };
}

/** Pages count from 1 here, so 0 and 1 are both the first; without a page size everything is one page. */
async function listInvites(store: Store, tenantId: string, params: ListParams) {
  const found = matching(rowsOf(store, invites, tenantId), invites, params.q);
  const offset = offsetOf({ ...params, page: (params.page ?? 1) - 1 }, INVITES_MAX);
  const { rows } = await readPage(ordered(found.select(storedColumns(invites)), invites), found, offset, false);
  return {
    invites: rows.map((row) => decoded(store, invites, tenantId, row)),
    start: offset.page * offset.perPage,
    limit: params.per_page ?? rows.length,
    length: rows.length,
  };
}
