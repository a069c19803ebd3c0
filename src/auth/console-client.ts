import type { DataAdapters } from "@authhero/adapter-interfaces";

/** The application in which people administer tenants. It is first-party and public: it has no secret. */
export const CONSOLE_CLIENT_ID = "rowhouse-console";

/**
 * Makes the console's client where it is missing, and gives it the callbacks of the settings, if there are any. Its
 * origins follow from them: without those a browser application could neither log out nor switch tenants silently.
 */
export async function ensureConsoleClient(
  { clients }: Pick<DataAdapters, "clients">,
  tenantId: string,
  callbacks: readonly string[],
): Promise<void> {
  const found = await clients.get(tenantId, CONSOLE_CLIENT_ID);
  const origins = consoleOrigins(callbacks);
  const addresses = {
    callbacks: [...callbacks],
    web_origins: origins,
    allowed_origins: origins,
    allowed_logout_urls: [...new Set([...origins.map((origin) => `${origin}/`), ...callbacks])],
  };
  if (!found) {
    await clients.create(tenantId, { ...CONSOLE_CLIENT, ...addresses } as Parameters<typeof clients.create>[1]);
  } else if (callbacks.length > 0 && !isSame(found, addresses)) {
    await clients.update(tenantId, CONSOLE_CLIENT_ID, addresses);
  }
}

/** Where the console's pages are: they ask the management API of every tenant. */
export const consoleOrigins = (callbacks: readonly string[]): string[] => [
  ...new Set(callbacks.map((callback) => new URL(callback).origin)),
];

const CONSOLE_CLIENT = {
  client_id: CONSOLE_CLIENT_ID,
  name: "Rowhouse console",
  app_type: "spa",
  is_first_party: true,
  token_endpoint_auth_method: "none",
  grant_types: ["authorization_code", "refresh_token"],
  // With one for a tenant's team, without one for operators.
  organization_usage: "allow",
};

const isSame = (client: object, addresses: Readonly<Record<string, unknown>>): boolean =>
  Object.entries(addresses).every(
    ([name, value]) => JSON.stringify((client as Record<string, unknown>)[name]) === JSON.stringify(value),
  );
