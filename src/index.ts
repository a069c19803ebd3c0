export { defineProvider } from "../provisioning/providers/define.ts";
export { fileProvider } from "../provisioning/providers/file.ts";
export { libsqlServerProvider } from "../provisioning/providers/libsql-server.ts";
export type { DatabaseProvider, Location, Place, ProviderSupports } from "../provisioning/providers/provider.ts";
export { tursoProvider } from "../provisioning/providers/turso.ts";
export { type Config, loadConfig, processVariables } from "./config.ts";
export type { Database, SqlValue, Statement, StatementResult } from "./db/database.ts";
export { type ErrorCode, PlatformError } from "./domain/errors.ts";
export { DatabaseName } from "./domain/names.ts";
