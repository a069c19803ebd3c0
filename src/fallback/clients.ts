import type { Client, ClientsAdapter } from "@authhero/adapter-interfaces";
import type { LenderOf } from "./lender.ts";

/** The addresses that a client has from the control plane's client, besides its own. */
const URL_LISTS = ["callbacks", "web_origins", "allowed_logout_urls", "allowed_origins"] as const;

type UrlLists = { readonly [K in (typeof URL_LISTS)[number]]?: readonly string[] | null | undefined };

/**
 * A client with the addresses of the control plane's client before its own, without duplicates: `callbacks`,
 * `web_origins`, `allowed_logout_urls` and `allowed_origins`. To be used and never stored.
 */
export function mergeClientWithFallback<T extends UrlLists>(client: T, fallback: UrlLists | null | undefined): T {
  if (!fallback) return client;
  const merged = URL_LISTS.flatMap((name) => {
    const urls = [...new Set([...(fallback[name] ?? []), ...(client[name] ?? [])])];
    return urls.length > 0 ? [[name, urls]] : [];
  });
  return { ...client, ...Object.fromEntries(merged) };
}

/** Clients with what they inherit; what a write carries back of it is taken out. */
export function inheritedClients(own: ClientsAdapter, lenderOf: LenderOf): ClientsAdapter {
  const lentTo = async (tenantId: string): Promise<Client | null> =>
    (await (await lenderOf(tenantId))?.client()) ?? null;
  return {
    ...own,
    async get(tenantId, id) {
      const [client, lent] = await Promise.all([own.get(tenantId, id), lentTo(tenantId)]);
      return client && mergeClientWithFallback(client, lent);
    },
    async getByClientId(id) {
      const client = await own.getByClientId(id);
      return client && mergeClientWithFallback(client, await lentTo(client.tenant_id));
    },
    async list(tenantId, params) {
      const [page, lent] = await Promise.all([own.list(tenantId, params), lentTo(tenantId)]);
      return { ...page, clients: page.clients.map((client) => mergeClientWithFallback(client, lent)) };
    },
    async update(tenantId, id, patch) {
      const lent = await lentTo(tenantId);
      if (!lent) return await own.update(tenantId, id, patch);
      const client = await own.get(tenantId, id);
      return await own.update(tenantId, id, withoutLentUrls(patch, client, lent));
    },
  };
}

/** A URL that both have is the client's own, too, and stays. */
function withoutLentUrls<T extends UrlLists>(patch: T, client: UrlLists | null, lent: UrlLists): T {
  const kept = URL_LISTS.flatMap((name) => {
    const urls = patch[name]?.filter((url) => client?.[name]?.includes(url) || !lent[name]?.includes(url));
    return urls ? [[name, urls]] : [];
  });
  return { ...patch, ...Object.fromEntries(kept) };
}
