import type { DataAdapters } from "@authhero/adapter-interfaces";

/** Where a logout may lead: the addresses that the application and its tenant list. */
export function createLogoutUrls({ clients, tenants }: DataAdapters) {
  return {
    async listed(tenantId: string, clientId: string | null): Promise<readonly string[]> {
      const [client, tenant] = await Promise.all([
        clientId ? clients.get(tenantId, clientId) : null,
        tenants.get(tenantId),
      ]);
      return [...(client?.allowed_logout_urls ?? []), ...(tenant?.allowed_logout_urls ?? [])];
    },
  };
}
