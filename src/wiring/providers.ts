import { join } from "node:path";
import type { Providers } from "../../provisioning/ownership.ts";
import { fileProvider } from "../../provisioning/providers/file.ts";
import { libsqlServerProvider } from "../../provisioning/providers/libsql-server.ts";
import { tursoProvider } from "../../provisioning/providers/turso.ts";
import type { Config } from "../config.ts";

/** Every place that is configured, not only the one for new tenants: older ones may live elsewhere. */
export function createProviders(config: Config): Providers {
  const { LIBSQL_SERVER_URL: url, LIBSQL_SERVER_ADMIN_URL: adminUrl, LIBSQL_SERVER_ADMIN_KEY: adminKey } = config;
  const { TURSO_ORGANIZATION: organization, TURSO_API_TOKEN: apiToken } = config;
  const turso = { group: config.TURSO_GROUP, groups: [...config.TURSO_GROUPS], apiUrl: config.TURSO_API_URL };
  return {
    file: fileProvider({ directory: join(config.DATA_DIR, "tenants") }),
    ...(organization && apiToken && { turso: tursoProvider({ organization, apiToken, ...turso }) }),
    ...(url && adminUrl && adminKey && { "libsql-server": libsqlServerProvider({ url, adminUrl, adminKey }) }),
  };
}
